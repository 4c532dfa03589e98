#pragma once
// The broker's own settings, from flags over environment over file over defaults.
//
// Environment variables are LOGCASK_ and the name in upper case with dots as underscores. The file is
// TOML; tables and dotted keys mean the same. Nonsense is refused as invalid_config, naming the setting, where
// it came from and what it allows.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/settings/config.h"

namespace logcask {

// Name to text, as given on the command line, in the environment or in the file.
using SettingValues = std::map<std::string, std::string, std::less<>>;

struct ConfigSources {
  SettingValues flags;        // by setting name
  SettingValues environment;  // by variable name; unknown LOGCASK_ names are refused unless `foreign` names them
  SettingValues file;         // by setting name
  std::string file_name;      // for messages
};

// Merges, parses and checks. Fills what is left to the machine: threads and the shares of the memory.
Result<BrokerConfig> make_broker_config(const ConfigSources& sources);

// "LOGCASK_DATA_DIR" for "data.dir".
std::string environment_name(std::string_view setting);
// The variables of this process that begin with LOGCASK_, without those other programs of ours read (LOGCASK_BROKER).
// Those that a container platform sets for a service called "logcask" are passed over, too.
SettingValues environment_settings();
// Whether a variable has one of the shapes in which container platforms announce the address of a service: Docker's
// links (LOGCASK_PORT=tcp://..., LOGCASK_PORT_7440_TCP_ADDR) and Kubernetes' (LOGCASK_SERVICE_HOST, ...).
bool set_by_platform(std::string_view name, std::string_view value);

}  // namespace logcask
