// AlterConfigs: all settings of topics at once; what is not named goes back to its default.
#include "proto/kafka/alter_configs.h"

#include "broker/kafka/apis/altered_configs.h"
#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::AlterConfigsRequest& request) {
  std::vector<AlteredResource> resources;
  for (const auto& resource : request.resources) {
    AlteredResource& altered = resources.emplace_back();
    altered.type = resource.resource_type;
    altered.name = resource.resource_name;
    altered.replaces_all = true;
    for (const auto& config : resource.configs)
      altered.configs.push_back({std::string(config.name),
                                 config.value ? kafka::ConfigOperation::set : kafka::ConfigOperation::remove,
                                 config.value ? std::optional<std::string>(*config.value) : std::nullopt});
  }
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), resources = std::move(resources),
       only_check = request.validate_only] {
        kafka::AlterConfigsResponse response;
        for (const AlteredResource& resource : resources) {
          auto& out = response.responses.emplace_back();
          out.resource_type = resource.type;
          out.resource_name = resource.name;
          const Status altered = alter_configs(admin, principal, resource, only_check);
          if (altered.ok()) continue;
          out.error_code = kafka_code(altered);
          out.error_message = altered.error().message;
        }
        return response;
      },
      [](KafkaCall& owed, const kafka::AlterConfigsResponse& response) { owed.answer(response); });
}

}  // namespace logcask
