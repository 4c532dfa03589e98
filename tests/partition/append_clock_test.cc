#include "partition/append_clock.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

class HandClock : public Clock {
 public:
  TimestampMs wall_ms() const override { return TimestampMs(wall); }
  std::int64_t monotonic_ns() const override { return mono_ns; }
  void pass(std::int64_t ms) {
    wall += ms;
    mono_ns += ms * 1'000'000;
  }
  std::int64_t wall = 1'700'000'000'000;
  std::int64_t mono_ns = 5'000'000'000;
};

constexpr std::int64_t kYearMs = 365LL * 24 * 3600 * 1000;

TEST_CASE("append time follows a wall clock that behaves") {
  HandClock clock;
  AppendClock append(clock, std::nullopt);
  for (int i = 0; i < 1000; ++i) {
    clock.pass(i);
    REQUIRE(append.now().value() == clock.wall);
  }
  CHECK(append.wall_ahead_ms() == 0);
}

TEST_CASE("append time never goes back") {
  HandClock clock;
  AppendClock append(clock, std::nullopt);
  const TimestampMs before = append.now();
  clock.wall -= 360'000;
  CHECK(append.now() == before);
  CHECK(append.wall_ahead_ms() == -360'000);
  clock.pass(360'000);
  CHECK(append.now() == before);
  clock.pass(5);
  CHECK(append.now().value() == before.value() + 5);
}

TEST_CASE("append time does not go back behind the last one on disk") {
  HandClock clock;
  const TimestampMs last(clock.wall + 10'000);
  AppendClock append(clock, last);
  CHECK(append.now() == last);
  clock.pass(10'001);
  CHECK(append.now().value() == last.value() + 1);
}

TEST_CASE("a jump of thirty years moves append time by the slack, however often it is read") {
  HandClock clock;
  AppendClock append(clock, std::nullopt, 60'000);
  const std::int64_t start = append.now().value();
  clock.wall += 30 * kYearMs;
  for (int i = 0; i < 100'000; ++i) append.now();
  CHECK(append.now().value() == start + 60'000);
  CHECK(append.wall_ahead_ms() == 30 * kYearMs - 60'000);
  SECTION("then it runs at double speed at most") {
    for (int i = 0; i < 3600; ++i) {
      clock.pass(1000);
      append.now();
    }
    CHECK(append.now().value() == start + 60'000 + 2 * 3'600'000);
  }
  SECTION("and waits for the wall clock when that has been put right") {
    clock.wall -= 30 * kYearMs;
    clock.pass(60'000);
    CHECK(append.now().value() == start + 60'000);
    clock.pass(1);
    CHECK(append.now().value() == start + 60'001);
  }
}

TEST_CASE("a jump while the broker was down is capped like any other") {
  HandClock clock;
  const std::int64_t last = clock.wall;
  clock.wall += 30 * kYearMs;
  AppendClock append(clock, TimestampMs(last), 60'000);
  CHECK(append.now().value() == last + 60'000);
}

TEST_CASE("however often it is started, the clock runs ahead by the allowance once and by twice the time that passed") {
  HandClock clock;
  AppendStamp kept = AppendClock(clock, std::nullopt).stamp();
  const std::int64_t start = kept.time.value();
  clock.wall += kYearMs;
  std::int64_t passed = 0;
  for (int i = 0; i < 1000; ++i) {
    AppendClock append(clock, kept);
    append.now();
    clock.pass(3);
    passed += 3;
    append.now();
    kept = append.stamp();
  }
  CHECK(kept.time.value() - start <= AppendClock::kDefaultSlackMs + 2 * passed);
  CHECK(kept.time.value() - start >= AppendClock::kDefaultSlackMs);
}

TEST_CASE("a time that tells nothing of an allowance begins with a whole one") {
  HandClock clock;
  const std::int64_t last = clock.wall;
  clock.wall += kYearMs;
  AppendClock append(clock, TimestampMs(last));
  CHECK(append.now().value() == last + AppendClock::kDefaultSlackMs);
}

TEST_CASE("a wall clock that was ahead by a year and is put right stops nothing, whatever restarts come between") {
  HandClock clock;
  clock.wall += kYearMs;
  std::optional<AppendClock> append(std::in_place, clock, std::nullopt);
  const std::int64_t start = append->now().value();
  clock.wall -= kYearMs;
  for (int hour = 1; hour <= 48; ++hour) {
    if (hour % 7 == 0) {
      const AppendStamp kept = append->stamp();
      append.emplace(clock, kept);
    }
    clock.pass(3'600'000);
    INFO("hour " << hour);
    REQUIRE(append->now().value() == start + hour * 3'600'000);
    REQUIRE(append->settled_ahead());
    REQUIRE(append->ahead_ms() == kYearMs);
  }
  SECTION("a stop counts as long as it took, up to the allowance") {
    const AppendStamp kept = append->stamp();
    clock.wall += 300'000;
    AppendClock next(clock, kept);
    CHECK(next.now().value() == kept.time.value() + 300'000);
  }
  SECTION("when the wall clock is as far ahead again nothing moves, and nothing is ahead any more") {
    const TimestampMs before = append->now();
    clock.wall += kYearMs;
    CHECK(append->now() == before);
    CHECK(append->ahead_ms() == 0);
    CHECK_FALSE(append->settled_ahead());
  }
}

TEST_CASE("a wall clock that jumps to and fro carries nothing along") {
  HandClock clock;
  AppendClock append(clock, std::nullopt);
  const std::int64_t start = append.now().value();
  std::int64_t passed = 0;
  for (int i = 0; i < 2000; ++i) {
    clock.wall += i % 2 == 0 ? kYearMs : -kYearMs;
    clock.pass(10);
    passed += 10;
    append.now();
    REQUIRE(append.last().value() - start <= AppendClock::kDefaultSlackMs + 2 * passed);
  }
  CHECK(append.last().value() - start >= passed / 2);
}

TEST_CASE("a day of downtime is caught up with within a day") {
  HandClock clock;
  const std::int64_t last = clock.wall;
  clock.wall += 24 * 3'600'000;
  AppendClock append(clock, TimestampMs(last));
  for (int minute = 0; minute < 24 * 60; ++minute) {
    clock.pass(60'000);
    append.now();
  }
  CHECK(append.now().value() == clock.wall);
}

TEST_CASE("fractions of a millisecond are not lost between readings") {
  HandClock clock;
  AppendClock append(clock, std::nullopt, 0);
  const std::int64_t start = append.now().value();
  clock.wall += kYearMs;
  for (int i = 0; i < 10'000; ++i) {
    clock.mono_ns += 250'000;
    append.now();
  }
  CHECK(append.now().value() == start + 2500);
}

}  // namespace
}  // namespace logcask
