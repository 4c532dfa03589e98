#pragma once
// A whole broker in this process, on a directory of its own and a free port.

#include <memory>
#include <string>

#include "broker/broker.h"
#include "broker/log.h"
#include "broker/settings/config_sources.h"
#include "tests/broker/native/native_client.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {

class BrokerFixture {
 public:
  explicit BrokerFixture(SettingValues flags = {}) : flags_(std::move(flags)) { start(); }

  void start() {
    ConfigSources sources;
    sources.flags = flags_;
    sources.flags["data.dir"] = directory_.path() + "/data";
    sources.flags["listen"] = listen_;
    sources.flags.try_emplace("log.level", "error");
    auto config = make_broker_config(sources);
    REQUIRE_OK(config);
    set_log_level(config->log_level);
    auto started = Broker::start(*config, "test");
    REQUIRE_OK(started);
    broker_ = std::move(started).value();
  }
  void stop() {
    CHECK(broker_->stop());
    broker_.reset();
  }
  void restart() {
    stop();
    start();
  }
  // For clients that find it again.
  void restart_on_the_same_port() {
    listen_ = "127.0.0.1:" + std::to_string(port());
    restart();
  }
  std::uint16_t port() const { return broker_->native_address().port; }
  std::optional<SocketAddress> kafka_address() const { return broker_->kafka_address(); }
  std::string data_path() const { return directory_.path() + "/data"; }

 private:
  TempDir directory_;
  SettingValues flags_;
  std::string listen_ = "127.0.0.1:0";
  std::unique_ptr<Broker> broker_;
};

}  // namespace logcask::testing
