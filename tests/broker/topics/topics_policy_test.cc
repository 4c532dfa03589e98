// A topic with cleanup.policy delete becomes a compacted one when all of its records have keys, and never else.
#include <chrono>
#include <future>
#include <thread>

#include "broker/door/offline_partition.h"
#include "compactor/compactor.h"
#include "partition/key_scan.h"
#include "proto/batch_builder.h"
#include "tests/broker/topics/topic_storage.h"

namespace logcask::testing {
namespace {

const SettingMap kPlain = {{"cleanup.policy", "delete"}, {"segment.bytes", "4096"}};
const SettingMap kCompact = {{"cleanup.policy", "compact"}};

struct PolicyFixture : TopicStorage {
  using TopicStorage::TopicStorage;

  PartitionRunner& runner(int partition = 0) {
    return *topics->find("t")->partitions[static_cast<std::size_t>(partition)];
  }
  const PartitionConfig& settings() { return topics->find("t")->config.partition; }

  static AppendResult append_to(PartitionRunner& runner, PreparedBatch prepared) {
    std::promise<AppendResult> done;
    runner.append(std::move(prepared), Acks::all, [&](AppendResult result) { done.set_value(result); });
    return done.get_future().get();
  }
  AppendResult append_prepared(PreparedBatch prepared, int partition = 0) {
    return append_to(runner(partition), std::move(prepared));
  }
  AppendResult put_into(PartitionRunner& partition) {
    const std::string bytes = make_batch({{"k", "v", {}}});
    return append_to(partition, *prepare_batch(bytes, settings(), hasher, {}));
  }
  AppendResult append(const std::string& bytes, int partition = 0) {
    auto prepared = prepare_batch(bytes, settings(), hasher, {});
    if (prepared.ok()) return append_prepared(std::move(*prepared), partition);
    AppendResult refused;
    refused.error = std::move(prepared).error();
    return refused;
  }
  AppendResult put(const std::string& key, const std::optional<std::string>& value, int partition = 0) {
    return append(make_batch({{key, value, {}}}), partition);
  }
  static std::string keyless() {
    BatchBuilder builder(Offset(0), {});
    RecordView record;
    record.timestamp = TimestampMs(1'700'000'000'000);
    record.value = "no key";
    builder.add(record);
    std::string bytes;
    CHECK(builder.finish(bytes).ok());
    return bytes;
  }

  Got get(const std::string& key, int partition = 0) {
    runner(partition).wait_loaded(10'000);
    const ByteView view = key;
    Got got;
    runner(partition).get(std::span(&view, 1), false, [&](std::size_t, const LookupAnswer& answer) {
      got = {answer.status, answer.offset, std::string(answer.value), answer.error};
    });
    return got;
  }
  Status compact() { return topics->alter("t", kCompact, {}); }
  std::string recorded_policy() { return metadata.topics["t"].settings.at("cleanup.policy"); }
};

TEST_CASE("a topic whose records have keys becomes compacted, and its keys are found", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 2, kPlain, false));
  // Little garbage: appends would wait for a compaction, of which there is none here.
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < (round == 0 ? 200 : 10); ++i)
      REQUIRE_OK(f.put("k" + std::to_string(i), std::to_string(round) + std::string(60, 'v'), i % 2).error);
  REQUIRE_OK(f.put("k4", std::nullopt).error);
  REQUIRE(f.runner().segments().size() > 1);
  CHECK(f.get("k2").status == LookupAnswer::Status::failed);
  REQUIRE_OK(f.compact());
  const auto holds = [&] {
    CHECK(f.settings().compacted);
    CHECK(f.get("k2").value == "2" + std::string(60, 'v'));
    CHECK(f.get("k3", 1).value == "2" + std::string(60, 'v'));
    CHECK(f.get("k4").status == LookupAnswer::Status::deleted);
    CHECK(f.get("k3").status == LookupAnswer::Status::absent);
    CHECK(f.append(PolicyFixture::keyless()).error.code() == Errc::invalid_record);
  };
  holds();
  REQUIRE_OK(f.put("new", "1").error);
  CHECK(f.get("new").value == "1");
  CHECK(f.recorded_policy() == "compact");
  CHECK(f.topics->alter("t", kPlain, {}).code() == Errc::unsupported);
  f.stop();
  f.start();
  REQUIRE_OK(f.topics->load(make_offline_partition("not needed"), 1, {}));
  holds();
  CHECK(f.get("new").value == "1");
}

TEST_CASE("tombstones of segments that were closed before a topic became compacted are counted", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 1, kPlain, false));
  for (int i = 0; i < 200; ++i) REQUIRE_OK(f.put("k" + std::to_string(i), std::nullopt).error);
  REQUIRE_OK(f.compact());
  CHECK(f.get("k7").status == LookupAnswer::Status::deleted);
  auto& port = dynamic_cast<CompactionPort&>(f.runner());
  std::uint64_t tombstones = 0;
  const CompactionState state = port.state();
  REQUIRE(state.closed.size() > 1);
  for (const CompactionSegment& segment : state.closed) {
    CHECK(segment.stats.tombstones == segment.stats.records);
    tombstones += segment.stats.tombstones;
  }
  CHECK(tombstones > 100);
}

TEST_CASE("one record without a key keeps a topic from becoming compacted, and is named", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 2, kPlain, false));
  for (int i = 0; i < 100; ++i) REQUIRE_OK(f.put("k", std::string(100, 'v'), 1).error);
  REQUIRE(f.append(PolicyFixture::keyless(), 1).base_offset == Offset(100));
  REQUIRE_OK(f.put("k", "last", 1).error);
  for (const bool only_check : {true, false}) {
    const Status refused = f.topics->alter("t", kCompact, {}, only_check);
    CHECK(refused.code() == Errc::invalid_record);
    CHECK_THAT(refused.error().message, Catch::Contains("offset 100 of partition 1 of topic 't' has no key") &&
                                            Catch::Contains("records delete"));
  }
  CHECK(f.topics->alter("t", {}, {"cleanup.policy"}).code() == Errc::invalid_config);
  CHECK_FALSE(f.settings().compacted);
  CHECK(f.recorded_policy() == "delete");
  // Everything is as it was.
  REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
  REQUIRE_OK(f.runner(1).delete_records(Offset(101)));
  CHECK(f.compact().code() == Errc::invalid_record);  // of partition 0 now
  REQUIRE_OK(f.runner(0).delete_records(Offset(1)));
  REQUIRE_OK(f.topics->alter("t", kCompact, {}, true));
  CHECK_FALSE(f.settings().compacted);
  REQUIRE_OK(f.compact());
  CHECK(f.get("k", 1).value == "last");
}

TEST_CASE("while the records of a topic are read none without a key comes in", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 1, kPlain, false));
  for (int i = 0; i < 10; ++i) REQUIRE_OK(f.put("k", "v").error);
  const std::string bytes = PolicyFixture::keyless();
  std::optional<PreparedBatch> on_its_way = *prepare_batch(bytes, f.settings(), f.hasher, {});
  const std::string keyed = make_batch({{"late", "1", {}}});
  std::optional<PreparedBatch> keyed_on_its_way = *prepare_batch(keyed, f.settings(), f.hasher, {});
  int asked = 0;
  const auto meanwhile = [&]() -> Status {
    if (asked++ > 0) return {};
    CHECK(f.append_prepared(std::move(*on_its_way)).error.code() == Errc::loading);
    CHECK(f.append(bytes).error.code() == Errc::invalid_record);
    REQUIRE_OK(f.put("k", "during").error);
    CHECK(f.topics->alter("t", {{"retention.ms", "1000"}}, {}).code() == Errc::cancelled);
    // One reading at a time: each holds a thread that others wait for.
    REQUIRE_OK(f.topics->create("other", 1, kPlain, false));
    CHECK(f.topics->alter("other", kCompact, {}, true).code() == Errc::throttled);
    return {};
  };
  REQUIRE_OK(f.topics->alter("t", kCompact, {}, false, meanwhile));
  CHECK(asked > 0);
  CHECK(f.get("k").value == "during");
  // What was prepared for a topic without a keydir has no identities: it is to be sent again.
  const AppendResult late = f.append_prepared(std::move(*keyed_on_its_way));
  CHECK(late.error.code() == Errc::loading);
  CHECK(errc_retriable(late.error.code()));
  REQUIRE_OK(f.append(keyed).error);
  CHECK(f.get("late").value == "1");
}

TEST_CASE("what ends the reading of a topic leaves it as it was", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 1, kPlain, false));
  REQUIRE_OK(f.put("k", "v").error);
  SECTION("a stop") {
    CHECK(f.topics->alter("t", kCompact, {}, false,
                          [] {
                            return Status(Error{Errc::shutting_down, "stop"});
                          })
              .code() == Errc::shutting_down);
    CHECK_FALSE(f.settings().compacted);
    REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
  }
  SECTION("another change that comes with it and is refused") {
    REQUIRE_OK(f.topics->create("wide", 2, kPlain, false));
    REQUIRE_OK(f.put_into(*f.topics->find("wide")->partitions[0]).error);
    const Status refused = f.topics->alter("wide", {{"cleanup.policy", "compact"}, {"partitioner", "murmur2"}}, {});
    CHECK(refused.code() == Errc::unsupported);
    CHECK_FALSE(f.topics->find("wide")->config.partition.keys_required);
    REQUIRE_OK(f.topics->alter("wide", {{"retention.ms", "1000"}}, {}));
  }
  SECTION("the topic's deletion") {
    const auto remove = [&]() -> Status {
      return f.topics->remove("t", [](const std::function<void()>& work) { work(); });
    };
    CHECK(f.topics->alter("t", kCompact, {}, false, remove).code() == Errc::unknown_topic);
    REQUIRE_OK(f.topics->create("t", 1, kPlain, false));
    REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
  }
  SECTION("a disk without room for the change") {
    f.metadata.fail_writes = true;
    f.metadata.write_error = Errc::storage_full;
    CHECK(f.compact().code() == Errc::storage_full);
    CHECK_FALSE(f.settings().compacted);
    REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
  }
  SECTION("a change that may turn up at the next start: keys are needed until one is recorded") {
    f.metadata.fail_writes = true;
    const Status failed = f.compact();
    CHECK(failed.code() == Errc::io_error);
    CHECK(failed.error().message.find("decided at the next start") != std::string::npos);
    CHECK_FALSE(f.settings().compacted);
    CHECK(f.append(PolicyFixture::keyless()).error.code() == Errc::invalid_record);
    REQUIRE_OK(f.put("k", "w").error);
    f.metadata.fail_writes = false;
    SECTION("one that is refused leaves that undecided") {
      CHECK(f.topics->alter("t", kCompact, {}, false,
                            [] {
                              return Status(Error{Errc::shutting_down, "stop"});
                            })
                .code() == Errc::shutting_down);
      CHECK(f.append(PolicyFixture::keyless()).error.code() == Errc::invalid_record);
      f.metadata.fail_writes = true;
      f.metadata.write_error = Errc::storage_full;
      CHECK_FALSE(f.compact().ok());
      CHECK(f.append(PolicyFixture::keyless()).error.code() == Errc::invalid_record);
    }
    SECTION("the same") {
      REQUIRE_OK(f.compact());
      CHECK(f.get("k").value == "w");
    }
    SECTION("another") {
      REQUIRE_OK(f.topics->alter("t", {{"retention.ms", "1000"}}, {}));
      REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
    }
  }
}

TEST_CASE("a topic with more keys than the budget has room for stays without a keydir", "[topics]") {
  PolicyFixture f(100'000);  // 5,000 keys
  REQUIRE_OK(f.topics->create("t", 1, kPlain, false));
  for (int i = 0; i < 60; ++i) {
    std::vector<TestRecord> records;
    for (int k = 0; k < 100; ++k) records.push_back({std::to_string(i * 100 + k), "v", {}});
    REQUIRE_OK(f.append(make_batch(records)).error);
  }
  const Status refused = f.compact();
  CHECK(refused.code() == Errc::keydir_budget_exceeded);
  CHECK(refused.error().message.find("keydir.total.max.bytes") != std::string::npos);
  CHECK_FALSE(f.settings().compacted);
  f.factory->budgets().set_total_max_bytes(200'000);
  CHECK(f.topics->alter("t", {{"cleanup.policy", "compact"}, {"keydir.max.bytes", "70000"}}, {}).code() ==
        Errc::keydir_budget_exceeded);
  REQUIRE_OK(f.compact());
  CHECK(f.get("5999").value == "v");
}

TEST_CASE("a rewrite drops what has no key below log start", "[topics]") {
  PolicyFixture f;
  REQUIRE_OK(f.topics->create("t", 1, {{"cleanup.policy", "delete"}}, false));
  REQUIRE_OK(f.append(PolicyFixture::keyless()).error);
  for (int i = 0; i < 10; ++i) REQUIRE_OK(f.put("k", std::to_string(i)).error);
  REQUIRE_OK(f.runner().delete_records(Offset(1)));
  REQUIRE_OK(f.compact());
  CHECK(f.get("k").value == "9");
  REQUIRE_OK(f.runner().roll());
  auto& port = dynamic_cast<CompactionPort&>(f.runner());
  // The manifest lists what was closed in the background.
  for (int i = 0; i < 10'000 && port.state().closed.empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(port.state().closed.size() == 1);
  REQUIRE_OK(Compactor(port).run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); }));
  CHECK(port.state().closed.front().facts.records == 1);
  CHECK(f.get("k").value == "9");
}

TEST_CASE("keys are counted within three of a hundred", "[topics]") {
  const KeyHasher hasher{KeyHasher::Secret{}};
  KeyCount count;
  CHECK(count.estimate() == 0);
  std::uint64_t added = 0;
  for (const std::uint64_t upto : {1u, 10u, 1'000u, 30'000u, 45'000u, 100'000u, 1'000'000u}) {
    for (; added < upto; ++added) {
      count.add(hasher.identity(std::to_string(added)));
      count.add(hasher.identity(std::to_string(added / 2)));  // known already
    }
    INFO(upto << " keys, estimate " << count.estimate());
    CHECK(static_cast<double>(count.estimate()) == Approx(static_cast<double>(upto)).epsilon(0.03));
  }
}

}  // namespace
}  // namespace logcask::testing
