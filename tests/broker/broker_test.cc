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

}  // namespace
}  // namespace logcask::testing
