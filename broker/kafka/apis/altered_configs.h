#pragma once
// One resource of AlterConfigs or IncrementalAlterConfigs, and what is to become of its settings.

#include <optional>
#include <string>
#include <vector>

#include "broker/services/admin_service.h"
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

// May block. Errors as AdminService::alter_topic's; invalid_argument for resources whose settings are not changed here.
Status alter_configs(AdminService& admin, const Principal& principal, const AlteredResource& resource, bool only_check);

}  // namespace logcask
