// A full disk, and what another process has taken of it, under a broker's topics: each verb that gives room back works.
#include "broker/upkeep/disk_watch.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "broker/threads/thread_executor.h"
#include "broker/topics/disk_partition_factory.h"
#include "broker/topics/internal_batch.h"
#include "compactor/compactor.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

// Of the memory disk; small beside what the topics hold.
constexpr std::int64_t kReserveBytes = 64 * 16384;

enum class Taken { bytes, inodes };

struct WatchedStorage {
  // Started on a disk of that size, with what comes behind the first answers unless `just_started`.
  explicit WatchedStorage(std::uint64_t disk_bytes = UINT64_MAX, std::uint64_t disk_files = UINT64_MAX,
                          bool just_started = false) {
    disk.set_capacity(disk_bytes);
    disk.set_file_capacity(disk_files);
    config.keydir_total_max_bytes = 1 << 20;
    config.tail_buffer_bytes = 1 << 20;
    config.pending_records_max = 1 << 16;
    flush = std::make_unique<ThreadExecutor>("flush", 1, system_clock());
    background = std::make_unique<ThreadExecutor>("background", 1, system_clock());
    data = *DataDirectory::open(disk.root(), "boot", kReserveBytes);
    const auto quiet = [](const std::string&) {};
    factory = std::make_unique<DiskPartitionFactory>(
        DiskPartitionParts{*data, config, hasher, clock, *flush, *background, 64, quiet, quiet, [] {}});
    topics = std::make_unique<Topics>(metadata, *factory, clock, Topics::Limits());
    watch = std::make_unique<DiskWatch>(
        *data, *topics, [this](const std::string& line) { lines.push_back(line); },
        [this](const std::string& line) { lines.push_back(line); });
    watch->start();
    if (!just_started) watch->round();
  }
  ~WatchedStorage() {
    disk.set_capacity(UINT64_MAX);
    disk.set_file_capacity(UINT64_MAX);
    topics->close({Errc::shutting_down, "the test stops"}, 1);
    flush->stop();
    background->stop();
  }

  // Some closed segments of values that are overwritten again and again.
  PartitionRunner& fill(const std::string& name, const std::string& policy, int records = 60) {
    REQUIRE_OK(topics->create(name, 1,
                              {{"cleanup.policy", policy},
                               {"segment.bytes", "16384"},
                               {"max.message.bytes", "8192"},
                               {"min.cleanable.dirty.ratio", "1"},
                               {"compaction.dead.bytes", "1099511627776"}},
                              false));
    PartitionRunner& partition = *topics->find(name)->partitions[0];
    for (int i = 0; i < records; ++i) REQUIRE_OK(append(partition, "k" + std::to_string(i % 3)));
    REQUIRE_OK(partition.flush());
    if (policy == "compact" && partition.snapshot().segments > 1)
      wait_for("every closed segment is listed", [&] {
        partition.tick();
        return listed(name);
      });
    return partition;
  }
  // What a roll still has to write, and the room that it gives back, would change who finds the disk full. One task may
  // post another.
  void settle() {
    for (int round = 0; round < 4; ++round)
      for (Executor* executor : {static_cast<Executor*>(flush.get()), static_cast<Executor*>(background.get())}) {
        std::promise<void> ran;
        executor->post([&] { ran.set_value(); });
        ran.get_future().wait();
      }
  }
  Status append(PartitionRunner& partition, const std::string& key) {
    const auto appended = append_internal(partition, {{key, std::string(4000, 'v')}}, clock.wall_ms(), hasher);
    return appended.ok() ? Status() : appended.error();
  }
  // Manifests are the last of what a roll writes.
  bool listed(const std::string& name) {
    const auto& state = dynamic_cast<CompactionPort&>(*topics->find(name)->partitions[0]).state();
    return !state.closed.empty() && state.bound == state.active_base;
  }
  std::uint64_t log_bytes(const std::string& partition_directory) const {
    std::uint64_t bytes = 0;
    for (const std::string& path : disk.paths())
      if (path.starts_with(partition_directory) && path.ends_with(".log"))
        bytes += disk.content(path).value_or("").size();  // gone by now
    return bytes;
  }
  void take(Taken taken) {
    if (taken == Taken::bytes) disk.set_capacity(disk.used_bytes());
    if (taken == Taken::inodes) disk.set_file_capacity(disk.used_files());
  }
  std::vector<std::string> kinds() const {
    std::vector<PartitionProblem> problems;
    watch->list(problems);
    std::vector<std::string> kinds;
    for (const PartitionProblem& problem : problems) kinds.push_back(problem.kind);
    return kinds;
  }
  static void wait_for(const std::string& what, const std::function<bool()>& happened) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!happened()) {
      INFO("waiting until " << what);
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
    }
  }
  // The room is there, and records are taken, by themselves.
  void check_recovered(PartitionRunner& partition) {
    wait_for("the reserve is whole and records are taken", [&] {
      watch->round();
      return !data->reserve().is_short() && append(partition, "again").ok();
    });
  }

  MemoryFileSystem disk;
  BrokerConfig config;
  KeyHasher hasher{KeyHasher::Secret{}};
  ManualClock clock;
  MemoryMetadata metadata;
  std::vector<std::string> lines;
  std::unique_ptr<ThreadExecutor> flush, background;
  std::unique_ptr<DataDirectory> data;
  std::unique_ptr<DiskPartitionFactory> factory;
  std::unique_ptr<Topics> topics;
  std::unique_ptr<DiskWatch> watch;
};

TEST_CASE("records are deleted on a disk whose last byte or inode another process has", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "delete");
  REQUIRE(storage.log_bytes("t-0.") > 200'000);
  storage.take(taken);
  const auto deleted = partition.delete_records(kNoOffset);
  REQUIRE_OK(deleted);
  CHECK(*deleted == Offset(60));
  WatchedStorage::wait_for("the files are gone", [&] { return storage.log_bytes("t-0.") < 50'000; });
  storage.check_recovered(partition);
}

TEST_CASE("records deleted up to the end give the segment that is written to back, on a full disk, too",
          "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "delete", 3);
  REQUIRE(partition.snapshot().segments == 1);
  storage.take(taken);
  // Up to somewhere inside it, they are only hidden: the advice says so.
  REQUIRE_OK(partition.delete_records(Offset(2)));
  CHECK(storage.log_bytes("t-0.") > 12'000);
  REQUIRE_OK(partition.delete_records(Offset(3)));
  WatchedStorage::wait_for("the file is gone", [&] { return storage.log_bytes("t-0.") == 0; });
}

TEST_CASE("a lowered retention removes segments on a disk whose last byte or inode another process has",
          "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "delete");
  REQUIRE(storage.log_bytes("t-0.") > 200'000);
  storage.take(taken);
  REQUIRE_OK(storage.topics->alter("t", {{"retention.bytes", "20000"}}, {}));
  WatchedStorage::wait_for("the files are gone", [&] {
    partition.tick();
    return storage.log_bytes("t-0.") < 50'000;
  });
  storage.check_recovered(partition);
}

TEST_CASE("a topic is deleted on a disk whose last byte or inode another process has", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  storage.fill("t", "compact");
  PartitionRunner& other = storage.fill("other", "compact", 10);
  REQUIRE(storage.log_bytes("t-0.") > 200'000);
  storage.take(taken);
  REQUIRE_OK(storage.topics->remove("t", [&](std::function<void()> work) { storage.background->post(work); }));
  WatchedStorage::wait_for("the files are gone", [&] { return storage.log_bytes("t-0.") < 50'000; });
  storage.check_recovered(other);
}

TEST_CASE("compaction gives room back on a disk whose last byte or inode another process has", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "compact");
  REQUIRE(storage.log_bytes("t-0.") > 200'000);
  storage.take(taken);
  Compactor::Options options;
  options.disk_reserve_bytes = 0;
  Compactor compactor(dynamic_cast<CompactionPort&>(partition), options);
  const auto compacted =
      compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); });
  REQUIRE_OK(compacted);
  CHECK(compacted->records_dropped > 40);
  WatchedStorage::wait_for("the inputs are gone", [&] { return storage.log_bytes("t-0.") < 50'000; });
  storage.check_recovered(partition);
}

TEST_CASE("records wait until the reserve is whole, and say so", "[disk_full]") {
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "delete");
  storage.settle();
  storage.take(Taken::bytes);
  REQUIRE_OK(partition.delete_records(Offset(1)));
  REQUIRE(storage.data->reserve().is_short());
  storage.settle();
  // Somebody else has all that was given back.
  storage.take(Taken::bytes);
  Status refused;
  for (int i = 0; i < 200 && refused.ok(); ++i) refused = storage.append(partition, "k");
  REQUIRE(refused.code() == Errc::storage_full);
  CHECK_THAT(refused.error().message, Catch::Contains("disk.reserve.bytes"));
  storage.watch->round();
  const auto kinds = storage.kinds();
  CHECK(std::find(kinds.begin(), kinds.end(), DiskWatch::kReserve) != kinds.end());
  storage.disk.set_capacity(UINT64_MAX);
  storage.check_recovered(partition);
  WatchedStorage::wait_for("nothing is wrong any more", [&] {
    storage.watch->round();
    return storage.kinds().empty();
  });
}

TEST_CASE("health warns of a disk that runs low before the first record is refused", "[disk_full]") {
  WatchedStorage storage;
  PartitionRunner& partition = storage.fill("t", "delete", 10);
  storage.disk.set_capacity(storage.disk.used_bytes() + 8 * kReserveBytes);
  CHECK(storage.kinds().empty());
  storage.disk.set_capacity(storage.disk.used_bytes() + 3 * kReserveBytes);
  storage.watch->round();
  CHECK(storage.kinds() == std::vector<std::string>{DiskWatch::kLow});
  REQUIRE_OK(storage.append(partition, "k"));
  REQUIRE(storage.lines.size() == 1);
  CHECK_THAT(storage.lines[0], Catch::Contains("bytes are free"));
  CHECK_THAT(storage.lines[0], Catch::Contains("--before is the end of the log"));
  storage.disk.set_capacity(UINT64_MAX);
  storage.disk.set_file_capacity(storage.disk.used_files() + 100);
  CHECK(storage.kinds() == std::vector<std::string>{DiskWatch::kLow});
  REQUIRE_OK(storage.append(partition, "k"));
  storage.disk.set_file_capacity(UINT64_MAX);
  storage.watch->round();
  CHECK(storage.kinds().empty());
  CHECK(storage.lines.size() == 2);
}

TEST_CASE("a start does not wait for the disk reserve where there is room for several, the first round makes it",
          "[disk_full]") {
  WatchedStorage storage(64 * kReserveBytes, UINT64_MAX, true);
  CHECK(storage.data->reserve().held_bytes() == 0);
  CHECK(storage.kinds().empty());
  PartitionRunner& partition = storage.fill("t", "delete", 10);
  storage.watch->round();
  CHECK(storage.data->reserve().held_bytes() == kReserveBytes);
  CHECK(storage.kinds().empty());
  REQUIRE_OK(storage.append(partition, "k"));
}

TEST_CASE(
    "a later start whose reserve is missing has it before the first record, since keys that load hold up the first "
    "round",
    "[disk_full]") {
  WatchedStorage storage(64 * kReserveBytes, UINT64_MAX, true);
  storage.fill("t", "compact", 10);
  const auto image = storage.disk.clone();
  auto data = DataDirectory::open(image->root(), "boot", kReserveBytes);
  REQUIRE_OK(data);
  CHECK((*data)->reserve().held_bytes() == 0);
  const auto quiet = [](const std::string&) {};
  DiskWatch(**data, *storage.topics, quiet, quiet).start();
  CHECK((*data)->reserve().held_bytes() == kReserveBytes);
}

TEST_CASE("a start with little room has the disk reserve before the first record", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage(taken == Taken::bytes ? 3 * kReserveBytes : UINT64_MAX,
                         taken == Taken::inodes ? 3 * DiskReserve::kFiles : UINT64_MAX, true);
  CHECK(storage.data->reserve().held_bytes() == kReserveBytes);
  CHECK(storage.kinds() == std::vector<std::string>{DiskWatch::kLow});
}

TEST_CASE("records are refused when the room for the first disk reserve is gone before it is made", "[disk_full]") {
  WatchedStorage storage(64 * kReserveBytes, UINT64_MAX, true);
  PartitionRunner& partition = storage.fill("t", "delete", 10);
  storage.take(Taken::bytes);
  storage.watch->round();
  CHECK(storage.data->reserve().is_short());
  Status refused;
  for (int i = 0; i < 200 && refused.ok(); ++i) refused = storage.append(partition, "k");
  CHECK(refused.code() == Errc::storage_full);
  storage.disk.set_capacity(UINT64_MAX);
  storage.check_recovered(partition);
}

TEST_CASE("a new partition takes nothing of the reserve", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  storage.take(taken);
  const auto made = storage.topics->create("t", 1, {}, false);
  CHECK(made.code() == Errc::storage_full);
  CHECK_FALSE(storage.data->reserve().is_short());
  CHECK(storage.data->list_partitions()->empty());
}

TEST_CASE("a restart without a free byte or inode opens every partition", "[disk_full]") {
  const Taken taken = GENERATE(Taken::bytes, Taken::inodes);
  WatchedStorage storage;
  storage.fill("t", "compact");
  storage.take(taken);
  const auto image = storage.disk.clone();
  if (taken == Taken::bytes) image->set_capacity(image->used_bytes());
  if (taken == Taken::inodes) image->set_file_capacity(image->used_files());
  auto data = DataDirectory::open(image->root(), "boot", kReserveBytes);
  REQUIRE_OK(data);
  ManualExecutor flush, background;
  const auto quiet = [](const std::string&) {};
  DiskPartitionFactory factory(DiskPartitionParts{**data, storage.config, storage.hasher, storage.clock, flush,
                                                  background, 64, quiet, quiet, [] {}});
  Topics topics(storage.metadata, factory, storage.clock, Topics::Limits());
  const auto report = topics.load(storage.topics->find("t")->partitions[0], 1, {});
  REQUIRE_OK(report);
  CHECK(report->offline.empty());
  flush.drop_all();
  background.drop_all();
}

}  // namespace
}  // namespace logcask::testing
