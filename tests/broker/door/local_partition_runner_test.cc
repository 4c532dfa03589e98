#include "broker/door/local_partition_runner.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <thread>

#include "partition/manifest.h"
#include "segment/filename.h"
#include "segment/sync_log.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

TEST_CASE("a record acknowledged by the disk is fetched and looked up, also after a restart and a kill", "[runner]") {
  PartitionFixture fixture;
  CHECK(fixture.put("a", "1").base_offset == Offset(0));
  CHECK(fixture.put("b", "2").base_offset == Offset(1));
  CHECK(fixture.put("a", "3").base_offset == Offset(2));
  const auto check = [&] {
    CHECK(fixture.get("a").value == "3");
    CHECK(fixture.get("a").offset == Offset(2));
    CHECK(fixture.get("b").value == "2");
    CHECK(fixture.get("c").status == LookupAnswer::Status::absent);
    CHECK(fixture.fetch_all().size() == 3);
    CHECK(fixture.replay_live().size() == 2);
  };
  check();
  fixture.restart();
  check();
  fixture.kill();
  fixture.open();
  check();
  CHECK(fixture.put("c", "4").base_offset == Offset(3));
}

TEST_CASE("acks=all is not answered before the sync, and nobody sees the record before either", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> answer;
  fixture.start_append({{"k", "v", {}}}, Acks::all, answer);
  CHECK_FALSE(answer.has_value());
  CHECK(fixture.get("k").status == LookupAnswer::Status::absent);
  CHECK(fixture.fetch_all().empty());
  fixture.run_all();
  REQUIRE(answer.has_value());
  CHECK(answer->error.ok());
  CHECK(fixture.get("k").value == "v");
}

TEST_CASE("a sync vouches only for what was written before it began", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> first, second;
  fixture.start_append({{"a", "1", {}}}, Acks::all, first);
  fixture.disk().meanwhile([&](OperationKind kind, const std::string& path) {
    if (kind != OperationKind::sync_data || !path.ends_with(".log") || second) return;
    fixture.disk().meanwhile({});
    fixture.start_append({{"b", "2", {}}}, Acks::all, second);
  });
  REQUIRE(fixture.flush().run_one());
  REQUIRE(first.has_value());
  CHECK(fixture.partition().snapshot().written_end == Offset(2));
  CHECK(fixture.partition().snapshot().durable_end == Offset(1));
  CHECK_FALSE(second.has_value());
  CHECK(fixture.get("b").status == LookupAnswer::Status::absent);
  fixture.run_all();
  REQUIRE(second.has_value());
  CHECK(fixture.get("b").value == "2");
}

TEST_CASE("compaction is told of closed segments by a writer, too, who closes one after the other", "[runner]") {
  PartitionFixture fixture;
  fixture.put("k", "1");
  REQUIRE_OK(fixture.partition().roll());
  const int before = fixture.compaction_wanted();
  bool rolled = false;
  fixture.disk().meanwhile([&](OperationKind kind, const std::string&) {
    if (kind != OperationKind::sync_directory || rolled) return;
    rolled = true;
    std::optional<AppendResult> answer;
    fixture.start_append({{"k", "2", {}}}, Acks::one, answer);
    CHECK(fixture.partition().roll().ok());
  });
  REQUIRE(fixture.background().run_one());
  fixture.disk().meanwhile({});
  CHECK(rolled);
  CHECK(fixture.compaction_wanted() == before + 1);
  // The second one is listed without waiting for a third.
  fixture.run_all();
  CHECK(fixture.compaction_wanted() == before + 2);
}

TEST_CASE("an ack does not wait for the sync log's own sync", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> answer;
  int syncs = 0;
  fixture.start_append({{"k", "v", {}}}, Acks::all, answer);
  fixture.disk().meanwhile([&](OperationKind kind, const std::string& path) {
    if (kind != OperationKind::sync_data || !path.ends_with(".sync")) return;
    ++syncs;
    CHECK(answer.has_value());
    CHECK(fixture.get("k").value == "v");
  });
  fixture.run_all();
  fixture.disk().meanwhile({});
  CHECK(syncs == 1);
  REQUIRE(answer.has_value());
  CHECK(answer->error.ok());
}

TEST_CASE("a sync log that cannot be synced latches the partition, and what was acknowledged is read on", "[runner]") {
  PartitionFixture fixture;
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fault.name_suffix = ".sync";
  fixture.disk().fail(fault);
  CHECK(fixture.append({{"k", "v", {}}}).error.ok());
  fixture.run_all();
  CHECK(fixture.append({{"k", "w", {}}}).error.code() == Errc::read_only);
  CHECK(fixture.get("k").value == "v");
}

TEST_CASE("one batch wakes one flush thread", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> answer;
  fixture.start_append({{"k", "v", {}}}, Acks::all, answer);
  CHECK(fixture.flush().posted_for_later() == 0);
  REQUIRE(fixture.flush().run_one());
  CHECK(fixture.flush().empty());
  CHECK(fixture.flush().posted_for_later() == 0);
  CHECK(answer.has_value());
}

TEST_CASE("a long segment wakes the background for a partial hint only where there are keys", "[runner]") {
  const bool compacted = GENERATE(true, false);
  PartitionConfig config;
  config.compacted = compacted;
  config.hint_spill_bytes = 1;
  PartitionFixture fixture(config);
  std::optional<AppendResult> answer;
  fixture.start_append({{"k", "v", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  CHECK(fixture.background().empty() != compacted);
}

TEST_CASE("acks=1 is answered after the write, and flush.ms makes it visible", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> answer;
  fixture.start_append({{"k", "v", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  CHECK(fixture.get("k").status == LookupAnswer::Status::absent);
  fixture.flush().run_later();
  CHECK(fixture.get("k").value == "v");
}

TEST_CASE("flush.messages starts a sync before flush.ms has passed", "[runner]") {
  PartitionConfig config;
  config.flush_messages = 3;
  PartitionFixture fixture(config);
  const auto durable_end = [&] {
    fixture.flush().run_all();
    return fixture.partition().snapshot().durable_end;
  };
  fixture.append({{"a", "1", {}}}, Acks::one);
  fixture.append({{"b", "1", {}}}, Acks::one);
  CHECK(durable_end() == Offset(0));
  fixture.append({{"c", "1", {}}}, Acks::one);
  CHECK(durable_end() == Offset(3));
}

TEST_CASE("a reader that waits has what is written synced only where it sees what is on disk", "[runner]") {
  const auto durable_end = [](ReadVisibility visibility, bool waits_before) {
    PartitionConfig config;
    config.read_visibility = visibility;
    PartitionFixture fixture(config);
    bool heard = false;
    const auto wait = [&] {
      fixture.partition().wait_visible_above(Offset(0), [&](const Status& status) { heard = status.ok(); });
    };
    if (waits_before) wait();
    fixture.append({{"a", "1", {}}, {"b", "2", {}}}, Acks::one);
    if (!waits_before) wait();
    fixture.flush().run_all();  // but not what is due later, flush.ms
    CHECK(heard);
    return fixture.partition().snapshot().durable_end;
  };
  for (const bool waits_before : {true, false}) {
    CHECK(durable_end(ReadVisibility::committed, waits_before) == Offset(2));
    CHECK(durable_end(ReadVisibility::written, waits_before) == Offset(0));
  }
}

TEST_CASE("many appends share one sync", "[runner]") {
  PartitionFixture fixture;
  const std::size_t before = fixture.disk().operation_count();
  std::vector<std::optional<AppendResult>> answers(100);
  for (auto& answer : answers) fixture.start_append({{"k", "v", {}}}, Acks::all, answer);
  fixture.run_all();
  for (const auto& answer : answers) REQUIRE(answer.has_value());
  std::size_t syncs = 0;
  const auto operations = fixture.disk().operations();
  for (std::size_t i = before; i < operations.size(); ++i) syncs += operations[i].kind == OperationKind::sync_data;
  CHECK(syncs <= 2);
}

TEST_CASE("a delete is told apart from a key that never was", "[runner]") {
  PartitionFixture fixture;
  fixture.put("k", "v");
  fixture.remove("k");
  CHECK(fixture.get("k").status == LookupAnswer::Status::deleted);
  CHECK(fixture.get("other").status == LookupAnswer::Status::absent);
  fixture.restart();
  CHECK(fixture.get("k").status == LookupAnswer::Status::deleted);
  CHECK(fixture.replay_live().empty());
}

TEST_CASE("conditions are decided where offsets are assigned", "[runner]") {
  PartitionFixture fixture;
  const auto with = [&](Condition::Kind kind, Offset offset = Offset(0)) {
    return fixture.append({{"k", "v", {}}}, Acks::all, {{0, kind, offset}});
  };
  CHECK(with(Condition::Kind::exists).error.code() == Errc::condition_failed);
  CHECK(with(Condition::Kind::absent).base_offset == Offset(0));
  const AppendResult again = with(Condition::Kind::absent);
  CHECK(again.error.code() == Errc::condition_failed);
  CHECK(again.current_offset == Offset(0));
  CHECK(with(Condition::Kind::offset, Offset(0)).base_offset == Offset(1));
  CHECK(with(Condition::Kind::offset, Offset(0)).current_offset == Offset(1));
  fixture.remove("k");
  CHECK(with(Condition::Kind::exists).current_is_tombstone);
  CHECK(with(Condition::Kind::absent).base_offset == Offset(3));
}

TEST_CASE("of two creates in flight one wins, and the loser hears it only when the winner is certain", "[runner]") {
  PartitionFixture fixture;
  std::optional<AppendResult> first, second;
  fixture.start_append({{"k", "1", {}}}, Acks::all, first, {{0, Condition::Kind::absent, {}}});
  fixture.start_append({{"k", "2", {}}}, Acks::all, second, {{0, Condition::Kind::absent, {}}});
  CHECK_FALSE(first.has_value());
  CHECK_FALSE(second.has_value());
  fixture.run_all();
  CHECK(first->error.ok());
  CHECK(second->error.code() == Errc::condition_failed);
  CHECK(second->current_offset == Offset(0));
}

TEST_CASE("a duplicate of an idempotent batch waits for the original's sync", "[runner]") {
  PartitionFixture fixture;
  const BatchShape shape{Compression::none, ProducerId(7), 0, 0};
  std::optional<AppendResult> original, duplicate;
  fixture.start_append({{"k", "v", {}}}, Acks::all, original, {}, shape);
  fixture.start_append({{"k", "v", {}}}, Acks::all, duplicate, {}, shape);
  CHECK_FALSE(duplicate.has_value());
  fixture.run_all();
  REQUIRE(duplicate.has_value());
  CHECK(duplicate->duplicate);
  CHECK(duplicate->base_offset == original->base_offset);
  CHECK(fixture.fetch_all().size() == 1);
  // Also by a broker that was restarted in between.
  fixture.restart();
  CHECK(fixture.append({{"k", "v", {}}}, Acks::all, {}, shape).duplicate);
  fixture.kill();
  fixture.open();
  CHECK(fixture.append({{"k", "v", {}}}, Acks::all, {}, shape).duplicate);
  CHECK(fixture.fetch_all().size() == 1);
}

TEST_CASE("what waits for the disk is bounded in bytes, not only in number", "[runner]") {
  PartitionConfig config;
  config.pending_records_max = 1;
  PartitionFixture fixture(config);
  constexpr std::size_t kAppends = 60;
  std::vector<std::optional<AppendResult>> results(kAppends);
  for (auto& result : results) fixture.start_append({{"k", std::string(1'000'000, 'x'), {}}}, Acks::all, result);
  std::size_t refused = 0;
  for (const auto& result : results) {
    if (!result) continue;
    CHECK(result->error.code() == Errc::throttled);
    ++refused;
  }
  // 32 MiB wait, and what the partition has taken.
  CHECK(refused > 20);
  CHECK(refused < 30);
  fixture.run_all();
  for (const auto& result : results) {
    REQUIRE(result.has_value());
    CHECK((result->error.ok() || result->error.code() == Errc::throttled));
  }
  // There is room again.
  CHECK(fixture.append({{"k", std::string(1'000'000, 'x'), {}}}).error.ok());
}

TEST_CASE("a full disk refuses retriably, keeps reads going and is over when space returns", "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.disk().set_capacity(fixture.disk().used_bytes() + 20);
  const AppendResult refused = fixture.put("b", std::string(1000, 'x'));
  CHECK(refused.error.code() == Errc::storage_full);
  CHECK(errc_retriable(refused.error.code()));
  CHECK(fixture.get("a").value == "1");
  const auto problems = fixture.partition().snapshot().problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].kind == "storage_full");
  fixture.disk().set_capacity(1u << 30);
  CHECK(fixture.put("b", "2").base_offset == Offset(1));
  CHECK(fixture.partition().snapshot().problems.empty());
  CHECK(fixture.get("b").value == "2");
  fixture.restart();
  CHECK(fixture.fetch_all().size() == 2);
}

TEST_CASE("what a full disk refused does not let in what its producer had sent behind it", "[runner]") {
  PartitionConfig config;
  config.segment_bytes = 600;
  PartitionFixture fixture(config);
  fixture.put("a", std::string(550, 'x'));
  const auto produce = [&](std::int32_t sequence, std::size_t value_bytes) {
    return fixture
        .append({{"k", std::string(value_bytes, static_cast<char>('0' + sequence)), {}}}, Acks::all, {},
                {Compression::none, ProducerId(7), 0, sequence})
        .error.code();
  };
  fixture.disk().set_capacity(fixture.disk().used_bytes() + 400);
  CHECK(produce(0, 550) == Errc::storage_full);
  // Small enough to be taken, had it not overtaken the first.
  CHECK(produce(1, 1) == Errc::out_of_order_sequence);
  fixture.disk().set_capacity(1u << 30);
  CHECK(produce(1, 1) == Errc::out_of_order_sequence);
  CHECK(produce(0, 550) == Errc::ok);
  CHECK(produce(1, 1) == Errc::ok);
  CHECK(fixture.get("k").value == "1");
}

TEST_CASE("a roll that finds no descriptor free refuses retriably and is over when there is one", "[runner]") {
  PartitionConfig config;
  config.segment_bytes = 150;
  PartitionFixture fixture(config);
  fixture.put("a", std::string(150, 'x'));
  // The log's, the sync log's, and those of the indexes that the closed segment gets.
  for (std::uint64_t nth = 1; nth <= 4; ++nth) {
    INFO("open " << nth << " of the roll");
    Fault fault;
    fault.kinds = {OperationKind::create, OperationKind::open};
    fault.nth = nth;
    fault.error_number = EMFILE;
    fixture.disk().fail(fault);
    const AppendResult refused = fixture.put("b", std::string(150, 'x'));
    fixture.disk().clear_faults();
    if (!refused.error.ok()) {
      CHECK(refused.error.code() == Errc::limit_exceeded);
      CHECK(errc_retriable(refused.error.code()));
      CHECK(fixture.get("a").status == LookupAnswer::Status::found);
    }
    REQUIRE_OK(fixture.put("b", std::string(150, 'x')).error);
    fixture.run_all();
  }
  const std::size_t records = fixture.fetch_all().size();
  CHECK(records >= 5);
  fixture.restart();
  CHECK(fixture.fetch_all().size() == records);
}

TEST_CASE("damage that a read meets is a problem of the partition from then on", "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.put("b", "2");
  REQUIRE_OK(fixture.partition().roll());
  fixture.restart();
  CHECK(fixture.partition().snapshot().problems.empty());
  for (const std::string& path : fixture.disk().paths()) {
    if (!path.ends_with("00000000000000000000.0.log")) continue;
    std::string content = *fixture.disk().content(path);
    content[content.size() / 4] ^= 1;
    fixture.disk().set_content(path, content);
  }
  for (int again = 0; again < 2; ++again) {
    CHECK(fixture.get("a").error.code == Errc::corrupt_range);
    CHECK(fixture.get("b").value == "2");
    const auto problems = fixture.partition().snapshot().problems;
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].kind == "damaged");
    CHECK_THAT(problems[0].reason, Catch::Contains("0.log at position 0"));
  }
}

TEST_CASE("a failed sync latches the partition: no ack, reads go on, reopen serves what was acknowledged", "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fixture.disk().fail(fault);
  CHECK(fixture.put("b", "2").error.code() == Errc::read_only);
  fixture.disk().clear_faults();
  CHECK(fixture.put("c", "3").error.code() == Errc::read_only);
  CHECK(fixture.get("a").value == "1");
  CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::read_only);
  const auto reopened = fixture.partition().reopen();
  REQUIRE_OK(reopened);
  fixture.run_all();
  CHECK(fixture.get("a").value == "1");
  CHECK(fixture.put("d", "4").error.ok());
  fixture.restart();
  CHECK(fixture.get("d").value == "4");
}

TEST_CASE("whoever waits for a partition's keys goes on when they are there, or when no load is under way",
          "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.kill();
  fixture.open_only();
  REQUIRE(fixture.partition().marks().state == PartitionMarks::State::loading);
  std::thread loader([&] { fixture.background().run_all(); });
  fixture.partition().wait_loaded(600'000);
  CHECK(fixture.partition().marks().state == PartitionMarks::State::online);
  loader.join();
  CHECK(fixture.get("a").value == "1");
  fixture.partition().wait_loaded(600'000);
  fixture.kill();
  fixture.open();
  fixture.partition().close({Errc::shutting_down, "stops"});
  fixture.partition().wait_loaded(600'000);
}

TEST_CASE("rolled segments are read across, and restart finds them in the manifest", "[runner]") {
  PartitionConfig config;
  config.segment_bytes = 512;
  PartitionFixture fixture(config);
  for (int i = 0; i < 60; ++i) CHECK(fixture.put("k" + std::to_string(i % 7), "v" + std::to_string(i)).error.ok());
  CHECK(fixture.partition().segments().size() > 3);
  const auto check = [&] {
    CHECK(fixture.fetch_all().size() == 60);
    CHECK(fixture.replay_live().size() == 7);
    for (int i = 53; i < 60; ++i) CHECK(fixture.get("k" + std::to_string(i % 7)).value == "v" + std::to_string(i));
  };
  check();
  fixture.run_all();
  fixture.restart();
  check();
  fixture.kill();
  fixture.open();
  check();
}

TEST_CASE("many keys at a time are answered by number, from memory as from the file, and never with an older value",
          "[runner]") {
  PartitionConfig config;
  config.segment_bytes = 30'000;  // several segments
  PartitionFixture fixture(config);
  std::vector<std::string> keys;
  std::map<std::string, std::string> model;
  for (int i = 0; i < 300; ++i) keys.push_back("key" + std::to_string(i));
  const auto write = [&](int step, const std::string& mark) {
    std::vector<TestRecord> records;
    for (std::size_t i = 0; i < keys.size(); i += static_cast<std::size_t>(step)) {
      model[keys[i]] = keys[i] + mark + std::string(100, 'x');
      records.push_back({keys[i], model[keys[i]], {}});
    }
    CHECK(fixture.append(records).error.ok());
  };
  const auto check = [&] {
    std::vector<ByteView> asked;
    for (std::size_t i = 0; i < 500; ++i)
      asked.push_back(i % 7 == 6 ? ByteView("no such key") : ByteView(keys[i * 13 % keys.size()]));
    for (int pass = 0; pass < 3; ++pass) {
      std::vector<bool> answered(asked.size());
      fixture.partition().get(asked, false, [&](std::size_t index, const LookupAnswer& answer) {
        REQUIRE(!answered[index]);
        answered[index] = true;
        if (index % 7 == 6) {
          REQUIRE(answer.status == LookupAnswer::Status::absent);
        } else {
          REQUIRE(answer.status == LookupAnswer::Status::found);
          REQUIRE(answer.value == ByteView(model[std::string(asked[index])]));
        }
      });
      REQUIRE(std::count(answered.begin(), answered.end(), true) == static_cast<std::ptrdiff_t>(asked.size()));
    }
  };
  write(1, "first");
  check();
  write(2, "second");
  check();
  write(3, "third");
  check();
  fixture.restart();
  check();
  write(5, "fourth");
  check();
  fixture.kill();
  fixture.open();
  check();
}

TEST_CASE("log start moves, keys below it are absent everywhere, and watchers hear that they expired", "[runner]") {
  PartitionConfig config;
  config.segment_bytes = 256;
  PartitionFixture fixture(config);
  for (int i = 0; i < 20; ++i) fixture.put("k" + std::to_string(i), "v");
  std::vector<KeyChange> changes;
  const ByteView watched[] = {"k1", "k19"};
  const auto watch = fixture.partition().watch(watched, [&](Result<std::vector<KeyChange>> news) {
    if (news.ok()) changes.insert(changes.end(), news->begin(), news->end());
  });
  REQUIRE_OK(watch);
  CHECK(watch->current[0].offset == Offset(1));
  fixture.run_all();
  const auto moved = fixture.partition().delete_records(Offset(10));
  REQUIRE_OK(moved);
  CHECK(fixture.get("k9").status == LookupAnswer::Status::absent);
  CHECK(fixture.get("k10").status == LookupAnswer::Status::found);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].expired);
  CHECK(changes[0].watch_index == 0);
  CHECK(fixture.partition().fetch(Offset(3), 100).code() == Errc::offset_out_of_range);
  CHECK(fixture.fetch_all(Offset(10)).size() == 10);
  fixture.restart();
  CHECK(fixture.get("k9").status == LookupAnswer::Status::absent);
  CHECK(fixture.replay_live().size() == 10);
  CHECK(fixture.partition().snapshot().live_keys == 10);
}

TEST_CASE("a closed segment's sync log goes when the manifest lists it, and not before", "[runner]") {
  PartitionFixture fixture;
  const std::string sync_log = segment_filename({Offset(0), Generation(0)}, SegmentFile::sync);
  fixture.put("k", "1");
  Fault fault;
  fault.kinds = {OperationKind::create};
  fault.path_part = "manifest.b";
  fault.error_number = ENOSPC;
  fault.sticky = true;
  fixture.disk().fail(fault);
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  // One copy lists it; the other would have its log read.
  CHECK(fixture.disk().content(sync_log).has_value());
  fixture.disk().clear_faults();
  fixture.put("k", "2");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  CHECK_FALSE(fixture.disk().content(sync_log).has_value());
  CHECK_FALSE(fixture.disk().content(segment_filename({Offset(1), Generation(0)}, SegmentFile::sync)).has_value());
  CHECK(fixture.disk().content(segment_filename({Offset(2), Generation(0)}, SegmentFile::sync)).has_value());
  fixture.kill();
  fixture.open();
  CHECK(fixture.get("k").value == "2");
}

TEST_CASE("one log is written to at a time, and a closed one never again", "[runner]") {
  PartitionFixture fixture;
  std::string active = segment_filename({Offset(0), Generation(0)}, SegmentFile::log);
  bool written = false;
  fixture.disk().meanwhile([&](OperationKind kind, const std::string& path) {
    if (kind != OperationKind::write || !path.ends_with(".log")) return;
    written = true;
    CHECK(path.ends_with(active));
  });
  std::vector<std::pair<std::string, std::string>> closed;
  for (int i = 0; i < 4; ++i) {
    for (int n = 0; n < 3; ++n) fixture.put("k" + std::to_string(n), std::to_string(i));
    CHECK(std::exchange(written, false));
    closed.emplace_back(active, *fixture.disk().content(active));
    active = segment_filename({fixture.partition().marks().next_offset, Generation(0)}, SegmentFile::log);
    REQUIRE_OK(fixture.partition().roll());
    fixture.run_all();
    if (i == 1) fixture.restart();
    if (i == 2) {
      fixture.kill();
      fixture.open();
    }
  }
  fixture.put("k", "last");
  for (const auto& [name, bytes] : closed) CHECK(fixture.disk().content(name) == bytes);
  fixture.disk().meanwhile({});
}

TEST_CASE("log start is noted in the sync log, for the day when the manifests are lost", "[runner]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  REQUIRE_OK(fixture.partition().delete_records(Offset(3)));
  const auto noted = read_sync_log(*fixture.disk().root(), Offset(0));
  REQUIRE_OK(noted);
  CHECK(noted->log_start == Offset(3));
  fixture.put("k9", "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("k10", "v");
  CHECK(read_sync_log(*fixture.disk().root(), Offset(6))->log_start == Offset(3));
}

TEST_CASE("with a supervisor and a wall clock a year ahead no retention passes: restarts grant nothing", "[runner]") {
  PartitionConfig config;
  config.deletes = true;
  config.retention_ms = 3'600'000;
  config.timestamp_type = TimestampType::log_append_time;
  PartitionFixture fixture(config);
  fixture.put("old", "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  fixture.clock().set_wall_off_ms(365LL * 24 * 3'600'000);
  const bool killed = GENERATE(true, false);
  for (int start = 0; start < 12; ++start) {
    if (killed) {
      fixture.kill();
      fixture.open();
    } else {
      fixture.restart();
    }
    fixture.clock().advance_ms(100);
    fixture.put("k" + std::to_string(start), "v");
    fixture.partition().tick();
    fixture.run_all();
  }
  CHECK(fixture.get("old").status == LookupAnswer::Status::found);
  const auto records = fixture.fetch_all();
  REQUIRE(records.size() == 13);
  CHECK(records.back().timestamp.value() - records.front().timestamp.value() <= 600'000 + 2 * 1'200 + 1'000);
}

TEST_CASE("records past retention.ms go though the active segment has not reached segment.ms", "[runner]") {
  const bool compacted = GENERATE(false, true);
  PartitionConfig config;
  config.compacted = compacted;
  config.deletes = true;
  PartitionFixture fixture(config);
  const auto pass_ms = [&](std::int64_t ms) {
    fixture.clock().advance_ms(ms);
    for (int i = 0; i < 2; ++i) {
      fixture.partition().tick();
      fixture.run_all();
    }
  };
  fixture.put("a", "v");
  pass_ms(50'000);
  fixture.put("b", "v");
  config.retention_ms = 60'000;
  fixture.partition().configure(config);
  pass_ms(50'000);
  CHECK(fixture.fetch_all(Offset(0)).size() == 2);  // the newest counts
  CHECK(fixture.partition().segments().size() == 1);
  pass_ms(20'000);
  CHECK(fixture.partition().marks().log_start_offset == Offset(2));
  CHECK(fixture.partition().snapshot().size_bytes == 0);
  pass_ms(200'000);
  CHECK(fixture.partition().segments().size() == 1);  // an empty one is not closed again and again
  CHECK(fixture.partition().segments()[0].base_offset == Offset(2));
  fixture.put("c", "v");
  CHECK(fixture.fetch_all(Offset(2)).size() == 1);
  fixture.restart();
  CHECK(fixture.partition().marks().log_start_offset == Offset(2));
  CHECK(fixture.fetch_all(Offset(2)).size() == 1);
}

TEST_CASE("retention.bytes below a segment's size keeps the active segment and what is younger than it asks for",
          "[runner]") {
  PartitionConfig config;
  config.compacted = false;
  config.deletes = true;
  config.retention_bytes = 0;
  PartitionFixture fixture(config);
  fixture.put("a", "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("b", "v");
  fixture.partition().tick();
  fixture.run_all();
  CHECK(fixture.partition().marks().log_start_offset == Offset(1));
  CHECK(fixture.fetch_all(Offset(1)).size() == 1);
}

TEST_CASE("after a wall clock that was ahead retention goes on, health says so, and reopen sets the times back",
          "[runner]") {
  PartitionConfig config;
  config.deletes = true;
  config.retention_ms = 3'600'000;
  constexpr std::int64_t kMinuteMs = 60'000;
  PartitionFixture fixture(config);
  fixture.kill();
  // As if the first start had met a wall clock that was a year ahead.
  for (const char* name : kManifestNames) {
    auto manifest = decode_manifest(*fixture.disk().content(name));
    REQUIRE_OK(manifest);
    manifest->append_clock.time = TimestampMs(fixture.clock().wall_ms().value() + 365LL * 24 * 60 * kMinuteMs);
    fixture.disk().set_content(name, encode_manifest(*manifest));
  }
  fixture.open();
  const auto clock_problem = [&]() -> std::string {
    for (const PartitionProblem& problem : fixture.partition().snapshot().problems)
      if (problem.kind == "clock_ahead") return problem.reason;
    return "";
  };
  const auto pass_minutes = [&](std::int64_t minutes) {
    fixture.clock().advance_ms(minutes * kMinuteMs);
    fixture.partition().tick();
    fixture.run_all();
  };
  fixture.put("old", "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("younger", "v");
  fixture.run_all();
  CHECK(clock_problem().find("logcask reopen") != std::string::npos);
  SECTION("without anybody's help") {
    pass_minutes(50);
    CHECK(fixture.get("old").status == LookupAnswer::Status::found);
    pass_minutes(15);
    CHECK(fixture.get("old").status == LookupAnswer::Status::absent);
  }
  SECTION("set back, too, and nothing is lost for it") {
    pass_minutes(30);
    REQUIRE_OK(fixture.partition().reopen());
    fixture.run_all();
    CHECK(clock_problem().empty());
    pass_minutes(20);
    CHECK(fixture.get("old").status == LookupAnswer::Status::found);
    pass_minutes(15);
    CHECK(fixture.get("old").status == LookupAnswer::Status::absent);
  }
}

TEST_CASE("a watch hears every change of its keys once, in order", "[runner]") {
  PartitionFixture fixture;
  fixture.put("k", "0");
  std::vector<KeyChange> changes;
  const ByteView watched[] = {"k"};
  const auto watch = fixture.partition().watch(watched, [&](Result<std::vector<KeyChange>> news) {
    if (news.ok()) changes.insert(changes.end(), news->begin(), news->end());
  });
  REQUIRE_OK(watch);
  CHECK(watch->current[0].offset == Offset(0));
  fixture.put("k", "1");
  fixture.put("other", "1");
  fixture.remove("k");
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].offset == Offset(1));
  CHECK(changes[1].deleted);
  fixture.partition().cancel_wait(watch->id);
  fixture.put("k", "2");
  CHECK(changes.size() == 2);
}

TEST_CASE("the keydir budget refuses new keys only, naming the records", "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.put("b", "1");
  fixture.budget().set_limit_bytes(2 * kKeydirBytesPerEntry);
  const AppendResult refused =
      fixture.append({{"a", "2", {}}, {"c", "1", {}}, {"d", std::nullopt, {}}, {"e", "1", {}}});
  CHECK(refused.error.code() == Errc::keydir_budget_exceeded);
  CHECK(refused.refused_records == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(fixture.put("a", "3").error.ok());
  CHECK(fixture.remove("b").error.ok());
  CHECK(fixture.remove("never").error.code() == Errc::keydir_budget_exceeded);
  fixture.budget().set_limit_bytes(3 * kKeydirBytesPerEntry);
  CHECK(fixture.put("c", "1").error.ok());
}

TEST_CASE("a delete of an unknown key has the same entry, count and conditions before and after a restart",
          "[runner]") {
  PartitionFixture fixture;
  const Offset tombstone = fixture.remove("never").base_offset;
  for (const bool restarted : {false, true}) {
    INFO("restarted " << restarted);
    if (restarted) fixture.restart();
    CHECK(fixture.get("never").status == LookupAnswer::Status::deleted);
    CHECK(fixture.get("never").offset == tombstone);
    CHECK(fixture.partition().snapshot().deleted_keys == 1);
    CHECK(fixture.budget().used_entries() == 1);
    Condition at{0, Condition::Kind::offset, tombstone + 7};
    CHECK(fixture.append({{"never", "1", {}}}, Acks::all, {at}).current_offset == tombstone);
  }
  Condition at{0, Condition::Kind::offset, tombstone};
  CHECK(fixture.append({{"never", "1", {}}}, Acks::all, {at}).error.ok());
}

TEST_CASE("a new partition answers lookups before anything runs in the background", "[runner]") {
  PartitionFixture fixture;
  fixture.kill();
  fixture.open_only();
  CHECK(fixture.get("a").status == LookupAnswer::Status::absent);
  CHECK(fixture.partition().marks().state == PartitionMarks::State::online);
}

TEST_CASE("the marks of a partition are those of its snapshot, in every state", "[runner]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.put("b", "1");
  const auto agree = [&] {
    const PartitionMarks marks = fixture.partition().marks();
    const PartitionSnapshot all = fixture.partition().snapshot();
    CHECK(marks.state == all.state);
    CHECK(marks.log_start_offset == all.log_start_offset);
    CHECK(marks.next_offset == all.next_offset);
    return marks;
  };
  CHECK(agree().committed_end == Offset(2));
  REQUIRE_OK(fixture.partition().delete_records(Offset(1)));
  CHECK(agree().log_start_offset == Offset(1));
  fixture.kill();
  fixture.open_only();
  CHECK(agree().state == PartitionMarks::State::loading);
  fixture.run_all();
  CHECK(agree().state == PartitionMarks::State::online);
  fixture.partition().close(Error{Errc::shutting_down, "bye"});
  CHECK(agree().state == PartitionMarks::State::offline);
}

TEST_CASE("a clean stop leaves a checkpoint of everything that was written", "[runner]") {
  PartitionFixture fixture;
  CHECK(fixture.put("a", "1").error.ok());
  CHECK(fixture.put("b", "1").error.ok());
  fixture.partition().close(Error{Errc::shutting_down, "bye"});
  bool repaired = false;
  const auto manifest = load_manifest(*fixture.disk().root(), {}, repaired);
  REQUIRE_OK(manifest);
  REQUIRE(*manifest);
  CHECK((*manifest)->producer_snapshot_end == Offset(2));
}

TEST_CASE("a reopen of a partition whose files have gone does not make a new one", "[runner]") {
  PartitionFixture fixture;
  CHECK(fixture.put("a", "1").error.ok());
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fixture.disk().fail(fault);
  CHECK(fixture.put("b", "1").error.code() == Errc::read_only);
  fixture.disk().clear_faults();
  const auto files = fixture.disk().root()->list();
  REQUIRE_OK(files);
  for (const auto& file : *files) REQUIRE_OK(fixture.disk().root()->unlink(file.name));
  CHECK(fixture.partition().reopen().code() == Errc::corrupt_file);
  CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::offline);
  CHECK(fixture.disk().root()->list()->empty());
}

TEST_CASE("a log that is removed under the running broker stops its partition within a tick", "[runner]") {
  PartitionFixture fixture;
  REQUIRE_OK(fixture.put("a", "1").error);
  fixture.partition().tick();
  REQUIRE_OK(fixture.put("b", "1").error);
  const auto watched = fixture.disk().paths();
  for (const std::string& path : watched)
    if (path.ends_with(".0.log")) fixture.disk().remove_tree(path);
  fixture.partition().tick();
  CHECK(fixture.put("c", "1").error.code() == Errc::read_only);
  CHECK(fixture.get("a").value == "1");
  const auto snapshot = fixture.partition().snapshot();
  CHECK(snapshot.state == PartitionSnapshot::State::read_only);
  REQUIRE(snapshot.problems.size() == 1);
  CHECK_THAT(snapshot.problems[0].reason, Catch::Contains("was removed under the running broker"));
}

TEST_CASE("what stops a partition's writes is named in health and ended by a reopen", "[runner]") {
  PartitionFixture fixture;
  REQUIRE_OK(fixture.put("a", "1").error);
  std::optional<AppendResult> under_way;
  fixture.start_append({{"b", "1", {}}}, Acks::all, under_way);
  fixture.partition().stop_writes({Errc::io_error, "the directory was moved away"});
  fixture.run_all();
  REQUIRE(under_way.has_value());
  CHECK(under_way->error.code() == Errc::read_only);
  CHECK(fixture.put("c", "1").error.code() == Errc::read_only);
  CHECK_THAT(fixture.partition().snapshot().reason, Catch::Contains("the directory was moved away"));
  REQUIRE_OK(fixture.partition().reopen());
  fixture.run_all();
  REQUIRE_OK(fixture.put("c", "1").error);
}

namespace {

// The one record of a closed segment, whose read fails once.
struct OneReadError {
  PartitionFixture fixture;
  OneReadError() {
    fixture.put("a", "1");
    REQUIRE_OK(fixture.partition().roll());
    fixture.put("b", "1");
    fixture.restart();
    Fault fault;
    fault.kinds = {OperationKind::read};
    fault.name_suffix = ".log";
    fixture.disk().fail(fault);
    CHECK(fixture.partition().fetch(Offset(0), 1).code() == Errc::io_error);
    fixture.disk().clear_faults();
    CHECK(problems() == 1);
  }
  std::size_t problems() { return fixture.partition().snapshot().problems.size(); }
};

}  // namespace

TEST_CASE("a read error that was the disk's once is no problem any more after a while, by itself", "[runner]") {
  OneReadError error;
  for (int tick = 0; tick < 60; ++tick) {
    error.fixture.partition().tick();
    error.fixture.run_all();
  }
  CHECK(error.problems() == 0);
}

TEST_CASE("a reopen looks again at what health complains of, and ends what is over", "[runner]") {
  OneReadError error;
  const auto report = error.fixture.partition().reopen();
  REQUIRE_OK(report);
  CHECK_THAT(*report, Catch::Contains("can be read again"));
  CHECK(error.problems() == 0);
  CHECK(error.fixture.get("a").value == "1");
}

TEST_CASE("what cannot be read stays a problem, after a while and after a reopen", "[runner]") {
  OneReadError error;
  PartitionFixture& fixture = error.fixture;
  Fault fault;
  fault.kinds = {OperationKind::read};
  fault.name_suffix = ".0.log";
  fault.path_part = "00000000000000000000.";
  fault.sticky = true;
  fixture.disk().fail(fault);
  for (int tick = 0; tick < 60; ++tick) {
    fixture.partition().tick();
    fixture.run_all();
  }
  CHECK(error.problems() == 1);
  (void)fixture.partition().reopen();
  fixture.run_all();
  CHECK(error.problems() >= 1);
}

TEST_CASE("a partition at rest that finds no descriptor refuses retriably, and goes on when there is one", "[runner]") {
  PartitionFixture fixture;
  REQUIRE_OK(fixture.put("a", "1").error);
  const auto rest = [&] {
    for (int tick = 0; tick < 12; ++tick) {
      fixture.partition().tick();
      fixture.run_all();
    }
  };
  // The log's, and that of its sync log.
  for (std::uint64_t nth = 1; nth <= 2; ++nth) {
    for (const bool roll : {false, true}) {
      INFO("open " << nth << (roll ? " of a roll" : " of an append"));
      rest();
      Fault fault;
      fault.kinds = {OperationKind::open};
      fault.nth = nth;
      fault.error_number = EMFILE;
      fixture.disk().fail(fault);
      const Errc refused = roll ? fixture.partition().roll().code() : fixture.put("b", "1").error.code();
      const bool met = !fixture.disk().fault_hits().empty();
      fixture.disk().clear_faults();
      CHECK(met);
      CHECK(refused == Errc::limit_exceeded);
      CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::online);
      REQUIRE_OK(fixture.put("b", "2").error);
      if (roll) REQUIRE_OK(fixture.partition().roll());
      CHECK(fixture.get("a").value == "1");
    }
  }
}

TEST_CASE("records delete of everything gives the active segment's room back", "[runner]") {
  PartitionFixture fixture;
  for (int i = 0; i < 50; ++i) REQUIRE_OK(fixture.put("k" + std::to_string(i), std::string(4000, 'v')).error);
  const auto log_bytes = [&] {
    std::size_t bytes = 0;
    for (const std::string& path : fixture.disk().paths())
      if (path.ends_with(".log")) bytes += fixture.disk().content(path)->size();
    return bytes;
  };
  CHECK(log_bytes() > 200'000);
  CHECK(fixture.partition().delete_records(Offset(20)).value() == Offset(20));
  CHECK(fixture.partition().snapshot().segments == 1);
  CHECK(fixture.partition().delete_records(kNoOffset).value() == Offset(50));
  fixture.run_all();
  CHECK(log_bytes() == 0);
  CHECK(fixture.put("k", "v").base_offset == Offset(50));
}

TEST_CASE("an abandoned partition answers whoever waits and writes nothing any more", "[runner]") {
  PartitionFixture fixture;
  REQUIRE_OK(fixture.put("a", "1").error);
  Errc heard = Errc::ok;
  fixture.partition().wait_visible_above(Offset(5), [&](const Status& status) { heard = status.code(); });
  const std::size_t changes = fixture.disk().change_count();
  fixture.partition().abandon({Errc::unknown_topic, "deleted"});
  CHECK(fixture.disk().change_count() == changes);
  CHECK(heard == Errc::unknown_topic);
  CHECK_FALSE(fixture.put("c", "1").error.ok());
}
