#include "broker/settings/config_reload.h"

#include "broker/settings/config_sources.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

BrokerConfig config_with(const SettingValues& file) {
  ConfigSources sources;
  sources.flags = {{"data.dir", "/data"}};
  sources.file = file;
  auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  return std::move(config).value();
}

TEST_CASE("settings read again change what a running broker can change and name what waits for a restart") {
  const BrokerConfig running = config_with({{"log.level", "info"}, {"io.threads", "2"}});
  const BrokerConfig fresh = config_with(
      {{"log.level", "debug"}, {"io.threads", "3"}, {"keydir.total.max.bytes", "1MiB"}, {"listen", "127.0.0.1:1"}});
  const ConfigReload reload = reload_config(running, fresh);
  CHECK(reload.config.log_level == "debug");
  CHECK(reload.config.keydir_total_max_bytes == 1 << 20);
  CHECK(reload.config.io_threads == 2);
  CHECK(reload.config.listen == running.listen);
  CHECK(reload.needs_restart == std::vector<std::string>{"listen", "io.threads"});
  REQUIRE(reload.taken.size() == 2);
  CHECK(reload.taken[0].starts_with("keydir.total.max.bytes = 1048576 (was "));
  CHECK(reload.taken[1] == "log.level = debug (was info)");
}

TEST_CASE("the same settings read again change nothing") {
  const BrokerConfig running = config_with({});
  const ConfigReload reload = reload_config(running, config_with({}));
  CHECK(reload.taken.empty());
  CHECK(reload.needs_restart.empty());
}

}  // namespace
}  // namespace logcask
