#include "partition/clean_through.h"

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

std::vector<ManifestSegment> segments(const std::vector<std::pair<int, int>>& base_and_through) {
  std::vector<ManifestSegment> list;
  for (const auto& [base, through] : base_and_through) {
    ManifestSegment s;
    s.facts.name.base = Offset(base);
    s.compacted_through = Offset(through);
    list.push_back(s);
  }
  return list;
}

}  // namespace

TEST_CASE("clean-through is the largest offset below which every segment was compacted past it", "[clean]") {
  CHECK(clean_through_of({}, Offset(10)) == Offset(0));
  CHECK(clean_through_of(segments({{0, 0}}), Offset(10)) == Offset(0));
  CHECK(clean_through_of(segments({{0, 8}}), Offset(10)) == Offset(8));
  CHECK(clean_through_of(segments({{0, 99}}), Offset(10)) == Offset(10));
  // The first segment was compacted far, the second is not: clean up to the second's base.
  CHECK(clean_through_of(segments({{0, 30}, {10, 0}}), Offset(20)) == Offset(10));
  CHECK(clean_through_of(segments({{0, 5}, {10, 30}}), Offset(20)) == Offset(5));
  CHECK(clean_through_of(segments({{0, 30}, {10, 25}, {20, 0}}), Offset(30)) == Offset(20));
}

TEST_CASE("clean-through agrees with its definition on random segments", "[clean]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::pair<int, int>> list;
    int base = 0;
    for (auto n = random.below(6); n > 0; --n) {
      list.emplace_back(base, static_cast<int>(random.below(40)));
      base += 1 + static_cast<int>(random.below(8));
    }
    int best = 0;
    for (int c = 0; c <= base; ++c) {
      bool holds = true;
      for (const auto& [b, through] : list) holds = holds && (b >= c || through >= c);
      if (holds && !list.empty()) best = c;
    }
    REQUIRE(clean_through_of(segments(list), Offset(base)) == Offset(best));
  }
}

TEST_CASE("a tombstone is due when what is clean has been so for the retention", "[clean]") {
  std::vector<CleanThrough> list;
  note_clean_through(list, Offset(10), TimestampMs(1000), 100);
  CHECK(due_through(list, TimestampMs(1099), 100) == Offset(0));
  CHECK(due_through(list, TimestampMs(1100), 100) == Offset(10));
  note_clean_through(list, Offset(10), TimestampMs(1050), 100);  // says nothing new
  CHECK(list.size() == 1);
  note_clean_through(list, Offset(20), TimestampMs(1050), 100);
  CHECK(due_through(list, TimestampMs(1149), 100) == Offset(10));
  CHECK(due_through(list, TimestampMs(1150), 100) == Offset(20));
  note_clean_through(list, Offset(30), TimestampMs(1200), 100);
  CHECK(list.front().through == Offset(20));  // the older one is covered
}

TEST_CASE("the clean-through list stays short, and joining never makes a tombstone due early", "[clean]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  constexpr std::int64_t kRetention = 3200;
  std::vector<CleanThrough> list;
  std::vector<CleanThrough> all;  // every note, as it came
  std::int64_t now = 0;
  std::int64_t through = 0;
  Offset last_due(0);
  for (int i = 0; i < 5000; ++i) {
    now += static_cast<std::int64_t>(random.below(20));
    through += static_cast<std::int64_t>(random.below(3));
    note_clean_through(list, Offset(through), TimestampMs(now), kRetention);
    all.push_back({Offset(through), TimestampMs(now)});
    const Offset due = due_through(list, TimestampMs(now), kRetention);
    REQUIRE(due <= due_through(all, TimestampMs(now), kRetention));
    REQUIRE(due >= last_due);
    last_due = due;
    REQUIRE(list.size() <= 70);
  }
  CHECK(last_due > Offset(0));
}
