#include "broker/settings/config_reload.h"

#include "broker/settings/broker_settings.h"

namespace logcask {
namespace {

std::string text_of(const BrokerSettingRow& row, const BrokerConfig& config) {
  if (const auto* number = std::get_if<std::int64_t BrokerConfig::*>(&row.target))
    return std::to_string(config.**number);
  return config.*std::get<std::string BrokerConfig::*>(row.target);
}

}  // namespace

ConfigReload reload_config(const BrokerConfig& running, const BrokerConfig& fresh) {
  ConfigReload result;
  result.config = running;
  for (const BrokerSettingRow& row : broker_setting_rows()) {
    const std::string before = text_of(row, running), after = text_of(row, fresh);
    if (before == after) continue;
    const std::string name(row.info.name);
    if (!row.info.reload) {
      result.needs_restart.push_back(name);
      continue;
    }
    std::visit([&](auto field) { result.config.*field = fresh.*field; }, row.target);
    result.taken.push_back(name + " = " + after + " (was " + before + ")");
  }
  return result;
}

}  // namespace logcask
