// ApiVersions: the table. The request's own fields, the client's name, are not needed, so a broken one is answered too.
#include "proto/kafka/api_versions.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle_api_versions(KafkaCall call, bool known_version) {
  kafka::ApiVersionsResponse response;
  if (!known_version) response.error_code = kafka_code(kafka::ErrorCode::unsupported_version);
  for (const kafka::Api& api : kafka::apis())
    response.api_keys.push_back({static_cast<std::int16_t>(api.key), api.min_version, api.max_version});
  call.answer(response);
}

}  // namespace logcask
