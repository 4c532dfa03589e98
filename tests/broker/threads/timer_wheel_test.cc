#include "broker/threads/timer_wheel.h"

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

TEST_CASE("a timer runs once, not early, and at the first advance past its time") {
  TimerWheel wheel(1000);
  int runs = 0;
  wheel.add(1000, 20, [&] { ++runs; });
  wheel.advance(1019);
  CHECK(runs == 0);
  wheel.advance(1020 + TimerWheel::kTickMs);
  CHECK(runs == 1);
  wheel.advance(99999);
  CHECK(runs == 1);
  CHECK(wheel.empty());
}

TEST_CASE("a cancelled timer never runs, and cancelling twice says so") {
  TimerWheel wheel(0);
  const auto id = wheel.add(0, 10, [] { FAIL("cancelled"); });
  CHECK(wheel.cancel(id));
  CHECK(!wheel.cancel(id));
  wheel.advance(1000);
  const auto other = wheel.add(1000, 10, [] {});
  CHECK(other != id);
  CHECK(!wheel.cancel(id));
  CHECK(wheel.cancel(other));
}

TEST_CASE("callbacks may add and cancel timers, also those that are due together with them") {
  TimerWheel wheel(0);
  int runs = 0;
  TimerWheel::Id second = 0;
  wheel.add(0, 50, [&] {
    wheel.cancel(second);
    wheel.add(56, 0, [&] { ++runs; });
  });
  // In one slot the later one runs first; whichever it is, it silences the other.
  second = wheel.add(0, 50, [&] { ++runs; });
  wheel.advance(64);
  wheel.advance(200);
  CHECK((runs == 1 || runs == 2));
  CHECK(wheel.empty());
}

TEST_CASE("timers beyond one turn of the wheel and long pauses keep their order") {
  TimerWheel wheel(0);
  std::vector<int> ran;
  wheel.add(0, 60'000, [&] { ran.push_back(60); });
  wheel.add(0, 5'000, [&] { ran.push_back(5); });
  wheel.advance(4'990);
  CHECK(ran.empty());
  wheel.advance(30'000);
  CHECK(ran == std::vector<int>{5});
  wheel.advance(100'000);
  CHECK(ran == std::vector<int>{5, 60});
}

TEST_CASE("random adds, cancels and advances agree with a simple model", "[one-thread]") {
  const std::uint64_t seed = testing::test_seed();
  INFO("seed " << seed);
  Random random(seed);
  std::int64_t now = 5'000'000;
  TimerWheel wheel(now);
  std::map<int, std::pair<TimerWheel::Id, std::int64_t>> open;  // to id and due time
  std::vector<int> ran;
  int next = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random.below(3) > 0) {
      const auto delay = static_cast<std::int64_t>(random.below(10'000));
      const int number = next++;
      const auto id = wheel.add(now, delay, [&ran, number] { ran.push_back(number); });
      open[number] = {id, now + delay};
    } else if (!open.empty() && random.one_in(2)) {
      CHECK(wheel.cancel(open.begin()->second.first));
      open.erase(open.begin());
    }
    now += static_cast<std::int64_t>(random.below(20));
    wheel.advance(now);
    for (const int number : ran) {
      REQUIRE(open.contains(number));
      REQUIRE(open[number].second <= now);
      open.erase(number);
    }
    ran.clear();
    for (const auto& [number, timer] : open) {
      REQUIRE(timer.second + 2 * TimerWheel::kTickMs > now);
      REQUIRE(wheel.next_ms() <= timer.second + 2 * TimerWheel::kTickMs);
    }
    REQUIRE((wheel.next_ms() == INT64_MAX) == open.empty());
  }
}

}  // namespace
}  // namespace logcask
