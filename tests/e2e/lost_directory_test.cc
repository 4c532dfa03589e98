// The data directory goes under the running broker, and descriptors run short.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/errc.h"
#include "tests/broker/native/native_client.h"
#include "tests/e2e/broker_process.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

std::vector<std::string> problem_states(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  std::vector<std::string> states;
  const NativeAnswer answer = client.call(request);
  for (const auto& problem : answer.header.describe_broker().problems()) states.push_back(problem.state());
  return states;
}

bool contains(const std::vector<std::string>& all, const std::string& wanted) {
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

// Within the two seconds that the promise allows, and what a busy machine adds.
void until_refused(NativeClient& client, const std::string& topic) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (client.put(topic, "k", "v") >= 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("a broker whose data directory was removed acknowledges nothing any more and says so", "[e2e]") {
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  BrokerProcess broker(data);
  NativeClient client(broker.port());
  client.create_topic("busy", 1);
  client.create_topic("idle", 1);
  REQUIRE(client.put("busy", "k", "v") >= 0);
  REQUIRE(client.put("idle", "k", "v") >= 0);
  CHECK(problem_states(client).empty());
  std::filesystem::remove_all(data);
  until_refused(client, "busy");
  CHECK(client.put("busy", "k", "v") == -static_cast<std::int64_t>(Errc::read_only));
  CHECK(contains(problem_states(client), "data_directory_gone"));
  until_refused(client, "idle");
  CHECK(contains(problem_states(client), "read_only"));
  broker.kill();
}

TEST_CASE("a broker whose data directory was moved away writes nothing into it, until it is back and reopened",
          "[e2e]") {
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  BrokerProcess broker(data);
  NativeClient client(broker.port());
  client.create_topic("t", 1);
  REQUIRE(client.put("t", "k", "v") >= 0);
  std::filesystem::rename(data, directory.path() + "/elsewhere");
  std::filesystem::create_directory(data);
  until_refused(client, "t");
  CHECK(contains(problem_states(client), "data_directory_gone"));
  std::filesystem::remove(data);
  std::filesystem::rename(directory.path() + "/elsewhere", data);
  v1::RequestHeader reopen;
  reopen.mutable_reopen()->set_topic("t");
  reopen.mutable_reopen()->set_partition(0);
  CHECK(client.call(reopen).header.error_code() == 0);
  REQUIRE(client.put("t", "k", "again") >= 0);
  CHECK(client.get("t", "k") == "again");
  CHECK_FALSE(contains(problem_states(client), "data_directory_gone"));
  CHECK(broker.stop() == 0);
}

TEST_CASE("partitions leave descriptors to connections, rolls and deletions, whatever their number", "[e2e]") {
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  int made = 0;
  {
    BrokerProcess broker(data, {}, 400);
    NativeClient client(broker.port());
    // Up to the maximum that the limit leaves.
    for (;; ++made) {
      v1::RequestHeader request;
      request.mutable_create_topic()->set_name("t" + std::to_string(made));
      request.mutable_create_topic()->set_partitions(1);
      const NativeAnswer answer = client.call(request);
      if (answer.header.error_code() == 0) continue;
      CHECK(answer.header.error_code() == static_cast<int>(Errc::limit_exceeded));
      CHECK_THAT(answer.header.error_message(), Catch::Contains("ulimit -n"));
      break;
    }
    CHECK(made >= 16);
    // All at once, and others connect meanwhile.
    for (int i = 0; i < made; ++i) REQUIRE(client.put("t" + std::to_string(i), "k", "v") >= 0);
    NativeClient another(broker.port());
    CHECK(another.get("t0", "k") == "v");
    CHECK(problem_states(another).empty());
    CHECK(broker.stop() == 0);
  }
  // Under a lower limit all of them open all the same; no new one is made.
  BrokerProcess broker(data, {}, 200);
  NativeClient client(broker.port());
  CHECK(problem_states(client).empty());
  for (int i = 0; i < made; ++i) CHECK(client.get("t" + std::to_string(i), "k") == "v");
  v1::RequestHeader request;
  request.mutable_delete_topic()->set_name("t0");
  CHECK(client.call(request).header.error_code() == 0);
  CHECK(broker.stop() == 0);
}

TEST_CASE("a stop soon after a large topic was deleted ends in order, and the next start removes the rest", "[e2e]") {
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  const auto partitions = [&] {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(data))
      count += entry.path().filename().string().starts_with("large-") ? 1 : 0;
    return count;
  };
  {
    BrokerProcess broker(data);
    NativeClient client(broker.port());
    // Enough to be under way at the stop. That it waits for one partition's files whatever the number, is shown with
    // 5,000 in topics_test.cc; a process with so many takes a minute to make them.
    client.create_topic("large", 60);
    v1::RequestHeader request;
    request.mutable_delete_topic()->set_name("large");
    REQUIRE(client.call(request).header.error_code() == 0);
    CHECK(broker.stop() == 0);
  }
  BrokerProcess broker(data);
  NativeClient client(broker.port());
  CHECK(problem_states(client).empty());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (partitions() > 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
  CHECK(broker.stop() == 0);
}

}  // namespace logcask::testing
