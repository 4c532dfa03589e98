// The plan as a pure function of tables.

#include "compactor/plan.h"

#include <chrono>

#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr std::int64_t kHour = 3'600'000;

// One closed segment: 100 offsets, 1000 bytes, unless said otherwise.
struct Row {
  std::uint64_t records = 100;
  std::uint64_t live = 100;
  std::uint64_t tombstones = 0;  // live ones
  std::uint64_t bytes = 1000;
  std::int64_t compacted_through = 0;
  std::int64_t age_ms = kHour;  // of its last append; the first is an hour older
};

CompactionState state_of(const std::vector<Row>& rows) {
  CompactionState state;
  state.config.segment_bytes = 1000;
  state.config.min_cleanable_dirty_ratio = 0.5;
  state.config.compaction_dead_bytes = 100'000;
  state.config.delete_retention_ms = 24 * kHour;
  state.keydir_complete = true;
  state.disk_free_bytes = std::uint64_t{1} << 40;
  state.now = TimestampMs(1000 * kHour);
  Offset base(0);
  for (const Row& row : rows) {
    CompactionSegment segment;
    segment.facts.name = {base, Generation(0)};
    segment.facts.next_offset = base + 100;
    segment.facts.size_bytes = row.bytes;
    segment.facts.records = row.records;
    segment.facts.last_append = TimestampMs(state.now.value() - row.age_ms);
    segment.facts.first_append = TimestampMs(state.now.value() - row.age_ms - kHour);
    segment.end_offset = base + 100;
    segment.compacted_through = Offset(row.compacted_through);
    segment.stats = {base, row.records, row.tombstones, row.live - row.tombstones, row.tombstones, 0};
    state.closed.push_back(segment);
    base = base + 100;
  }
  state.active_base = base;
  state.bound = base;
  state.committed_end = base + 50;
  return state;
}

Decision decide_background(const CompactionState& state) { return decide(state, PlanOptions()); }
Decision decide_forced(const CompactionState& state) {
  PlanOptions options;
  options.mode = CompactionMode::forced;
  return decide(state, options);
}

TEST_CASE("nothing is due in a log without dead records") {
  const auto decision = decide_background(state_of({{}, {}, {}}));
  CHECK_FALSE(decision.plan);
  CHECK(decision.waits_for.empty());
  for (const SegmentVerdict& verdict : decision.segments) {
    CHECK_FALSE(verdict.due);
    CHECK(verdict.why == "no dead records");
  }
  CHECK_FALSE(decide_forced(state_of({{}, {}, {}})).plan);
}

TEST_CASE("the dead ratio makes a segment due, with its numbers") {
  const auto below = decide_background(state_of({{100, 51}}));
  CHECK_FALSE(below.plan);
  CHECK(below.segments[0].why == "49 of 100 records dead (49 %), below min.cleanable.dirty.ratio");
  const auto at = decide_background(state_of({{100, 50}}));
  REQUIRE(at.plan);
  CHECK(at.plan->rule == DueRule::dead_ratio);
  CHECK(at.plan->garbage_bytes == 500);
  CHECK(at.segments[0].due);
  CHECK(at.segments[0].why == "50 of 100 records dead (50 %), min.cleanable.dirty.ratio reached");
}

TEST_CASE("dead bytes make a segment due whatever its ratio") {
  CompactionState state = state_of({{100, 80, 0, 5000}});
  CHECK_FALSE(decide_background(state).plan);
  state.config.compaction_dead_bytes = 1000;
  const auto decision = decide_background(state);
  REQUIRE(decision.plan);
  CHECK(decision.plan->rule == DueRule::dead_bytes);
}

TEST_CASE("the segment with most garbage goes first") {
  const auto decision = decide_background(state_of({{100, 40}, {}, {100, 10}, {}, {100, 30}}));
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 2);
  CHECK(decision.plan->last == 2);
}

TEST_CASE("a due segment takes neighbours that cost no more than itself") {
  const auto decision = decide_background(state_of({{100, 100, 0, 900}, {100, 30}, {100, 30}, {100, 100, 0, 900}}));
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 1);
  CHECK(decision.plan->last == 2);
}

TEST_CASE("of small segments one rewrite takes those that are due up to a third of what is live, forced all of them") {
  std::vector<Row> rows(500, Row{100, 40});
  rows[250].live = 39;
  auto decision = decide_background(state_of(rows));
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 85);
  CHECK(decision.plan->last == 250);
  decision = decide_forced(state_of(rows));
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 0);
  CHECK(decision.plan->last == 499);
  // Large ones go alone, those with most garbage first.
  for (Row& row : rows) {
    row.bytes = 20u << 20;
    row.live = 45;
  }
  CompactionState large = state_of(rows);
  large.config.segment_bytes = 20u << 20;
  decision = decide_background(large);
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == decision.plan->last);
}

TEST_CASE("segments much smaller than compaction writes are merged beyond segment.bytes") {
  const Row tiny{10, 10, 0, 900};
  CompactionState state = state_of(std::vector<Row>(200, tiny));
  CHECK_FALSE(decide_background(state).plan);
  PlanOptions options;
  options.output_bytes_min = kOutputBytesMin;
  const auto decision = decide(state, options);
  REQUIRE(decision.plan);
  CHECK(decision.plan->rule == DueRule::small_neighbours);
  // What they need while both are there is a third of what is live.
  CHECK(decision.plan->first == 0);
  CHECK(decision.plan->last == 65);
}

TEST_CASE("a plan for a hundred thousand small segments takes no longer than for each of them once") {
  std::vector<Row> rows(100'000, Row{100, 100, 0, 300});
  CompactionState state = state_of(rows);
  PlanOptions options;
  options.output_bytes_min = kOutputBytesMin;
  const auto start = std::chrono::steady_clock::now();
  const auto decision = decide(state, options);
  const auto took = std::chrono::steady_clock::now() - start;
  REQUIRE(decision.plan);
  CHECK(decision.plan->last - decision.plan->first == 999);
  CHECK(took < std::chrono::seconds(10));
}

TEST_CASE("what is dead in a segment that was compacted through the bound may go all the same") {
  const CompactionState state = state_of({{100, 0, 0, 1000, 100}});
  CHECK(decide_background(state).plan);
  CHECK(decide_forced(state).plan);
}

TEST_CASE("forced, a segment is left that has been judged by all that was there when that was asked for") {
  CompactionState state = state_of({{100, 60, 0, 1000, 150}});
  PlanOptions options;
  options.mode = CompactionMode::forced;
  options.forced_through = Offset(150);
  CHECK_FALSE(decide(state, options).plan);
  options.forced_through = Offset(151);
  CHECK(decide(state, options).plan);
}

TEST_CASE("a segment above the bound is left alone: min lag, uncommitted, not listed yet") {
  CompactionState state = state_of({{100, 0}, {100, 0}});
  state.bound = Offset(100);
  const auto decision = decide_forced(state);
  REQUIRE(decision.plan);
  CHECK(decision.plan->last == 0);
  CHECK_FALSE(decision.segments[1].due);
  state.bound = Offset(99);
  CHECK_FALSE(decide_forced(state).plan);
}

TEST_CASE("H3: tombstones past their retention make a segment due, though all of it is live") {
  CompactionState state = state_of({{100, 100, 100, 1000, 100}, {}});
  CHECK_FALSE(decide_background(state).plan);
  state.due_through = Offset(99);
  CHECK_FALSE(decide_background(state).plan);
  state.due_through = Offset(100);
  const auto decision = decide_background(state);
  REQUIRE(decision.plan);
  CHECK(decision.plan->rule == DueRule::due_tombstones);
  CHECK(decision.segments[0].why == "100 tombstones are past delete.retention.ms");
  state.config.delete_mode = DeleteMode::keep;
  CHECK_FALSE(decide_background(state).plan);
  CHECK_FALSE(decide_forced(state).plan);
}

TEST_CASE("H3: a few dead records may not block tombstones for ever") {
  // Segment 0 holds 1 % dead; segment 1 only tombstones, older than the retention.
  CompactionState state = state_of({{100, 99}, {100, 100, 100, 1000, 0, 25 * kHour}});
  const auto decision = decide_background(state);
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 0);
  CHECK(decision.plan->rule == DueRule::blocked_tombstones);
  SECTION("but young ones wait") {
    state.closed[1].facts.last_append = TimestampMs(state.now.value() - 23 * kHour);
    CHECK_FALSE(decide_background(state).plan);
  }
  SECTION("and what has been compacted past them blocks them no longer") {
    state.closed[0].compacted_through = Offset(200);
    state.active_base = state.bound = Offset(300);
    CHECK_FALSE(decide_background(state).plan);
  }
  SECTION("older tombstones are not blocked by newer segments") {
    std::swap(state.closed[0].stats, state.closed[1].stats);
    state.closed[0].stats.base = Offset(0);
    state.closed[1].stats.base = Offset(100);
    CHECK_FALSE(decide_background(state).plan);
  }
  SECTION("nor when tombstones stay for ever") {
    state.config.delete_mode = DeleteMode::keep;
    CHECK_FALSE(decide_background(state).plan);
  }
}

TEST_CASE("segments without a dead record count as clean once there are tombstones to free") {
  CompactionState state = state_of({{}, {100, 100, 3}, {100, 90}});
  auto decision = decide_background(state);
  REQUIRE(decision.clean.size() == 2);
  CHECK(decision.clean[1] == state.closed[1].facts.name);
  state.closed[0].compacted_through = state.bound;
  CHECK(decide_background(state).clean.size() == 1);
  state.config.delete_mode = DeleteMode::keep;
  CHECK(decide_background(state).clean.empty());
  CHECK(decide_background(state_of({{}, {}})).clean.empty());
}

TEST_CASE("max.compaction.lag.ms makes the least garbage due") {
  CompactionState state = state_of({{100, 99, 0, 1000, 0, 5 * kHour}, {100, 100, 0, 1000, 0, kHour}});
  CHECK_FALSE(decide_background(state).plan);
  state.config.max_compaction_lag_ms = 6 * kHour;
  const auto decision = decide_background(state);
  REQUIRE(decision.plan);
  CHECK(decision.plan->rule == DueRule::max_lag);
  CHECK(decision.plan->first == 0);
  state.closed[0].compacted_through = Offset(100);  // what is newer is 2 h old
  CHECK_FALSE(decide_background(state).plan);
  state.config.max_compaction_lag_ms = 2 * kHour;
  CHECK(decide_background(state).plan);
}

TEST_CASE("small neighbours are merged when that halves the number for every byte") {
  const Row tiny{10, 10, 0, 50};
  CHECK_FALSE(decide_background(state_of({tiny, tiny, tiny})).plan);
  const auto decision = decide_background(state_of({{}, tiny, tiny, tiny, tiny, {}}));
  REQUIRE(decision.plan);
  CHECK(decision.plan->rule == DueRule::small_neighbours);
  CHECK(decision.plan->first == 1);
  CHECK(decision.plan->last == 4);
  CHECK(decision.segments[1].due);
  CHECK_FALSE(decision.segments[0].due);
  // A large one is not written again for a few small ones beside it.
  CHECK_FALSE(decide_background(state_of({{100, 100, 0, 700}, tiny, tiny, tiny})).plan);
}

TEST_CASE("a segment's fixed cost on disk is garbage that merging gives back") {
  const Row tiny{10, 10, 0, 50};
  CompactionState state = state_of({{1000, 1000, 0, 45'000}, tiny, tiny, tiny, tiny});
  PlanOptions options;
  options.output_bytes_min = kOutputBytesMin;
  CHECK(decide(state, options).plan->first == 1);  // the four small ones
  options.segment_fixed_bytes = kSegmentFixedBytes;
  CHECK(decide(state, options).plan->first == 0);
  state.closed[0].facts.size_bytes = 200'000;
  CHECK(decide(state, options).plan->first == 1);
}

TEST_CASE("forced, whatever fits one segment is merged, and what does not is left") {
  const auto decision = decide_forced(state_of({{100, 100, 0, 700}, {10, 10, 0, 100}, {100, 100, 0, 500}}));
  REQUIRE(decision.plan);
  CHECK(decision.plan->first == 1);
  CHECK(decision.plan->last == 2);
  CHECK_FALSE(decide_forced(state_of({{100, 100, 0, 800}, {10, 10, 0, 100}})).plan);
}

TEST_CASE("a run never spans 2^31 offsets") {
  CompactionState state = state_of({{10, 10, 0, 50}, {10, 10, 0, 50}});
  state.closed[1].facts.name.base = Offset(kMaxSegmentSpan - 10);
  state.closed[1].facts.next_offset = Offset(kMaxSegmentSpan);
  state.closed[1].end_offset = state.bound = state.active_base = Offset(kMaxSegmentSpan);
  CHECK(decide_forced(state).plan);
  state.closed[1].facts.next_offset = state.closed[1].end_offset = state.bound = Offset(kMaxSegmentSpan + 1);
  CHECK_FALSE(decide_forced(state).plan);
}

TEST_CASE("outside its window the background waits, but not when the disk runs low or a deadline passes") {
  CompactionState state = state_of({{100, 20}});
  state.config.compaction_window = {1, 5};
  state.now = TimestampMs(state.now.value() / (24 * kHour) * 24 * kHour + 12 * kHour);
  auto decision = decide_background(state);
  CHECK_FALSE(decision.plan);
  CHECK(decision.waits_for == "compaction.window 1-5 (UTC)");
  CHECK(decision.segments[0].due);
  CHECK(decide_forced(state).plan);
  SECTION("disk") {
    state.disk_free_bytes = (std::uint64_t{1} << 30) - 1;
    CHECK(decide_background(state).plan);
  }
  SECTION("deadline") {
    state.config.min_cleanable_dirty_ratio = 0.9;
    state.config.max_compaction_lag_ms = kHour;
    state.closed[0].facts.first_append = TimestampMs(0);
    CHECK(decide_background(state).plan);
  }
  SECTION("inside") {
    state.now = TimestampMs(state.now.value() - 9 * kHour);
    CHECK(decide_background(state).plan);
  }
}

TEST_CASE("a window may cross midnight") {
  const CompactionWindow night{22, 4};
  CHECK(window_open(night, TimestampMs(23 * kHour)));
  CHECK(window_open(night, TimestampMs(3 * kHour)));
  CHECK_FALSE(window_open(night, TimestampMs(4 * kHour)));
  CHECK_FALSE(window_open(night, TimestampMs(21 * kHour)));
  CHECK(window_open({7, 7}, TimestampMs(0)));
}

TEST_CASE("H20: without room for the output nothing is begun, and the reason says how much is missing") {
  CompactionState state = state_of({{100, 20}});
  state.disk_free_bytes = (64u << 20) + 100;
  const auto decision = decide_forced(state);
  CHECK_FALSE(decision.plan);
  CHECK(decision.waits_for.find("disk space") == 0);
}

TEST_CASE("when a run does not fit the disk, its worst segment alone may") {
  CompactionState state = state_of({{100, 0, 0, 1'000'000}, {100, 100, 0, 60'000}});
  state.config.segment_bytes = 2'000'000;
  PlanOptions options;
  options.disk_reserve_bytes = 0;
  state.disk_free_bytes = 1u << 20;
  auto decision = decide(state, options);
  REQUIRE(decision.plan);
  CHECK(decision.plan->last == 1);
  state.disk_free_bytes = 64 * 1024 + 1000;
  decision = decide(state, options);
  REQUIRE(decision.plan);
  CHECK(decision.plan->last == 0);
}

TEST_CASE("nothing is compacted while the keydir is incomplete, a range is damaged or the partition is quarantined") {
  CompactionState state = state_of({{100, 0}});
  SECTION("loading") { state.keydir_complete = false; }
  SECTION("damaged") { state.damaged = true; }
  SECTION("quarantined") { state.quarantined = "a reason"; }
  SECTION("policy") { state.config.compacted = false; }
  const auto decision = decide_forced(state);
  CHECK_FALSE(decision.plan);
  CHECK(decision.clean.empty());
  CHECK_FALSE(decision.waits_for.empty());
  CHECK_FALSE(decision.segments[0].due);
}

TEST_CASE("dead records that a rewrite had to keep are counted no more, until log start moves") {
  CompactionState state = state_of({{100, 20, 10, 1000, 0, 25 * kHour}, {}});
  KeptDead kept_dead;
  PlanOptions options;
  options.kept_dead = &kept_dead;
  CHECK(decide(state, options).plan);
  kept_dead.add(state.closed[0].facts.name, {50, false, false, Offset(0), Offset(0), Offset(0)});
  CHECK(droppable_records(state.closed[0], state, options) == 30);
  CHECK_FALSE(decide(state, options).plan->rule == DueRule::dead_ratio);
  kept_dead.add(state.closed[0].facts.name, {80, false, true, Offset(0), Offset(0), Offset(0)});
  CHECK_FALSE(decide(state, options).plan);
  CHECK(decide(state, options).clean.size() == 2);
  SECTION("what stays for a collision's sake keeps the segment from being clean") {
    kept_dead.add(state.closed[0].facts.name, {80, true, true, Offset(0), Offset(0), Offset(0)});
    CHECK(decide(state, options).clean.size() == 1);
  }
  SECTION("tombstones are tried again when more of them are due") {
    state.due_through = Offset(100);
    kept_dead.add(state.closed[0].facts.name, {80, false, true, Offset(0), Offset(100), Offset(0)});
    CHECK_FALSE(decide(state, options).plan);
    state.due_through = Offset(101);
    CHECK(decide(state, options).plan);
  }
  SECTION("log start") {
    state.log_start = Offset(1);
    CHECK(decide(state, options).plan);
    kept_dead.prune(state);
    state.log_start = Offset(0);
    CHECK(decide(state, options).plan);
  }
}

TEST_CASE("explain names every segment's rule and why") {
  const auto verdicts = explain(state_of({{100, 40}, {}, {100, 90}}));
  REQUIRE(verdicts.size() == 3);
  CHECK(verdicts[0].rule == DueRule::dead_ratio);
  CHECK(std::string(due_rule_name(verdicts[0].rule)) == "dead ratio");
  CHECK(verdicts[2].why == "10 of 100 records dead (10 %), below min.cleanable.dirty.ratio");
}

TEST_CASE("a partition is behind when its garbage comes near what the disk may hold beside live bytes", "[plan]") {
  constexpr std::uint64_t kMiB = 1u << 20;
  // Few live bytes: three segments with their fixed cost.
  CompactionState few = state_of({{.live = 0, .bytes = kMiB}, {.live = 0, .bytes = kMiB}, {.live = 0, .bytes = kMiB}});
  few.config.segment_bytes = kMiB;
  CHECK_FALSE(is_behind(few));
  few.closed.push_back(few.closed.back());
  CHECK(is_behind(few));
  few.bound = few.closed[2].facts.name.base;  // the rest may not be compacted yet
  CHECK_FALSE(is_behind(few));
  // Many: a share of them.
  CompactionState many = state_of(std::vector<Row>(40, {.live = 75, .bytes = kMiB}));
  many.config.segment_bytes = kMiB;
  CHECK_FALSE(is_behind(many));
  many = state_of(std::vector<Row>(40, {.live = 60, .bytes = kMiB}));
  many.config.segment_bytes = kMiB;
  CHECK(is_behind(many));
  // Who lets segments be dead to four fifths has asked for the garbage.
  many.config.min_cleanable_dirty_ratio = 0.8;
  CHECK_FALSE(is_behind(many));
}

}  // namespace
}  // namespace logcask
