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
  clock.wall -= 3'600'000;
  CHECK(append.now() == before);
  CHECK(append.wall_ahead_ms() == -3'600'000);
  clock.pass(3'600'000);
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
