// A replay that catches up while compaction works below its mark.

#include <map>

#include "broker/services/replay_advance.h"
#include "compactor/compactor.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

class Reader {
 public:
  explicit Reader(PartitionFixture& fixture)
      : fixture_(fixture), position_(first_replay_position(fixture.partition(), PartitionId(0)).value()) {}

  // True when the marker came.
  bool step() {
    ReplayFilter filter;
    filter.live_only = true;
    const auto step = advance_replay(fixture_.partition(), position_, filter, 1);
    REQUIRE_OK(step);
    std::string bytes;
    for (const ByteView piece : step->pieces) bytes.append(piece);
    for (const auto& stored : decode_records(bytes))
      if (stored.offset >= position_.position) seen_[stored.key] = stored.value;
    position_ = step->position;
    return step->marker;
  }
  const ReplayPosition& position() const { return position_; }
  ReplayPhase phase() const { return position_.phase; }
  const std::map<std::string, std::optional<std::string>>& seen() const { return seen_; }

 private:
  PartitionFixture& fixture_;
  ReplayPosition position_;
  std::map<std::string, std::optional<std::string>> seen_;
};

CompactionStats compact(PartitionFixture& fixture) {
  Compactor compactor(fixture.partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
  const auto done =
      compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; });
  REQUIRE_OK(done);
  return *done;
}

}  // namespace

TEST_CASE("what compaction takes away below a replay's mark is shown in its newer version before caught_up",
          "[replay][regression]") {
  PartitionConfig config;
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  fixture.put("a", "1");
  fixture.put("b", "1");
  Reader reader(fixture);
  fixture.put("a", "2");
  fixture.put("b", "2");
  while (reader.phase() == ReplayPhase::walk) reader.step();
  // The mark is behind both; now their versions below it go.
  fixture.put("a", "3");
  fixture.remove("b");
  fixture.put("c", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  REQUIRE(compact(fixture).records_dropped == 4);
  int steps = 0;
  while (!reader.step()) REQUIRE(++steps < 20);
  REQUIRE(reader.seen().contains("a"));
  CHECK(reader.seen().at("a") == "3");
  REQUIRE(reader.seen().contains("b"));
  CHECK_FALSE(reader.seen().at("b").has_value());
}

TEST_CASE(
    "what compaction took away below a replay's mark is known after a rewrite that took none of it, and after a "
    "restart",
    "[replay][regression]") {
  const bool restart = GENERATE(false, true);
  PartitionConfig config;
  config.delete_retention_ms = 1000;
  config.segment_bytes = 700;  // of which two do not fit into one
  PartitionFixture fixture(config);
  const std::string large(300, 'x');
  fixture.put("a", "1");
  fixture.remove("t");
  Reader reader(fixture);
  fixture.put("a", "2");
  fixture.put("A", large);
  REQUIRE_OK(fixture.partition().roll());
  while (reader.phase() == ReplayPhase::walk) reader.step();
  fixture.clock().advance_ms(3'600'000);
  fixture.put("a", "3");
  fixture.put("B", large);
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("c", "1");
  fixture.run_all();
  // Both versions go because of the third, which lies above the mark.
  REQUIRE(compact(fixture).records_dropped == 2);
  fixture.clock().advance_ms(2000);
  if (restart) fixture.restart();
  // The third is young now, and only the tombstone goes.
  config.min_compaction_lag_ms = 1'800'000;
  fixture.partition().configure(config);
  REQUIRE(compact(fixture).tombstones_dropped == 1);
  const std::vector<SegmentReport> segments = fixture.partition().segments();
  REQUIRE(segments.size() == 3);
  int steps = 0;
  while (!reader.step()) REQUIRE(++steps < 20);
  REQUIRE(reader.seen().contains("a"));
  CHECK(reader.seen().at("a") == "3");
}

TEST_CASE("no replay is caught up by a log that is closed under its last step", "[replay][regression]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  Reader reader(fixture);
  fixture.put("a", "2");
  while (reader.phase() == ReplayPhase::walk) reader.step();
  fixture.restart();  // the step reads the disk
  bool closed = false;
  fixture.disk().meanwhile([&](OperationKind kind, const std::string&) {
    if (kind != OperationKind::read || closed) return;
    closed = true;
    fixture.partition().close({Errc::shutting_down, "the test closes it"});
  });
  ReplayFilter filter;
  filter.live_only = true;
  const auto step = advance_replay(fixture.partition(), reader.position(), filter, 1u << 20);
  fixture.disk().meanwhile({});
  REQUIRE(closed);
  CHECK_FALSE(step.ok());
}

TEST_CASE("a value whose tombstone is cleaned away while a replay reads is not shown as live", "[replay][regression]") {
  PartitionConfig config;
  config.delete_retention_ms = 0;
  PartitionFixture fixture(config);
  fixture.put("a", "1");
  fixture.put("b", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.remove("a");
  REQUIRE_OK(fixture.partition().roll());
  fixture.put("c", "1");
  fixture.run_all();
  Reader reader(fixture);
  // The step has its view of the log and reads: now the value goes, then its tombstone and what the keydir knew of it.
  std::uint64_t tombstones_dropped = 0;
  bool cleaning = false;
  fixture.disk().meanwhile([&](OperationKind kind, const std::string&) {
    if (kind != OperationKind::read || cleaning) return;
    cleaning = true;
    for (int round = 0; round < 2; ++round) {
      fixture.clock().advance_ms(1);
      tombstones_dropped += compact(fixture).tombstones_dropped;
    }
  });
  int steps = 0;
  while (!reader.step()) REQUIRE(++steps < 20);
  fixture.disk().meanwhile({});
  REQUIRE(tombstones_dropped == 1);
  CHECK(reader.seen().contains("b"));
  CHECK_FALSE((reader.seen().contains("a") && reader.seen().at("a").has_value()));
}

TEST_CASE("a log that is opened anew while a replay reads does not pass for one without newer records",
          "[replay][regression]") {
  PartitionFixture fixture;
  fixture.put("a", "1");
  fixture.put("live", "1");
  fixture.remove("a");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  const Offset end = fixture.partition().replay_bound().value();
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fixture.disk().fail(fault);
  REQUIRE_FALSE(fixture.put("b", "1").error.ok());
  fixture.disk().clear_faults();
  bool reopened = false;
  fixture.disk().meanwhile([&](OperationKind kind, const std::string&) {
    if (kind != OperationKind::read || reopened) return;
    reopened = true;
    REQUIRE_OK(fixture.partition().reopen());
  });
  ReplayFilter filter;
  filter.live_only = true;
  const auto step = fixture.partition().fetch_filtered(Offset(0), end, filter, 1u << 20);
  fixture.disk().meanwhile({});
  REQUIRE(reopened);
  CHECK(step.code() == Errc::loading);
}
