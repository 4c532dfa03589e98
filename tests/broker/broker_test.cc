// The whole broker over real sockets, one test per promise of the wiring.
#include "tests/broker/broker_fixture.h"

namespace logcask::testing {
namespace {

TEST_CASE("what is produced is found, fetched, and still there after a restart", "[broker]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("accounts");
    CHECK(client.put("accounts", "a", "1") == 0);
    CHECK(client.put("accounts", "b", "2") == 1);
    CHECK(client.put("accounts", "a", "3") == 2);
    CHECK(client.put("accounts", "b", std::nullopt) == 3);
    CHECK(client.get("accounts", "a") == "3");
    CHECK(client.get("accounts", "b") == "<deleted>");
    CHECK(client.get("accounts", "c") == "<absent>");
  }
  broker.restart();
  NativeClient client(broker.port());
  CHECK(client.get("accounts", "a") == "3");
  CHECK(client.get("accounts", "b") == "<deleted>");
  CHECK(client.put("accounts", "c", "4") == 4);
}

TEST_CASE("a broker whose port is taken says so and ends", "[broker]") {
  BrokerFixture running;
  const TempDir other;
  ConfigSources sources;
  sources.flags = {{"data.dir", other.path() + "/data"},
                   {"listen", "127.0.0.1:" + std::to_string(running.port())},
                   {"log.level", "error"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  const auto second = Broker::start(*config, "test");
  REQUIRE(second.code() == Errc::in_use);
  CHECK(second.error().message.find(std::to_string(running.port())) != std::string::npos);
}

}  // namespace
}  // namespace logcask::testing
