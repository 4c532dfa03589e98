#include "broker/upkeep/compaction_pace.h"

#include <atomic>
#include <thread>

#include "tests/support/catch.h"

using namespace logcask;

namespace {

constexpr std::int64_t kMs = 1'000'000;

// Time moves when a test says so, or whenever somebody who waits asks whether to give up.
class StepClock final : public Clock {
 public:
  TimestampMs wall_ms() const override { return TimestampMs(now_ns_ / kMs); }
  std::int64_t monotonic_ns() const override { return now_ns_; }
  void advance_ms(std::int64_t ms) { now_ns_ += ms * kMs; }
  std::int64_t now_ms() const { return now_ns_ / kMs; }

 private:
  std::atomic<std::int64_t> now_ns_{1'000'000'000};
};

bool never() { return false; }

}  // namespace

TEST_CASE("without a limit nothing waits", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 0);
  int asked = 0;
  CHECK(pace.spend(UINT64_MAX / 2, [&] {
    ++asked;
    return true;
  }));
  CHECK(asked == 0);
}

TEST_CASE("what is spent is due at the rate, and who spends waits for it", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 1'000'000);  // 1000 bytes a millisecond
  // Each question moves time on by 10 ms: the wait ends with the debt, not before and not after.
  const auto waited_ms = [&](std::uint64_t bytes) {
    const std::int64_t before = clock.now_ms();
    CHECK(pace.spend(bytes, [&] {
      clock.advance_ms(10);
      return false;
    }));
    return clock.now_ms() - before;
  };
  CHECK(waited_ms(40'000) == 0);  // 20 ms were saved up, and a debt of 20 ms is put off
  CHECK(waited_ms(20'000) == 40);
  CHECK(waited_ms(30'000) == 30);
}

TEST_CASE("time that was not used is saved up for a moment only", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 1'000'000);
  clock.advance_ms(3'600'000);
  int asked = 0;
  CHECK(pace.spend(60'000, [&] {
    clock.advance_ms(20);
    ++asked;
    return false;
  }));
  CHECK(asked == 2);  // 60 ms' worth less the 20 of the moment, after an hour of rest too
}

TEST_CASE("the rate is shared: what one spends the next one waits for", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 1'000'000);
  CHECK(pace.spend(60'000, [] { return true; }));  // gives up at once, the bytes are spent all the same
  int asked = 0;
  CHECK(pace.spend(0, [&] {
    clock.advance_ms(20);
    ++asked;
    return false;
  }));
  CHECK(asked == 2);
}

TEST_CASE("a stop ends every wait, and nothing waits after it", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 1);
  std::atomic<int> waiting{0};
  std::atomic<bool> spent{true}, stepped{true};
  // Neither's time would ever come.
  std::thread spender([&] {
    spent = pace.spend(1'000'000, [&] {
      waiting = 1;
      return false;
    });
  });
  std::thread stepper([&] { stepped = pace.step_aside(3'600'000); });
  while (waiting == 0) std::this_thread::yield();
  pace.stop();
  spender.join();
  stepper.join();
  CHECK_FALSE(spent);
  CHECK_FALSE(stepped);
  CHECK_FALSE(pace.spend(1, never));
  CHECK_FALSE(pace.step_aside(3'600'000));
}

TEST_CASE("to step aside ends by itself too", "[pace]") {
  StepClock clock;
  CompactionPace pace(clock, 0);
  CHECK(pace.step_aside(1));
  CHECK(pace.spend(1, never));
}
