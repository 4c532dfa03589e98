// A disk without room while the broker appends, rolls and compacts: produce is refused retriably, reads and lookups go
// on, and all resumes with the room, without a restart.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "base/errc.h"
#include "proto/record_batch.h"
#include "segment/disk_reserve.h"
#include "segment/filename.h"
#include "tests/broker/native/native_client.h"
#include "tests/e2e/broker_process.h"
#include "tests/e2e/private_mounts.h"
#include "tests/support/catch.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

constexpr std::int64_t kFull = -static_cast<std::int64_t>(Errc::storage_full);
constexpr std::uint64_t kFullDiskBytes = 24u << 20;
// The 2,000 records of 1,000 bytes that compaction leaves.
constexpr std::uint64_t kCompacted = 2'200'000;

struct Served {
  explicit Served(const std::string& data, const std::vector<std::string>& settings = {})
      : broker(data, settings), client(broker.port()) {}

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
  // The same of what a reader of the whole log comes to.
  void check_log() {
    std::map<std::string, std::string> last;
    for (std::int64_t position = 0, before = -1; position != before;) {
      before = position;
      v1::RequestHeader request;
      request.mutable_fetch()->add_partitions()->set_topic("t");
      request.mutable_fetch()->mutable_partitions(0)->set_offset(position);
      const NativeAnswer answer = client.call(request);
      REQUIRE(answer.header.fetch().partitions(0).error().code() == 0);
      position = answer.header.fetch().partitions(0).next_fetch_offset();
      read_batches(answer.attachment, last);
    }
    REQUIRE(last.size() == newest.size());
    for (const auto& [key, number] : newest) REQUIRE(last[key] == value(number));
  }
  void check_all() {
    check();
    check_log();
  }
  static void read_batches(ByteView bytes, std::map<std::string, std::string>& last) {
    while (!bytes.empty()) {
      const auto header = decode_batch_header(bytes);
      REQUIRE_OK(header);
      REQUIRE(batch_crc_holds(bytes.substr(0, header->total_bytes())));
      RecordCursor cursor(*header, bytes.substr(kBatchHeaderBytes, header->total_bytes() - kBatchHeaderBytes));
      for (RecordView record; *cursor.next(record);) last[std::string(*record.key)] = std::string(*record.value);
      bytes.remove_prefix(header->total_bytes());
    }
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

std::uint64_t start_compaction(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_compact()->set_topic("t");
  request.mutable_compact()->set_partition(-1);
  request.mutable_compact()->set_wait(true);
  return client.send(request);
}

// Empty when it went well, else the error's message.
std::string compacted(NativeClient& client, std::uint64_t id) {
  while (true) {
    const NativeAnswer answer = client.answer_to(id);
    if (answer.header.error_code() != 0) return answer.header.error_message();
    if (answer.header.compact().error().code() != 0) return answer.header.compact().error().message();
    if (answer.header.end() || answer.header.compact().finished()) return "";
  }
}

std::string compact(NativeClient& client) { return compacted(client, start_compaction(client)); }

std::set<std::string> listed_segments(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_segments()->set_topic("t");
  request.mutable_segments()->set_partition(-1);
  std::set<std::string> names;
  const NativeAnswer answer = client.call(request);
  for (const auto& segment : answer.header.segments().segments())
    names.insert(segment_filename({Offset(segment.base_offset()), Generation(segment.generation())}, SegmentFile::log));
  return names;
}

// What goes on: the sizes of the logs that rewrites are writing, and how many they have put into the log.
struct Rewrites {
  std::vector<std::uintmax_t> unfinished;
  std::size_t installed = 0;
};

Rewrites rewrites(const std::string& data, NativeClient& client) {
  std::map<std::string, std::uintmax_t> logs;
  std::error_code gone;  // files come and go meanwhile
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    const std::string name = entry.path().filename().string();
    const auto parsed = parse_segment_filename(name);
    if (parsed && parsed->file == SegmentFile::log && parsed->name.rewritten()) logs[name] = entry.file_size(gone);
  }
  Rewrites rewrites;
  for (const std::string& name : listed_segments(client)) {
    logs.erase(name);
    rewrites.installed += parse_segment_filename(name)->name.rewritten();
  }
  for (const auto& [name, size] : logs) rewrites.unfinished.push_back(size);
  return rewrites;
}

// Files of segments of the partition that are no part of the log.
std::string unlisted_files(const std::string& data, NativeClient& client) {
  const std::set<std::string> listed = listed_segments(client);
  std::string unlisted;
  for (const auto& directory : std::filesystem::directory_iterator(data)) {
    if (!directory.path().filename().string().starts_with("t-0.")) continue;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      const std::string name = entry.path().filename().string();
      const auto parsed = parse_segment_filename(name);
      if (parsed && !listed.contains(segment_filename(parsed->name, SegmentFile::log))) unlisted += name + " ";
    }
  }
  return unlisted;
}

void wait_for(const std::string& what, const std::function<bool()>& happened) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!happened()) {
    INFO("waiting until " << what);
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
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
void with_small_disk(Body body, std::uint64_t bytes = kFullDiskBytes, std::uint64_t inodes = 0) {
  const PrivateMounts mounts;
  if (!mounts.missing().empty()) return skip(mounts.missing());
  const TempDir directory;
  SmallDisk disk(directory.path(), bytes, inodes);
  if (!disk.missing().empty()) return skip(disk.missing());
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
    served.check_all();
    CHECK(served.client.put("t", "more", std::string(1000, 'v')) == kFull);
    disk.make_room();
    served.put_some(next, 50, 20);
    CHECK(served.problem().empty());
    served.check_all();
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check_all();
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
      served.check_all();
      disk.make_room();
      served.put_some(next, 100, 20);
      next += 100;
      CHECK(served.problem().empty());
      served.check_all();
    }
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check_all();
  });
}

// The filler comes once a rewrite has written so far; the throttle leaves the time for that. A new log for each stage,
// whose segments are worth no merge that nobody has asked for.
struct Stage {
  const char* reached;
  std::size_t installed;  // by an earlier rewrite of the same compaction
  std::uintmax_t bytes;   // written so far
  std::uint64_t room;     // left by the filler
  int records;            // of a kilobyte; one rewrite takes 16 MiB
};
constexpr Stage kStages[] = {{"a rewrite has made its first file", 0, 0, 0, 6'000},
                             {"a rewrite has written something", 0, 1, 0, 6'000},
                             {"the same, and room for part of a write is left", 0, 1, 100'000, 6'000},
                             {"one rewrite is done and the next has written", 1, 1, 0, 22'000}};
// The same threads meet at every stage, and ThreadSanitizer makes each of 40,000 records five times as slow: one is
// enough.
#if defined(__SANITIZE_THREAD__)
constexpr int kStagesTried = 1;
#else
constexpr int kStagesTried = 4;
#endif

TEST_CASE("a disk that fills up in the middle of a rewrite loses nothing, and the rewrite begins anew", "[e2e]") {
  const Stage stage = kStages[GENERATE(range(0, kStagesTried))];
  INFO(stage.reached);
  const auto body = [&stage](SmallDisk& disk, const std::string& data) {
    // What it does without a reserve.
    Served served(data, {"compaction.max.bytes.per.second=8388608", "disk.reserve.bytes=0"});
    served.create("2097152");
    // Half of every segment stays.
    int next = 0;
    for (; next < stage.records; ++next) served.put_some(next, 1, next % 2 == 0 ? 1'000'000 : 10);
    const std::uint64_t before = log_bytes(served.client);

    NativeClient asking(served.broker.port());
    const std::uint64_t asked = start_compaction(asking);
    Rewrites now;
    wait_for(stage.reached, [&] {
      now = rewrites(data, served.client);
      return !now.unfinished.empty() && now.unfinished[0] >= stage.bytes && now.installed >= stage.installed;
    });
    disk.fill_up_to(stage.room);
    // It is still at it, or the full disk has stopped it already; it was not done before.
    const Rewrites then = rewrites(data, served.client);
    REQUIRE((!then.unfinished.empty() || then.installed == now.installed));
    served.check();
    next = served.put_until_full(next, 10);
    CHECK(served.problem() == "storage_full");
    const std::string failure = compacted(asking, asked);
    INFO(failure);
    CHECK(failure.find("space") != std::string::npos);
    // Its files are gone when it answers; those of the inputs of a rewrite that was done go soon.
    CHECK(rewrites(data, served.client).unfinished.empty());
    wait_for("only the log is left", [&] { return unlisted_files(data, served.client).empty(); });
    // What the rewrite gave back goes, too.
    disk.fill_up_to(0);
    next = served.put_until_full(next, 10);
    served.check_all();
    disk.make_room();
    served.put_some(next, 50, 10);
    CHECK(served.problem().empty());

    CHECK(compact(served.client).empty());
    wait_for("only the log is left", [&] { return unlisted_files(data, served.client).empty(); });
    CHECK(log_bytes(served.client) < before * 2 / 3);
    served.check_all();
    CHECK(served.broker.stop() == 0);
    Served again(data);
    again.newest = served.newest;
    again.check_all();
  };
  with_small_disk(body, 96u << 20);
}

TEST_CASE("a broker starts on a full disk and serves what is there, after a stop and after a kill", "[e2e]") {
  with_small_disk([](SmallDisk& disk, const std::string& data) {
    std::map<std::string, int> newest;
    int next = 0;
    {
      Served served(data);
      served.create("65536");
      served.put_some(0, 50, 20);
      disk.fill_up_to(0);
      next = served.put_until_full(50, 20);
      newest = served.newest;
      CHECK(served.broker.stop() == 0);
    }
    disk.fill_up_to(0);
    for (const bool killed : {true, false}) {
      INFO((killed ? "to be killed" : "to be stopped"));
      Served served(data);
      served.newest = newest;
      served.check();
      v1::RequestHeader request;
      request.mutable_create_topic()->set_name("u");
      request.mutable_create_topic()->set_partitions(3);
      CHECK(served.client.call(request).header.error_code() == static_cast<int>(Errc::storage_full));
      if (killed) {
        served.broker.kill();
        continue;
      }
      disk.make_room();
      served.client.create_topic("u", 3);
      CHECK(served.client.put("u", "k", "v") >= 0);
      served.put_some(next, 50, 20);
      served.check();
      CHECK(served.broker.stop() == 0);
    }
  });
}

// Another process takes the last byte, or the last inode, and keeps it; the broker comes back by a verb that gives room
// back, without a restart.
struct FullDisk {
  SmallDisk& disk;
  Served served;
  int next = 0;
  FullDisk(SmallDisk& of, const std::string& data) : disk(of), served(data) {}

  // Mostly garbage, in closed segments; the rest is `kept`'s.
  void fill(const std::string& policy, bool last_inode) {
    served.client.create_topic("t", 1,
                               {{"segment.bytes", "262144"},
                                {"max.message.bytes", "16384"},
                                {"cleanup.policy", policy},
                                {"min.cleanable.dirty.ratio", "1"},
                                {"compaction.dead.bytes", "1099511627776"}});
    served.client.create_topic("kept", 1, {{"segment.bytes", "262144"}, {"max.message.bytes", "16384"}});
    REQUIRE(served.client.put("kept", "k", "before") >= 0);
    served.put_some(0, 2000, 10);
    next = 2000;
    if (last_inode) {
      disk.take_inodes();
      return;
    }
    disk.fill_up_to(0);
    next = served.put_until_full(next, 10);
    disk.fill_up_to(0);
    CHECK(served.problem() == "storage_full");
  }
  // Records are taken again, with what the other process has taken still gone.
  void check_back() {
    wait_for("records are taken again", [&] {
      const std::int64_t offset = served.client.put("kept", "k", std::string(10'000, 'v'));
      REQUIRE((offset >= 0 || offset == kFull));
      return offset >= 0;
    });
    // Without a reserve that is not whole.
    wait_for("health has no complaint but that there is little room", [&] {
      for (const std::string& problem : problems())
        if (problem != "disk_low" && problem != "storage_full") return false;
      return true;
    });
    CHECK(served.client.get("kept", "k") == std::string(10'000, 'v'));
    CHECK(served.broker.stop() == 0);
  }
  std::vector<std::string> problems() {
    v1::RequestHeader request;
    request.mutable_describe_broker();
    std::vector<std::string> states;
    const NativeAnswer answer = served.client.call(request);
    for (const auto& problem : answer.header.describe_broker().problems()) states.push_back(problem.state());
    return states;
  }
  void ask(v1::RequestHeader& request) {
    const NativeAnswer answer = served.client.call(request);
    INFO(answer.header.error_message());
    REQUIRE(answer.header.error_code() == 0);
  }
};

template <class Verb>
void with_full_disk(const std::string& policy, Verb verb) {
  const bool last_inode = GENERATE(false, true);
  INFO((last_inode ? "no inode" : "no byte"));
  with_small_disk(
      [&](SmallDisk& disk, const std::string& data) {
        FullDisk full(disk, data);
        full.fill(policy, last_inode);
        verb(full);
        full.check_back();
      },
      kFullDiskBytes, 400);
}

TEST_CASE("records delete brings a broker back whose disk another process has filled", "[e2e]") {
  with_full_disk("delete", [](FullDisk& full) {
    v1::RequestHeader request;
    request.mutable_delete_records()->set_topic("t");
    request.mutable_delete_records()->set_partition(-1);
    request.mutable_delete_records()->set_before_offset(-1);
    const NativeAnswer answer = full.served.client.call(request);
    REQUIRE(answer.header.error_code() == 0);
    INFO(answer.header.delete_records().partitions(0).error().message());
    REQUIRE(answer.header.delete_records().partitions(0).error().code() == 0);
  });
}

TEST_CASE("a lowered retention brings a broker back whose disk another process has filled", "[e2e]") {
  with_full_disk("delete", [](FullDisk& full) {
    v1::RequestHeader request;
    request.mutable_alter_topic()->set_name("t");
    (*request.mutable_alter_topic()->mutable_set())["retention.bytes"] = "300000";
    full.ask(request);
    wait_for("the old segments are gone", [&] { return log_bytes(full.served.client) < 900'000; });
  });
}

TEST_CASE("topic delete brings a broker back whose disk another process has filled", "[e2e]") {
  with_full_disk("compact", [](FullDisk& full) {
    v1::RequestHeader request;
    request.mutable_delete_topic()->set_name("t");
    full.ask(request);
  });
}

TEST_CASE("compaction brings a broker back whose disk another process has filled", "[e2e]") {
  with_full_disk("compact", [](FullDisk& full) { CHECK(compact(full.served.client).empty()); });
}

// A directory's first reserve is made behind the first answers.
std::size_t reserve_files(const std::string& data) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data))
    files += entry.path().filename().string().compare(0, 8, "reserve.") == 0;
  return files;
}

TEST_CASE("a restart without a free inode opens every partition, and topic delete works after it", "[e2e]") {
  with_small_disk(
      [](SmallDisk& disk, const std::string& data) {
        {
          Served served(data);
          served.create("262144");
          served.put_some(0, 1000, 10);
          wait_for("the disk reserve is made", [&] { return reserve_files(data) == DiskReserve::kFiles; });
          disk.take_inodes();
          served.broker.kill();
        }
        for (const bool killed : {true, false}) {
          INFO((killed ? "to be killed" : "to be stopped"));
          Served served(data);
          CHECK(served.problem() != "offline");
          CHECK(served.client.get("t", Served::key(999, 10)) == Served::value(999));
          if (killed) {
            served.broker.kill();
            continue;
          }
          v1::RequestHeader request;
          request.mutable_delete_topic()->set_name("t");
          CHECK(served.client.call(request).header.error_code() == 0);
          CHECK(served.broker.stop() == 0);
        }
      },
      kFullDiskBytes, 400);
}

TEST_CASE("health warns of a disk that runs low before it refuses the first record", "[e2e]") {
  with_small_disk([](SmallDisk& disk, const std::string& data) {
    Served served(data);
    served.create("262144");
    CHECK(served.problem().empty());
    disk.fill_up_to(4u << 20);
    CHECK(served.problem() == "disk_low");
    CHECK(served.client.put("t", "k", "v") >= 0);
    disk.make_room();
    CHECK(served.problem().empty());
  });
}

}  // namespace logcask::testing
