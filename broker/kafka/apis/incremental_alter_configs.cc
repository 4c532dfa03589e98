// IncrementalAlterConfigs: single settings of topics.
#include "proto/kafka/incremental_alter_configs.h"

#include "broker/kafka/apis/altered_configs.h"

namespace logcask {

void handle(KafkaCall call, const kafka::IncrementalAlterConfigsRequest& request) {
  std::vector<AlteredResource> resources;
  for (const auto& resource : request.resources) {
    AlteredResource& altered = resources.emplace_back();
    altered.type = resource.resource_type;
    altered.name = resource.resource_name;
    for (const auto& config : resource.configs)
      altered.configs.push_back({std::string(config.name), static_cast<kafka::ConfigOperation>(config.config_operation),
                                 config.value ? std::optional<std::string>(*config.value) : std::nullopt});
  }
  answer_altered(std::move(call), std::move(resources), request.validate_only);
}

}  // namespace logcask
