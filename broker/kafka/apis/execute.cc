#include "broker/kafka/apis/apis.h"
#include "proto/kafka/create_topics.h"
#include "proto/kafka/delete_topics.h"
#include "proto/kafka/fetch.h"
#include "proto/kafka/init_producer_id.h"
#include "proto/kafka/list_offsets.h"
#include "proto/kafka/metadata.h"
#include "proto/kafka/produce.h"

namespace logcask {
namespace {

template <class Request>
void read_and_handle(KafkaCall call, const kafka::RequestHead& head) {
  Request request;
  kafka::Reader reader(head.message, head.api->layout(head.api_version));
  if (auto read = reader.read(request); !read.ok())
    return call.protocol().fail(
        std::move(read).error().in(std::string(head.api->name) + " version " + std::to_string(head.api_version)));
  handle(std::move(call), request);
}

}  // namespace

void execute_kafka(KafkaCall call, const kafka::RequestHead& head) {
  using enum kafka::ApiKey;
  switch (static_cast<kafka::ApiKey>(head.api_key)) {
    case api_versions:
      return handle_api_versions(std::move(call), head.api != nullptr);
    case metadata:
      return read_and_handle<kafka::MetadataRequest>(std::move(call), head);
    case produce:
      return read_and_handle<kafka::ProduceRequest>(std::move(call), head);
    case fetch:
      return read_and_handle<kafka::FetchRequest>(std::move(call), head);
    case list_offsets:
      return read_and_handle<kafka::ListOffsetsRequest>(std::move(call), head);
    case init_producer_id:
      return read_and_handle<kafka::InitProducerIdRequest>(std::move(call), head);
    case create_topics:
      return read_and_handle<kafka::CreateTopicsRequest>(std::move(call), head);
    case delete_topics:
      return read_and_handle<kafka::DeleteTopicsRequest>(std::move(call), head);
    default:
      // Not in the table of what is served, so it does not come here.
      break;
  }
}

}  // namespace logcask
