#pragma once
// The table of the broker's settings: every name with what it takes, and the field of BrokerConfig it fills.
//
// Constant data. Any thread. docs/CONFIG.md is printed from it (config_reference.h).

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "broker/settings/config.h"
#include "broker/settings/setting.h"

namespace logcask {

struct BrokerSettingRow {
  SettingInfo info;
  std::variant<std::int64_t BrokerConfig::*, std::string BrokerConfig::*> target;
};

const std::vector<BrokerSettingRow>& broker_setting_rows();
std::span<const SettingInfo* const> broker_settings();

}  // namespace logcask
