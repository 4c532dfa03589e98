#pragma once
// What a running broker takes from its settings read again (SIGHUP): those whose row says `reload`
// (broker_settings.h). Pure.

#include <string>
#include <vector>

#include "broker/settings/config.h"

namespace logcask {

struct ConfigReload {
  BrokerConfig config;                     // the running settings with what was taken
  std::vector<std::string> taken;          // "log.level = debug (was info)"
  std::vector<std::string> needs_restart;  // names of settings that differ and were left as they are
};

ConfigReload reload_config(const BrokerConfig& running, const BrokerConfig& fresh);

}  // namespace logcask
