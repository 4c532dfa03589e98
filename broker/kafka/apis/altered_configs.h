#pragma once
// One resource of AlterConfigs or IncrementalAlterConfigs, and what is to become of its settings.

#include <optional>
#include <string>
#include <vector>

#include "broker/kafka/apis/apis.h"
#include "proto/kafka/alter_configs.h"
#include "proto/kafka/incremental_alter_configs.h"

namespace logcask {

struct AlteredConfig {
  std::string name;
  kafka::ConfigOperation operation = kafka::ConfigOperation::set;
  std::optional<std::string> value;
};

struct AlteredResource {
  std::int8_t type = 0;
  std::string name;
  std::vector<AlteredConfig> configs;
  bool replaces_all = false;  // what is not named goes back to its default
};

// One result for each, when all have been altered or only checked.
void answer_altered(KafkaCall call, std::vector<AlteredResource> resources, bool only_check);

}  // namespace logcask
