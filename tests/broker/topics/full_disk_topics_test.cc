// Topics on a disk without room: a creation is done or taken back, and what could not be opened is tried again.
#include <cerrno>
#include <set>

#include "broker/door/offline_partition.h"
#include "broker/topics/internal_batch.h"
#include "broker/upkeep/upkeep.h"
#include "tests/broker/topics/topic_storage.h"
#include "tests/support/crash_states.h"

namespace logcask::testing {
namespace {

TEST_CASE("a topic that a full disk has no room for is refused retriably and leaves nothing behind", "[topics]") {
  const bool internal = GENERATE(false, true);
  TopicStorage storage;
  const std::string name = internal ? "__consumer_offsets" : "t";
  const auto create = [&]() -> Status {
    if (internal) {
      const auto made = storage.topics->ensure_internal(name, 2, {{"cleanup.policy", "compact"}});
      return made.ok() ? Status() : made.error();
    }
    const auto made = storage.topics->create(name, 2, {}, false);
    return made.ok() ? Status() : made.error();
  };
  const std::uint64_t used = storage.disk.used_bytes();
  int refusals = 0;
  for (std::uint64_t room = 0;; room += 512) {
    INFO("room " << room);
    storage.disk.set_capacity(used + room);
    const Status made = create();
    if (made.ok()) break;
    ++refusals;
    REQUIRE(made.code() == Errc::storage_full);
    CHECK(made.error().message.find(name + "-") != std::string::npos);
    CHECK(storage.topics->find(name) == nullptr);
    CHECK(storage.metadata.topics.empty());
    CHECK(storage.data->list_partitions()->empty());
    REQUIRE(room < 1 << 20);
  }
  CHECK(refusals > 2);
  for (const std::size_t partition : {0u, 1u})
    CHECK(storage.state(name, partition) != PartitionSnapshot::State::offline);
}

std::size_t directories(TopicStorage& storage) { return storage.data->list_partitions()->size(); }

TEST_CASE("a growth that a full disk has no room for leaves the topic and the disk as they were", "[topics][growth]") {
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 1, {{"cleanup.policy", "delete"}}, false));
  const std::uint64_t used = storage.disk.used_bytes();
  int refusals = 0;
  for (std::uint64_t room = 0;; room += 512) {
    INFO("room " << room);
    storage.disk.set_capacity(used + room);
    const Status grown = storage.topics->grow("t", 3);
    if (grown.ok()) break;
    ++refusals;
    REQUIRE(grown.code() == Errc::storage_full);
    CHECK(storage.topics->find("t")->partitions.size() == 1);
    CHECK(storage.metadata.topics.at("t").partitions == 1);
    CHECK(directories(storage) == 1);
    REQUIRE(room < 1 << 20);
  }
  CHECK(refusals > 2);
  for (const std::size_t partition : {0u, 1u, 2u})
    CHECK(storage.state("t", partition) != PartitionSnapshot::State::offline);
}

// Power fails as the growth is recorded. Whichever record the next start finds, the topic is whole.
TEST_CASE("new partitions are on disk before they are recorded, and appear all or none", "[topics][growth]") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 25));
  const bool recorded = GENERATE(true, false);
  INFO("seed " << seed);
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 1, {{"cleanup.policy", "delete"}}, false));
  storage.disk.settle();
  std::unique_ptr<MemoryFileSystem> left;
  storage.metadata.before_put = [&] {
    if (!left) left = CrashStates::random_now(storage.disk, CrashProfile::worst, seed).image;
  };
  const TopicRecord before = storage.metadata.topics.at("t");
  REQUIRE_OK(storage.topics->grow("t", 3));
  storage.metadata.before_put = {};
  const TopicRecord after = storage.metadata.topics.at("t");
  REQUIRE(after.partitions == 3);
  REQUIRE(left);

  TopicStorage next(1 << 20, std::move(left));
  next.metadata.topics["t"] = recorded ? after : before;
  REQUIRE_OK(next.topics->load(make_offline_partition("not needed"), 1, {}));
  CHECK(next.topics->find("t")->partitions.size() == (recorded ? 3 : 1));
  // What the growth has left is taken over by the next one.
  if (!recorded) REQUIRE_OK(next.topics->grow("t", 3));
  for (const std::size_t partition : {0u, 1u, 2u})
    CHECK(next.state("t", partition) != PartitionSnapshot::State::offline);
  CHECK(directories(next) == 3);
}

// Power fails anywhere while partitions are made, and taken back because their record finds no room.
TEST_CASE("what an interrupted growth leaves is in nobody's way", "[topics][growth]") {
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 1, {{"cleanup.policy", "delete"}}, false));
  storage.disk.settle();
  const TopicRecord before = storage.metadata.topics.at("t");
  storage.metadata.fail_writes = true;
  storage.metadata.write_error = Errc::storage_full;
  REQUIRE(storage.topics->grow("t", 2).code() == Errc::storage_full);
  CHECK(directories(storage) == 1);
  CrashStates states(storage.disk, CrashProfile::worst, 1);
  std::set<std::uint64_t> seen;
  while (auto state = states.next([&](std::uint64_t digest, std::size_t) { return seen.insert(digest).second; })) {
    INFO(state->description);
    TopicStorage next(1 << 20, std::move(state->image));
    next.metadata.topics["t"] = before;
    REQUIRE_OK(next.topics->load(make_offline_partition("not needed"), 1, {}));
    REQUIRE(next.state("t", 0) != PartitionSnapshot::State::offline);
    REQUIRE_OK(next.topics->grow("t", 2));
    REQUIRE(next.state("t", 1) != PartitionSnapshot::State::offline);
  }
  CHECK(seen.size() > 10);
}

TEST_CASE("a growth does not take over a directory that holds records", "[topics][growth]") {
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 2, {{"cleanup.policy", "delete"}}, false));
  const std::vector<InternalRecord> records{{"k", "v"}};
  REQUIRE_OK(
      append_internal(*storage.topics->find("t")->partitions[1], records, storage.clock.wall_ms(), storage.hasher));
  storage.stop();
  storage.metadata.topics.at("t").partitions = 1;
  storage.start();
  REQUIRE_OK(storage.topics->load(make_offline_partition("not needed"), 1, {}));
  const Status grown = storage.topics->grow("t", 2);
  CHECK(grown.code() == Errc::already_exists);
  CHECK_THAT(grown.error().message, Catch::Contains("it holds records"));
  CHECK(directories(storage) == 2);
}

TEST_CASE("partitions that a full disk kept from opening open by themselves when there is room", "[topics]") {
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 2, {}, false));
  storage.stop();
  storage.start();
  Fault fault;
  fault.kinds = {OperationKind::write, OperationKind::create};
  fault.sticky = true;
  fault.error_number = ENOSPC;
  fault.path_part = "t-1";
  storage.disk.fail(fault);
  REQUIRE_OK(storage.topics->load(make_offline_partition("not needed"), 1, {}));
  REQUIRE(storage.state("t", 0) != PartitionSnapshot::State::offline);
  REQUIRE(storage.state("t", 1) == PartitionSnapshot::State::offline);
  ManualExecutor rounds;
  BrokerFacts facts;
  Upkeep upkeep(*storage.topics, rounds, storage.clock, facts);
  upkeep.start();
  const auto after_a_minute = [&] {
    for (int round = 0; round < 60; ++round) {
      storage.clock.advance_ms(1000);
      rounds.run_later();
    }
    return storage.state("t", 1);
  };
  CHECK(after_a_minute() == PartitionSnapshot::State::offline);
  CHECK(storage.disk.fault_hits().size() < 10);
  storage.disk.clear_faults();
  CHECK(after_a_minute() != PartitionSnapshot::State::offline);
  upkeep.stop();
}

TEST_CASE("a partition whose files have gone is offline and is not made anew by a reopen", "[topics]") {
  TopicStorage storage;
  REQUIRE_OK(storage.topics->create("t", 1, {}, false));
  const std::string directory = storage.data->list_partitions()->at(0).directory_name;
  storage.stop();
  {
    const auto opened = storage.disk.root()->open_directory(directory);
    REQUIRE_OK(opened);
    const auto files = (*opened)->list();
    REQUIRE_OK(files);
    for (const auto& file : *files) REQUIRE_OK((*opened)->unlink(file.name));
  }
  storage.start();
  REQUIRE_OK(storage.topics->load(make_offline_partition("not needed"), 1, {}));
  REQUIRE(storage.state("t", 0) == PartitionSnapshot::State::offline);
  CHECK_FALSE(storage.topics->reopen("t", PartitionId(0)).ok());
  CHECK(storage.topics->find("t")->partitions[0]->snapshot().reason.find("manifest.a") != std::string::npos);
  CHECK_FALSE(storage.topics->find("t")->partitions[0]->may_open_later());
}

}  // namespace
}  // namespace logcask::testing
