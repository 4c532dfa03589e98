#include <cstdlib>

#include "broker/settings/broker_settings.h"
#include "broker/settings/config_file.h"
#include "broker/settings/config_reference.h"
#include "broker/settings/config_sources.h"
#include "broker/settings/memory_limit.h"
#include "segment/segment.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

ConfigSources with_data(ConfigSources sources = {}) {
  sources.flags.emplace("data.dir", "/data");
  return sources;
}

std::string refusal(const ConfigSources& sources) {
  const auto config = make_broker_config(with_data(sources));
  REQUIRE(!config.ok());
  CHECK(config.code() == Errc::invalid_config);
  return config.error().message;
}

TEST_CASE("a broker needs only its data directory") {
  CHECK(make_broker_config({}).error().message.find("data.dir") != std::string::npos);
  const auto config = make_broker_config(with_data());
  REQUIRE_OK(config);
  CHECK(config->listen == "127.0.0.1:7440");
  CHECK(config->io_threads == core_count());
  CHECK(config->keydir_total_max_bytes == static_cast<std::int64_t>(memory_limit_bytes() / 4));
}

TEST_CASE("a Kafka listener that nobody asked for gets in nobody's way") {
  const auto plain = make_broker_config(with_data());
  REQUIRE_OK(plain);
  CHECK(plain->kafka_listen == "127.0.0.1:9092");
  CHECK(!plain->kafka_listen_asked);
  // Its port is the machine's choice where the native one is; its host is not, so that it stays on loopback.
  ConfigSources beside;
  beside.flags = {{"listen", "0.0.0.0:0"}};
  const auto config = make_broker_config(with_data(beside));
  REQUIRE_OK(config);
  CHECK(config->kafka_listen == "127.0.0.1:0");
  CHECK(!config->kafka_listen_asked);
  // The HTTP listener is held to the same, each by what was asked of it.
  CHECK(plain->http_listen == "127.0.0.1:7441");
  CHECK(config->http_listen == "127.0.0.1:0");
  beside.flags["http.listen"] = "127.0.0.1:7441";
  const auto asked = make_broker_config(with_data(beside));
  REQUIRE_OK(asked);
  CHECK(asked->http_listen == "127.0.0.1:7441");
  CHECK(asked->http_listen_asked);
  CHECK(asked->kafka_listen == "127.0.0.1:0");
}

TEST_CASE(
    "a Kafka listener is asked for by a flag, the environment and the file alike, with the default's address, too") {
  ConfigSources flag, environment, file;
  flag.flags = {{"kafka.listen", "127.0.0.1:9092"}};
  environment.environment = {{"LOGCASK_KAFKA_LISTEN", "127.0.0.1:9092"}};
  file.file = {{"kafka.listen", "127.0.0.1:9092"}};
  for (ConfigSources sources : {flag, environment, file}) {
    sources.flags["listen"] = "127.0.0.1:0";
    const auto config = make_broker_config(with_data(sources));
    REQUIRE_OK(config);
    CHECK(config->kafka_listen == "127.0.0.1:9092");
    CHECK(config->kafka_listen_asked);
  }
  for (const char* word : {"off", "OFF", "Off"}) {
    ConfigSources off;
    off.flags = {{"kafka.listen", word}};
    const auto config = make_broker_config(with_data(off));
    REQUIRE_OK(config);
    CHECK(!config->has_kafka_listener());
  }
}

TEST_CASE("Kafka clients are never told an address that nobody can connect to") {
  for (const char* address : {"0.0.0.0:9092", "[::]:9092", "broker.example:0"}) {
    INFO(address);
    ConfigSources sources;
    sources.file = {{"kafka.advertised.listener", address}};
    CHECK(refusal(sources).find("kafka.advertised.listener") != std::string::npos);
  }
}

TEST_CASE("flags win over the environment, the environment over the file") {
  ConfigSources sources;
  sources.file = {{"num.partitions", "3"}, {"flush.threads", "3"}, {"io.threads", "3"}};
  sources.environment = {{"LOGCASK_NUM_PARTITIONS", "2"}, {"LOGCASK_FLUSH_THREADS", "2"}};
  sources.flags = {{"num.partitions", "1"}};
  const auto config = make_broker_config(with_data(sources));
  REQUIRE_OK(config);
  CHECK(config->default_partitions == 1);
  CHECK(config->flush_threads == 2);
  CHECK(config->io_threads == 3);
}

TEST_CASE("nonsense is refused with the setting's name, its range and where it came from") {
  ConfigSources sources;
  sources.environment = {{"LOGCASK_FRAME_MAX_BYTES", "12"}};
  const std::string message = refusal(sources);
  CHECK(message.find("frame.max.bytes") != std::string::npos);
  CHECK(message.find("131072 to 1073741824 bytes") != std::string::npos);
  CHECK(message.find("LOGCASK_FRAME_MAX_BYTES") != std::string::npos);
  for (const char* text : {"", "x", "1x", "-5", "9999999999999999999999", "1e3", "8388608.5", "9TiB9"}) {
    INFO(text);
    ConfigSources one;
    one.file = {{"frame.max.bytes", text}};
    CHECK(refusal(one).find("frame.max.bytes") != std::string::npos);
  }
}

TEST_CASE("an unknown setting suggests the one that was meant") {
  ConfigSources sources;
  sources.flags = {{"keydir.total.max.byte", "1GiB"}};
  CHECK(refusal(sources).find("did you mean 'keydir.total.max.bytes'?") != std::string::npos);
  sources.flags = {{"segment.bytes", "5MiB"}};
  CHECK(refusal(sources).find("'segment.bytes' is a setting of a topic, not of the broker") != std::string::npos);
  sources.flags.clear();
  sources.environment = {{"LOGCASK_LISTN", "x"}};
  CHECK(refusal(sources).find("did you mean LOGCASK_LISTEN?") != std::string::npos);
}

TEST_CASE("sizes and times take suffixes") {
  ConfigSources sources;
  sources.flags = {{"frame.max.bytes", "16MiB"}, {"idle.timeout.ms", "5min"}, {"keydir.total.max.bytes", "2 GiB"}};
  const auto config = make_broker_config(with_data(sources));
  REQUIRE_OK(config);
  CHECK(config->frame_max_bytes == 16 << 20);
  CHECK(config->idle_timeout_ms == 300'000);
  CHECK(config->keydir_total_max_bytes == std::int64_t{2} << 30);
}

TEST_CASE("settings that cannot work together are refused") {
  ConfigSources sources;
  sources.flags = {{"frame.max.bytes", "128MiB"}};
  CHECK(refusal(sources).find("connection.inflight.max.bytes") != std::string::npos);
  sources.flags = {{"listen", "nowhere"}};
  CHECK(refusal(sources).find("HOST:PORT") != std::string::npos);
  sources.flags = {{"listen", "::1:80"}};
  CHECK(refusal(sources).find("HOST:PORT") != std::string::npos);
}

TEST_CASE("no batch is taken that unpacks to more than its readers do") {
  const std::size_t readable = SegmentEnvironment::Limits().max_decompressed_bytes;
  const auto with = [](std::size_t bytes) {
    return with_data({{{"batch.decompressed.max.bytes", std::to_string(bytes)}}, {}, {}, {}});
  };
  CHECK(make_broker_config(with(readable)).ok());
  CHECK(!make_broker_config(with(readable + 1)).ok());
}

TEST_CASE("a TOML file may use tables or dotted names") {
  const auto values =
      parse_config_text("listen = '[::1]:0'\n[frame]\nmax.bytes = 1048576\n[log]\nlevel = 'debug'\n", "f.toml");
  REQUIRE_OK(values);
  ConfigSources sources;
  sources.file = *values;
  const auto config = make_broker_config(with_data(sources));
  REQUIRE_OK(config);
  CHECK(config->frame_max_bytes == 1048576);
  CHECK(config->log_level == "debug");
  CHECK(config->listen == "[::1]:0");
}

TEST_CASE("a file that is not TOML is refused with its line") {
  const auto broken = parse_config_text("listen = '1'\nwhat is this", "f.toml");
  REQUIRE(!broken.ok());
  CHECK(broken.error().message.find("f.toml line 2") != std::string::npos);
  CHECK(!parse_config_text("listen = [1, 2]", "f.toml").ok());
  CHECK(read_config_file("/nonexistent/f.toml").code() == Errc::not_found);
}

TEST_CASE("the reference names every setting with its environment variable") {
  const std::string reference = config_reference_markdown();
  for (const SettingInfo* info : broker_settings()) {
    CHECK(reference.find("| `" + std::string(info->name) + "` |") != std::string::npos);
    CHECK(reference.find("`" + environment_name(info->name) + "`") != std::string::npos);
    CHECK(!info->description.empty());
  }
  CHECK(reference.find("| `cleanup.policy` |") != std::string::npos);
}

TEST_CASE("variables that a container platform sets for a service called logcask do not stop the start") {
  for (const auto& [name, value] : SettingValues{{"LOGCASK_PORT", "tcp://10.0.0.1:7440"},
                                                 {"LOGCASK_SERVICE_HOST", "10.0.0.1"},
                                                 {"LOGCASK_SERVICE_PORT", "7440"},
                                                 {"LOGCASK_SERVICE_PORT_NATIVE", "7440"},
                                                 {"LOGCASK_PORT_7440_TCP", "tcp://10.0.0.1:7440"},
                                                 {"LOGCASK_PORT_7440_TCP_ADDR", "10.0.0.1"},
                                                 {"LOGCASK_CONSOLE_SERVICE_HOST", "10.0.0.2"}}) {
    INFO(name);
    CHECK(set_by_platform(name, value));
    REQUIRE(setenv(name.c_str(), value.c_str(), 1) == 0);
    CHECK(!environment_settings().contains(name));
    unsetenv(name.c_str());
  }
  for (const char* name : {"LOGCASK_PORT", "LOGCASK_LISTEN", "LOGCASK_REPORT_X_TCP", "LOGCASK_PORT_TCP"})
    CHECK(!set_by_platform(name, "7440"));
  CHECK(set_by_platform("LOGCASK_LISTEN", "127.0.0.1:7440") == false);
}

}  // namespace
}  // namespace logcask
