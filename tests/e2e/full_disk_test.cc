// A disk without room while the broker appends, rolls and compacts: produce is refused retriably, reads and lookups go
// on, and all resumes with the room, without a restart.
#include <iostream>

#include "base/errc.h"
#include "tests/broker/native_client.h"
#include "tests/e2e/broker_process.h"
#include "tests/e2e/private_mounts.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

constexpr std::int64_t kFull = -static_cast<std::int64_t>(Errc::storage_full);
constexpr std::uint64_t kDiskBytes = 24u << 20;
// The 2,000 records of 1,000 bytes that compaction leaves.
constexpr std::uint64_t kCompacted = 2'200'000;

struct Served {
  explicit Served(const std::string& data) : broker(data), client(broker.port()) {}

  void create(const std::string& segment_bytes) {
    client.create_topic("t", 1,
                        {{"segment.bytes", segment_bytes},
                         {"max.message.bytes", "16384"},
                         {"min.cleanable.dirty.ratio", "1"},
                         {"compaction.dead.bytes", "1099511627776"}});
  }
  // Until the disk refuses; the number of records taken.
  int put_until_full(int first, int keys) {
    for (int i = first;; ++i) {
      const std::int64_t offset = client.put("t", key(i, keys), value(i));
      if (offset == kFull) return i;
      REQUIRE(offset >= 0);
      newest[key(i, keys)] = i;
      REQUIRE(i - first < 100'000);
    }
  }
  void put_some(int first, int count, int keys) {
    for (int i = first; i < first + count; ++i) {
      REQUIRE(client.put("t", key(i, keys), value(i)) >= 0);
      newest[key(i, keys)] = i;
    }
  }
  void check() {
    for (const auto& [key, number] : newest) REQUIRE(client.get("t", key) == value(number));
  }
  // Of the health verb: "storage_full" and so on, empty when well.
  std::string problem() {
    v1::RequestHeader request;
    request.mutable_describe_broker();
    const NativeAnswer answer = client.call(request);
    const auto& problems = answer.header.describe_broker().problems();
    return problems.empty() ? "" : problems[0].state();
  }
  static std::string key(int i, int keys) { return "k" + std::to_string(i % keys); }
  static std::string value(int i) { return std::to_string(i) + std::string(1000, 'v'); }

  BrokerProcess broker;
  NativeClient client;
  std::map<std::string, int> newest;
};

// Empty when it went well, else the error's message.
std::string compact(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_compact()->set_topic("t");
  request.mutable_compact()->set_partition(-1);
  request.mutable_compact()->set_wait(true);
  const std::uint64_t id = client.send(request);
  while (true) {
    const NativeAnswer answer = client.answer_to(id);
    if (answer.header.error_code() != 0) return answer.header.error_message();
    if (answer.header.compact().error().code() != 0) return answer.header.compact().error().message();
    if (answer.header.end() || answer.header.compact().finished()) return "";
  }
}

std::uint64_t log_bytes(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_segments()->set_topic("t");
  request.mutable_segments()->set_partition(-1);
  std::uint64_t bytes = 0;
  const NativeAnswer answer = client.call(request);
  for (const auto& segment : answer.header.segments().segments()) bytes += segment.size_bytes();
  return bytes;
}

// Runs `body` with a small disk, or says why not.
template <class Body>
void with_small_disk(Body body, std::uint64_t bytes = kDiskBytes) {
  const PrivateMounts mounts;
  if (!mounts.missing().empty()) {
    std::cout << "SKIPPED: " << mounts.missing() << "\n";
    return;
  }
  const TempDir directory;
  SmallDisk disk(directory.path(), bytes);
  if (!disk.missing().empty()) {
    std::cout << "SKIPPED: " << disk.missing() << "\n";
    return;
  }
  body(disk, directory.path() + "/data");
}

}  // namespace

TEST_CASE("a disk that fills up during appends refuses them retriably until there is room", "[e2e]") {
  with_small_disk([](SmallDisk& disk, const std::string& data) {
    Served served(data);
    served.create("1073741824");
    served.put_some(0, 50, 20);
    disk.fill_up_to(200'000);
    int next = served.put_until_full(50, 20);
    CHECK(served.problem() == "storage_full");
    served.check();
    CHECK(served.client.put("t", "more", std::string(1000, 'v')) == kFull);
    disk.make_room();
    served.put_some(next, 50, 20);
    CHECK(served.problem().empty());
    served.check();
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check();
  });
}

TEST_CASE("a disk that fills up at a roll refuses appends retriably until there is room", "[e2e]") {
  with_small_disk([](SmallDisk& disk, const std::string& data) {
    Served served(data);
    served.create("65536");
    int next = 0;
    // Room for less and less of a new segment, its sync log and its hint.
    for (const std::uint64_t room : {150'000, 90'000, 60'000, 20'000, 8'000, 0}) {
      INFO("room " << room);
      disk.fill_up_to(room);
      next = served.put_until_full(next, 20);
      CHECK(served.problem() == "storage_full");
      served.check();
      disk.make_room();
      served.put_some(next, 100, 20);
      next += 100;
      CHECK(served.problem().empty());
      served.check();
    }
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check();
  });
}

// Compaction leaves 64 MiB to appends, and says so.
TEST_CASE("a disk that fills up during compaction keeps everything, and compaction works when there is room", "[e2e]") {
  const auto body = [](SmallDisk& disk, const std::string& data) {
    Served served(data);
    served.create("2097152");
    served.put_some(0, 8000, 2000);
    disk.fill_up_to(100'000);
    const std::string refused = compact(served.client);
    INFO(refused);
    // A disk that runs low starts compaction by itself, which may have found just enough.
    if (log_bytes(served.client) > kCompacted) CHECK(refused.find("disk space") != std::string::npos);
    served.check();
    disk.make_room();
    CHECK(compact(served.client).empty());
    CHECK(log_bytes(served.client) < kCompacted);
    served.check();
    served.put_some(8000, 20, 2000);
    served.check();
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check();
  };
  with_small_disk(body, 512u << 20);
}

}  // namespace logcask::testing
