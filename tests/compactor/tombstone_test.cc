// Deleted keys stay deleted, and their tombstones do go, in every order of compactions and restarts.

#include <set>

#include "base/random.h"
#include "compactor/compactor.h"
#include "tests/compactor/fake_partition.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

constexpr std::int64_t kRetention = 1000;

void compact_once(FakePartition& partition, CompactionMode mode = CompactionMode::forced) {
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  REQUIRE_OK(compactor.run_due(mode, no_pace));
  partition.check();
}

bool has(const FakePartition& partition, Offset offset) { return partition.on_disk().count(offset) > 0; }

TEST_CASE("C6: a tombstone's time counts from when its older versions were gone, not from its own compaction") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.config.segment_bytes = 150;  // nothing is merged
  partition.put("k", "v");
  partition.put("other", "1");
  partition.close_active();
  const Offset tombstone = partition.put("k", std::nullopt);
  partition.put("x", "1");
  partition.put("x", "2");
  partition.close_active();

  // The tombstone's segment first, long before the value's: that says nothing about the value.
  CompactionSegment& second = partition.closed[1];
  second.compacted_through = Offset(5);
  partition.advance_ms(10 * kRetention);
  REQUIRE(has(partition, Offset(0)));
  compact_once(partition);  // now the value goes, and the clock starts
  CHECK_FALSE(has(partition, Offset(0)));
  CHECK(has(partition, tombstone));
  partition.advance_ms(kRetention - 1);
  compact_once(partition);
  CHECK(has(partition, tombstone));
  partition.advance_ms(1);
  compact_once(partition);
  CHECK_FALSE(has(partition, tombstone));
  CHECK(partition.horizon == tombstone + 1);
  CHECK(partition.keydir.count(test_hasher().identity("k")) == 0);
  partition.reload();
  CHECK(partition.keydir.count(test_hasher().identity("k")) == 0);
}

TEST_CASE("delete.mode keep: no tombstone ever goes, superseded ones do") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.config.delete_mode = DeleteMode::keep;
  partition.put("k", "v");
  const Offset first = partition.put("k", std::nullopt);
  partition.put("k", "again");
  const Offset second = partition.put("k", std::nullopt);
  partition.close_active();
  for (int i = 0; i < 5; ++i) {
    compact_once(partition);
    partition.advance_ms(10 * kRetention);
  }
  CHECK_FALSE(has(partition, first));
  CHECK(has(partition, second));
  CHECK(partition.horizon == Offset(0));
}

TEST_CASE("a tombstone of a key that never was goes, too") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  const Offset tombstone = partition.put("never", std::nullopt);
  partition.put("a", "1");
  partition.close_active();
  compact_once(partition, CompactionMode::background);
  CHECK(has(partition, tombstone));
  partition.advance_ms(kRetention);
  compact_once(partition, CompactionMode::background);
  CHECK_FALSE(has(partition, tombstone));
  CHECK(partition.horizon == tombstone + 1);
}

TEST_CASE("record timestamps have no say in a tombstone's life") {
  // All records here carry timestamps near 1970; the broker's clock says otherwise.
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.put("k", "v");
  const Offset tombstone = partition.put("k", std::nullopt);
  partition.close_active();
  compact_once(partition);
  partition.advance_ms(kRetention - 1);
  compact_once(partition);
  CHECK(has(partition, tombstone));
  partition.advance_ms(1);
  compact_once(partition);
  CHECK_FALSE(has(partition, tombstone));
}

TEST_CASE("a put between the look at a due tombstone and the install keeps its entry and its count") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.put("k", "v");
  partition.put("k", std::nullopt);
  partition.put("other", "1");
  partition.close_active();
  compact_once(partition);
  partition.advance_ms(kRetention);
  partition.before_install = [&] {
    partition.before_install = {};
    partition.put("k", "back");
  };
  compact_once(partition);
  CHECK(partition.keydir.at(test_hasher().identity("k")).offset == Offset(3));
  partition.reload();
  partition.check();
}

TEST_CASE("C10: a value put back in the active segment keeps the tombstone's older versions accounted for") {
  // v@0, T@1, then N in the active segment: both go on N's evidence.
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.config.segment_bytes = 100;
  partition.put("k", "v");
  partition.close_active();
  partition.put("k", std::nullopt);
  partition.close_active();
  partition.put("k", "n");
  for (int i = 0; i < 4; ++i) {
    compact_once(partition);
    partition.advance_ms(kRetention);
    partition.reload();
    partition.check();
  }
  // N is deleted, and everything becomes due in the end.
  partition.put("k", std::nullopt);
  partition.close_active();
  for (int i = 0; i < 4; ++i) {
    compact_once(partition);
    partition.advance_ms(kRetention);
    partition.reload();
    partition.check();
  }
  CHECK(partition.on_disk().empty());
}

TEST_CASE("H3: a session workload leaks neither tombstones nor entries") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.config.segment_bytes = 4000;
  std::size_t peak = 0;
  for (int session = 0; session < 600; ++session) {
    const std::string key = "session" + std::to_string(session);
    partition.put(key, "open");
    partition.put("permanent" + std::to_string(session % 5), "value");
    if (session >= 20) partition.put("session" + std::to_string(session - 20), std::nullopt);
    partition.advance_ms(20);
    if (session % 15 == 14) {
      partition.close_active();
      compact_once(partition, CompactionMode::background);
    }
    peak = std::max(peak, partition.keydir.size());
  }
  // 20 open, 5 permanent, and the deleted ones of a few retentions: 50 sessions end per retention.
  CHECK(peak < 300);
  partition.put("end", "1");
  partition.close_active();
  for (int i = 0; i < 4; ++i) {
    compact_once(partition);
    partition.advance_ms(kRetention);
  }
  CHECK(partition.keydir.size() == 26);
  CHECK(partition.on_disk().size() == 26);
}

TEST_CASE("a tombstone that came while the older value was being rewritten waits for that to go") {
  FakePartition partition;
  partition.config.delete_retention_ms = kRetention;
  partition.config.segment_bytes = 150;  // nothing is merged
  partition.put("k", "v");
  partition.put("x", "1");
  partition.put("x", "2");
  partition.close_active();
  Offset tombstone = kNoOffset;
  partition.before_install = [&] {
    if (tombstone == kNoOffset) tombstone = partition.put("k", std::nullopt);
  };
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  REQUIRE_OK(compactor.step(CompactionMode::forced, no_pace));  // judges v as live
  REQUIRE(tombstone != kNoOffset);
  partition.put("y", std::string(100, 'y'));
  partition.close_active();
  REQUIRE(has(partition, Offset(0)));
  // Only the tombstone's segment counts as clean now; the value's does not.
  partition.closed[1].compacted_through = partition.committed_end;
  REQUIRE_OK(partition.note_compacted(std::span<const SegmentName>(), Offset(0)));
  partition.advance_ms(10 * kRetention);
  CHECK(due_through(partition.clean_through, TimestampMs(1'000'000 + 100 * kRetention), kRetention) <= tombstone);
  compact_once(partition);
  CHECK_FALSE(has(partition, Offset(0)));
  CHECK(has(partition, tombstone));
}

// Five keys, segments of about three records, any subset compacted in any order, reopened at any time.
TEST_CASE("no order of puts, deletes, rolls, partial compactions and reopens resurrects or loses a key") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  std::uint64_t dropped = 0, partial = 0, by_active = 0;
  for (std::uint64_t round = 0; round < 150; ++round) {
    INFO("round " << round);
    Random random(seed + round);
    FakePartition partition;
    partition.config.delete_retention_ms = random.below(3) == 0 ? 0 : 100;
    partition.config.segment_bytes = static_cast<std::int64_t>(100 + random.below(600));
    partition.config.min_cleanable_dirty_ratio = 0.01;
    partition.config.min_compaction_lag_ms = random.below(3) == 0 ? 50 : 0;
    Compactor compactor(partition, {0, 0, 200, 0});
    for (int step = 0; step < 120; ++step) {
      const std::string key = "k" + std::to_string(random.below(5));
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
          partition.put(key, "v" + std::to_string(step));
          break;
        case 4:
        case 5:
          partition.put(key, std::nullopt);
          break;
        case 6:
        case 7:
          partition.close_active(random.below(8) == 0 ? 3 : 0);
          break;
        case 8: {
          const auto mode = random.below(2) == 0 ? CompactionMode::background : CompactionMode::forced;
          const auto done = compactor.step(mode, no_pace);
          REQUIRE_OK(done);
          dropped += done->stats.tombstones_dropped;
          by_active += partition.judged_through > partition.active_base();
          ++partial;
          break;
        }
        case 9: {
          const auto done = compactor.run_due(CompactionMode::forced, no_pace);
          REQUIRE_OK(done);
          dropped += done->tombstones_dropped;
          const int installs = partition.installs;
          REQUIRE_OK(compactor.run_due(CompactionMode::forced, no_pace));
          REQUIRE(partition.installs == installs);
          break;
        }
        case 10:
          partition.advance_ms(static_cast<std::int64_t>(random.below(120)));
          break;
        default:
          partition.reload();
          break;
      }
      partition.check();
      // What a lookup says is what the model says.
      for (const auto& [name, value] : partition.model()) {
        const auto found = partition.keydir.find(test_hasher().identity(name));
        const bool live = found != partition.keydir.end() && !found->second.deleted;
        REQUIRE(live == value.has_value());
        if (live) REQUIRE(partition.on_disk().at(found->second.offset).value == value);
      }
    }
  }
  // The generator has reached what it is there for.
  CHECK(dropped > 50);
  CHECK(partial > 50);
  CHECK(by_active > 20);
}

}  // namespace
}  // namespace logcask
