// AlterConfigs: all settings of topics at once; what is not named goes back to its default.
#include "proto/kafka/alter_configs.h"

#include "broker/kafka/apis/altered_configs.h"

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
  answer_altered(std::move(call), std::move(resources), request.validate_only);
}

}  // namespace logcask
