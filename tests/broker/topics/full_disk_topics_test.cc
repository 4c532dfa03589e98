// Topics on a disk without room: a creation is done or taken back, and what could not be opened is tried again.
#include <cerrno>

#include "broker/door/offline_partition.h"
#include "broker/upkeep/upkeep.h"
#include "tests/broker/topics/topic_storage.h"

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
