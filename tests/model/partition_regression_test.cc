// Faults of a partition that were found by reading and by the random tests, each as the shortest story that shows it.

#include "broker/door/local_partition_runner.h"
#include "compactor/compactor.h"
#include "segment/filename.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

std::string log_name(std::int64_t base) { return segment_filename({Offset(base), Generation(0)}, SegmentFile::log); }

bool holds(PartitionFixture& fixture, const std::string& text) {
  return fixture.report().find(text) != std::string::npos;
}

void fail_next(PartitionFixture& fixture, OperationKind kind, int error_number = 5, const std::string& suffix = {}) {
  Fault fault;
  fault.kinds = {kind};
  fault.error_number = error_number;
  fault.name_suffix = suffix;
  fixture.disk().fail(fault);
}

// The next roll's checkpoint does not run: the closed segment stays unlisted.
void roll_without_checkpoint(PartitionFixture& fixture) {
  fixture.run_all();
  REQUIRE_OK(fixture.partition().roll());
}

}  // namespace

TEST_CASE("a log whose closed segments were all dropped by retention opens again where it was", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 20; ++i) fixture.put("k" + std::to_string(i), "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  REQUIRE_OK(fixture.partition().delete_records(Offset(20)));
  CHECK(fixture.put("a", "1").base_offset == Offset(20));
  for (int round = 0; round < 2; ++round) {
    INFO(fixture.report());
    fixture.kill();
    fixture.open();
    CHECK_FALSE(holds(fixture, "set aside"));
    CHECK(fixture.get("a").value == "1");
    CHECK(fixture.partition().snapshot().next_offset == Offset(21));
  }
  fixture.restart();
  CHECK(fixture.put("b", "1").base_offset == Offset(21));
}

TEST_CASE("log start may pass a segment that no checkpoint has listed yet", "[regression]") {
  PartitionConfig config;
  PartitionFixture fixture(config);
  for (int i = 0; i < 5; ++i) fixture.put("k", "v" + std::to_string(i));
  roll_without_checkpoint(fixture);
  REQUIRE_OK(fixture.partition().delete_records(Offset(5)));
  std::optional<AppendResult> answer;
  fixture.start_append({{"a", "1", {}}}, Acks::all, answer);
  while (fixture.flush().run_one()) {
  }
  REQUIRE(answer.has_value());
  CHECK(answer->base_offset == Offset(5));
  fixture.kill();
  fixture.open();
  INFO(fixture.report());
  CHECK_FALSE(holds(fixture, "set aside"));
  CHECK(fixture.get("a").value == "1");
  CHECK(fixture.put("b", "1").base_offset == Offset(6));
}

TEST_CASE("producers of a segment that recovery has listed are known after the next kill, too", "[regression]") {
  PartitionFixture fixture;
  const BatchShape shape{Compression::none, ProducerId(7), 0, 0};
  CHECK(fixture.append({{"k", "v", {}}}, Acks::all, {}, shape).error.ok());
  roll_without_checkpoint(fixture);
  for (int round = 0; round < 3; ++round) {
    INFO("kill " << round);
    fixture.kill();
    fixture.open();
    CHECK(fixture.append({{"k", "v", {}}}, Acks::all, {}, shape).duplicate);
  }
  CHECK(fixture.fetch_all().size() == 1);
}

TEST_CASE("a damaged file that is followed by its successor loses nothing of the successor", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  roll_without_checkpoint(fixture);
  std::optional<AppendResult> answer;
  fixture.start_append({{"a", "1", {}}}, Acks::all, answer);
  while (fixture.flush().run_one()) {
  }
  REQUIRE(answer.has_value());
  fixture.kill();
  std::string bytes = *fixture.disk().content(log_name(0));
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  fixture.disk().set_content(log_name(0), bytes);
  fixture.open();
  INFO(fixture.report());
  CHECK(holds(fixture, "DAMAGED offsets 4..5"));
  CHECK_FALSE(holds(fixture, "set aside"));
  CHECK(fixture.get("a").value == "1");
  CHECK(fixture.get("k1").error.code == Errc::corrupt_range);
  CHECK(fixture.partition().fetch(Offset(4), 1000).code() == Errc::corrupt_range);
  CHECK(decode_records(fixture.partition().fetch(Offset(0), 1000)->pieces.at(0)).size() == 4);
  CHECK(fixture.fetch_all(Offset(5)).size() == 1);
  CHECK(fixture.put("b", "1").base_offset == Offset(6));
}

TEST_CASE("a byte that no batch checksum covers is damage of the whole file below the recovery point", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.kill();
  std::string bytes = *fixture.disk().content(log_name(0));
  bytes[15] = static_cast<char>(bytes[15] ^ 1);  // leader epoch of the first batch
  fixture.disk().set_content(log_name(0), bytes);
  fixture.open();
  INFO(fixture.report());
  CHECK(holds(fixture, "DAMAGED offsets 0..5"));
  CHECK(fixture.get("k1").error.code == Errc::corrupt_range);
  CHECK(fixture.put("k1", "2").error.ok());
  CHECK(fixture.get("k1").value == "2");
}

TEST_CASE("a condition on a key whose newest record may be damaged is refused, and decides again after a new write",
          "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.kill();
  std::string bytes = *fixture.disk().content(log_name(0));
  bytes[15] = static_cast<char>(bytes[15] ^ 1);
  fixture.disk().set_content(log_name(0), bytes);
  fixture.open();
  const auto conditional = [&](Condition::Kind kind, Offset offset) {
    Condition condition;
    condition.kind = kind;
    condition.offset = offset;
    return fixture.append({{"k1", "conditional", {}}}, Acks::all, {condition}).error.code();
  };
  const Offset end = fixture.partition().snapshot().next_offset;
  CHECK(conditional(Condition::Kind::absent, kNoOffset) == Errc::corrupt_range);
  CHECK(conditional(Condition::Kind::exists, kNoOffset) == Errc::corrupt_range);
  CHECK(conditional(Condition::Kind::offset, Offset(1)) == Errc::corrupt_range);
  CHECK(fixture.partition().snapshot().next_offset == end);
  const AppendResult known = fixture.put("k1", "2");
  REQUIRE_OK(known.error);
  CHECK(conditional(Condition::Kind::absent, kNoOffset) == Errc::condition_failed);
  CHECK(conditional(Condition::Kind::offset, known.base_offset) == Errc::ok);
}

TEST_CASE("a sync log that speaks of another log is damage, not a crash", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k", "v");
  PartitionFixture other;
  for (int i = 0; i < 8; ++i) other.put("key", "longer value");
  fixture.kill();
  other.kill();
  fixture.disk().set_content(log_name(0), *other.disk().content(log_name(0)));
  fixture.open();
  INFO(fixture.report());
  CHECK(holds(fixture, "DAMAGED"));
}

TEST_CASE("damage below log start is over", "[regression]") {
  PartitionConfig config;
  config.segment_bytes = 200;
  PartitionFixture fixture(config);
  for (int i = 0; i < 12; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.restart();
  fixture.kill();
  fixture.disk().root()->unlink(log_name(0)).ok();
  fixture.open();
  INFO(fixture.report());
  CHECK(holds(fixture, "DAMAGED offsets 0.."));
  CHECK(fixture.get("k5").error.code == Errc::ok);
  CHECK(fixture.get("never").error.code == Errc::corrupt_range);
  REQUIRE_OK(fixture.partition().delete_records(fixture.partition().segments().at(1).base_offset));
  CHECK(fixture.get("never").status == LookupAnswer::Status::absent);
  CHECK_FALSE(fixture.replay_live().empty());
  fixture.kill();
  fixture.open();
  CHECK(fixture.get("never").status == LookupAnswer::Status::absent);
  CHECK(fixture.partition().snapshot().reason.empty());
}

TEST_CASE("an append to a latched partition whose queue is full is answered", "[regression]") {
  PartitionConfig config;
  config.pending_records_max = 2;
  PartitionFixture fixture(config);
  std::optional<AppendResult> first, second, third, fourth;
  fixture.start_append({{"a", "1", {}}, {"b", "1", {}}}, Acks::one, first);
  REQUIRE(first.has_value());
  fixture.start_append({{"c", "1", {}}}, Acks::one, second);  // has to wait for room
  CHECK_FALSE(second.has_value());
  fail_next(fixture, OperationKind::sync_data);
  fixture.run_all();
  REQUIRE(second.has_value());
  CHECK(second->error.code() == Errc::read_only);
  fixture.start_append({{"d", "1", {}}}, Acks::one, third);
  fixture.start_append({{"d", "1", {}}}, Acks::all, fourth);
  fixture.run_all();
  REQUIRE(third.has_value());
  CHECK(third->error.code() == Errc::read_only);
  REQUIRE(fourth.has_value());
  CHECK_FALSE(fixture.partition().congested());
}

TEST_CASE("a sync that fails while a roll waits for it ends the roll, too", "[regression]") {
  PartitionConfig config;
  config.segment_bytes = 100;
  PartitionFixture fixture(config);
  std::optional<AppendResult> first, second;
  fixture.start_append({{"a", std::string(100, 'x'), {}}}, Acks::all, first);   // written, its sync is posted
  fixture.start_append({{"b", std::string(100, 'x'), {}}}, Acks::one, second);  // needs a roll
  fail_next(fixture, OperationKind::sync_data);
  for (int i = 0; i < 50; ++i) fixture.flush().run_one();
  CHECK_FALSE(fixture.flush().run_one());
  REQUIRE(first.has_value());
  CHECK(first->error.code() == Errc::read_only);
  REQUIRE(second.has_value());
  CHECK(second->error.code() == Errc::read_only);
  const auto reopened = fixture.partition().reopen();
  REQUIRE_OK(reopened);
  fixture.run_all();
  CHECK(fixture.put("c", "1").error.ok());
}

TEST_CASE("records that were never synced before a kill are as young as the restart", "[regression]") {
  PartitionConfig config;
  config.deletes = true;
  config.retention_ms = 60'000;
  config.segment_ms = 60'000;
  PartitionFixture fixture(config);
  std::optional<AppendResult> answer;
  fixture.start_append({{"a", "1", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  fixture.kill();
  fixture.open();
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  fixture.partition().tick();
  fixture.run_all();
  CHECK(fixture.get("a").value == "1");
  fixture.clock().advance_ms(61'000);
  fixture.partition().tick();
  fixture.run_all();
  CHECK(fixture.get("a").status == LookupAnswer::Status::absent);
  // And they are rolled by age like others.
  fixture.start_append({{"b", "1", {}}}, Acks::one, answer);
  fixture.kill();
  fixture.open();
  fixture.clock().advance_ms(59'000);
  fixture.partition().tick();
  fixture.run_all();
  CHECK(fixture.partition().segments().back().base_offset == Offset(1));
  fixture.clock().advance_ms(2'000);
  fixture.partition().tick();
  fixture.run_all();
  CHECK(fixture.partition().segments().back().base_offset == Offset(2));
}

TEST_CASE("a keydir that could not be loaded is loaded by reopen, and the snapshot says why it is offline",
          "[regression]") {
  PartitionConfig config;
  config.segment_bytes = 200;
  PartitionFixture fixture(config);
  for (int i = 0; i < 12; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.run_all();
  fixture.restart();
  for (const std::string& path : fixture.disk().paths())
    if (path.ends_with(".hint")) REQUIRE_OK(fixture.disk().root()->unlink(path));
  // Too many open files, once recovery is through.
  Fault fault;
  fault.kinds = {OperationKind::open};
  fault.name_suffix = log_name(0);
  fault.error_number = 24;
  fault.sticky = true;
  fault.nth = 2;  // recovery looks at its size first
  fixture.kill();
  fixture.disk().fail(fault);
  fixture.open();
  CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::offline);
  CHECK(fixture.partition().snapshot().reason.find("keydir could not be loaded") != std::string::npos);
  fixture.disk().clear_faults();
  const auto reopened = fixture.partition().reopen();
  REQUIRE_OK(reopened);
  fixture.run_all();
  CHECK(fixture.get("k1").value == "v");
  CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::online);
}

TEST_CASE("a step of a live replay never reports a position beyond its end", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 10; ++i) fixture.put("k", "v");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("k", "last");
  fixture.run_all();
  const auto step = fixture.partition().fetch_filtered(Offset(2), Offset(5), ReplayFilter{}, 4096);
  REQUIRE_OK(step);
  CHECK(step->position == Offset(5));
}

TEST_CASE("a manifest step that failed leaves no trace in what compaction believes to be clean", "[regression]") {
  PartitionConfig config;
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  fixture.put("a", "1");
  fixture.remove("a");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  LocalPartitionRunner& port = fixture.partition();
  const SegmentName closed = port.state().closed.at(0).facts.name;
  fail_next(fixture, OperationKind::write, 28, "manifest.a.tmp");
  const SegmentName names[] = {closed};
  CHECK(port.note_compacted(names, Offset(2)).code() == Errc::storage_full);
  fixture.clock().advance_ms(5000);
  CHECK(port.state().clean_through == Offset(0));
  CHECK(port.state().due_through == Offset(0));
  REQUIRE_OK(port.note_compacted(names, Offset(2)));
  CHECK(port.state().clean_through == Offset(2));
  CHECK(port.state().due_through == Offset(0));
  fixture.clock().advance_ms(1001);
  CHECK(port.state().due_through == Offset(2));
}

TEST_CASE("a producer with old record timestamps is remembered over a kill", "[regression]") {
  PartitionFixture fixture;
  const BatchShape shape{Compression::none, ProducerId(7), 0, 0};
  const std::string bytes = make_batch({{"k", "v", {}}}, shape, TimestampMs(1000));
  const auto send = [&] {
    KeyHasher hasher{KeyHasher::Secret{}};
    auto prepared = prepare_batch(bytes, PartitionConfig{}, hasher, {});
    REQUIRE_OK(prepared);
    std::optional<AppendResult> answer;
    fixture.partition().append(*std::move(prepared), Acks::all,
                               [&](AppendResult result) { answer = std::move(result); });
    fixture.run_all();
    REQUIRE(answer.has_value());
    return *answer;
  };
  CHECK(send().error.ok());
  fixture.kill();
  fixture.open();
  fixture.partition().tick();
  fixture.run_all();
  CHECK(send().duplicate);
}

TEST_CASE("without a manifest nothing is touched, half-written files included", "[regression]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.kill();
  REQUIRE_OK(fixture.disk().root()->rename("manifest.a", "manifest.a.tmp"));
  REQUIRE_OK(fixture.disk().root()->unlink("manifest.b"));
  const auto before = fixture.disk().paths();
  fixture.open();
  CHECK(fixture.partition().snapshot().state == PartitionSnapshot::State::offline);
  CHECK(fixture.disk().paths() == before);
}

TEST_CASE("what lies beside a log that is set aside goes with it", "[regression]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.kill();
  fixture.disk().set_content(log_name(9), "stranger");
  const std::string hint = segment_filename({Offset(9), Generation(0)}, SegmentFile::hint);
  const std::string sync = segment_filename({Offset(9), Generation(0)}, SegmentFile::sync);
  fixture.disk().set_content(hint, "stranger's hint");
  fixture.disk().set_content(sync, "stranger's sync");
  fixture.open();
  INFO(fixture.report());
  CHECK(holds(fixture, "set aside " + log_name(9)));
  CHECK(fixture.disk().content(log_name(9) + ".aside") == "stranger");
  CHECK_FALSE(fixture.disk().content(hint).has_value());
  CHECK_FALSE(fixture.disk().content(sync).has_value());
  CHECK(fixture.get("a").value == "1");
}

TEST_CASE("a manifest step that finds the disk full can be tried again", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k", "v");
  fixture.run_all();
  fixture.disk().set_capacity(fixture.disk().used_bytes() + 10);
  CHECK(fixture.partition().delete_records(Offset(2)).code() == Errc::storage_full);
  fixture.disk().set_capacity(1u << 30);
  REQUIRE_OK(fixture.partition().delete_records(Offset(2)));
}

TEST_CASE("a manifest step that finds no descriptor free has not happened, and the next one may", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.run_all();
  Fault fault;
  fault.kinds = {OperationKind::open, OperationKind::create};
  fault.error_number = EMFILE;
  fault.sticky = true;
  fixture.disk().fail(fault);
  CHECK(fixture.partition().delete_records(Offset(2)).code() == Errc::limit_exceeded);
  fixture.disk().clear_faults();
  CHECK(fixture.partition().snapshot().log_start_offset == Offset(0));
  REQUIRE_OK(fixture.partition().delete_records(Offset(2)));
  CHECK(fixture.partition().snapshot().log_start_offset == Offset(2));
}

TEST_CASE("a manifest step whose outcome nobody knows is settled by reopen", "[regression]") {
  PartitionFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.put("k" + std::to_string(i), "v");
  fixture.run_all();
  Fault fault;
  fault.kinds = {OperationKind::sync_directory};
  fault.sticky = true;
  fixture.disk().fail(fault);
  CHECK(fixture.partition().delete_records(Offset(2)).code() == Errc::read_only);
  fixture.disk().clear_faults();
  CHECK(fixture.partition().delete_records(Offset(2)).code() == Errc::read_only);
  const auto reopened = fixture.partition().reopen();
  REQUIRE_OK(reopened);
  fixture.run_all();
  // The step may have happened or not; from here on it is certain.
  const Offset start = fixture.partition().snapshot().log_start_offset;
  CHECK((start == Offset(0) || start == Offset(2)));
  REQUIRE_OK(fixture.partition().delete_records(Offset(3)));
  CHECK(fixture.get("k2").status == LookupAnswer::Status::absent);
  CHECK(fixture.get("k3").value == "v");
}

TEST_CASE("what was reserved for records that never were committed is given back", "[regression]") {
  PartitionFixture fixture;
  std::optional<AppendResult> answer;
  fixture.start_append({{"a", "1", {}}, {"b", "1", {}}}, Acks::one, answer);
  CHECK(fixture.budget().used_entries() == 2);
  fixture.kill();
  CHECK(fixture.budget().used_entries() == 0);
}

TEST_CASE("compaction waits until a snapshot knows the producers of what recovery has listed", "[regression]") {
  PartitionFixture fixture;
  const BatchShape first{Compression::none, ProducerId(7), 0, 0};
  const BatchShape second{Compression::none, ProducerId(7), 0, 1};
  CHECK(fixture.append({{"k", "1", {}}}, Acks::all, {}, first).error.ok());
  CHECK(fixture.append({{"k", "2", {}}}, Acks::all, {}, second).error.ok());
  roll_without_checkpoint(fixture);
  fixture.kill();
  fixture.open_only();
  CHECK(fixture.partition().state().bound == Offset(0));
  CHECK(fixture.partition().state().closed.empty());
  fixture.run_all();
  CHECK(fixture.partition().state().bound == Offset(2));
  CHECK(fixture.partition().state().closed.size() == 1);
}

TEST_CASE("a latched partition is not compacted", "[regression]") {
  PartitionFixture fixture;
  fixture.put("k", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  fail_next(fixture, OperationKind::sync_data);
  CHECK(fixture.put("k", "2").error.code() == Errc::read_only);
  CHECK(fixture.partition().begin_rewrite(Offset(0), Offset(1)).code() == Errc::read_only);
}

TEST_CASE("producers of batches below log start stay known", "[regression]") {
  PartitionFixture fixture;
  const BatchShape shape{Compression::none, ProducerId(7), 0, 0};
  CHECK(fixture.append({{"k", "1", {}}}, Acks::all, {}, shape).error.ok());
  roll_without_checkpoint(fixture);
  REQUIRE_OK(fixture.partition().delete_records(Offset(1)));
  fixture.kill();
  fixture.open();
  CHECK(fixture.append({{"k", "1", {}}}, Acks::all, {}, shape).duplicate);
}

TEST_CASE("more dropped tombstones than one hold of the lock removes all leave the keydir", "[regression]") {
  PartitionConfig config;
  config.delete_retention_ms = 0;
  PartitionFixture fixture(config);
  std::vector<TestRecord> values, tombstones;
  for (int i = 0; i < 10'000; ++i) values.push_back({"k" + std::to_string(i), "1", {}});
  for (const TestRecord& value : values) tombstones.push_back({value.key, std::nullopt, {}});
  REQUIRE_OK(fixture.append(values).error);
  REQUIRE_OK(fixture.append(tombstones).error);
  fixture.put("live", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("k7", "again");
  fixture.run_all();
  REQUIRE(fixture.partition().snapshot().deleted_keys == 9'999);
  for (int round = 0; round < 2; ++round) {
    fixture.clock().advance_ms(1);
    Compactor compactor(fixture.partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
    REQUIRE_OK(compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); }));
  }
  CHECK(fixture.partition().snapshot().deleted_keys == 0);
  CHECK(fixture.partition().snapshot().live_keys == 2);
  CHECK(fixture.partition().snapshot().tombstone_horizon == Offset(20'000));
  CHECK(fixture.get("k7").value == "again");
  CHECK(fixture.get("k8").status == LookupAnswer::Status::absent);
}
