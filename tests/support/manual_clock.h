#pragma once
// Stands still until the test moves it. Threads: any.

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace logcask::testing {

class ManualClock final : public Clock {
 public:
  TimestampMs wall_ms() const override { return TimestampMs(now_ns_ / kNsPerMs + wall_off_ms_); }
  std::int64_t monotonic_ns() const override { return now_ns_; }
  void advance_ns(std::int64_t ns) { now_ns_ += ns; }
  void advance_ms(std::int64_t ms) { advance_ns(ms * kNsPerMs); }
  // Somebody sets the wall clock; no time passes.
  void set_wall_off_ms(std::int64_t ms) { wall_off_ms_ = ms; }

 private:
  static constexpr std::int64_t kNsPerMs = 1'000'000;
  std::atomic<std::int64_t> wall_off_ms_ = 0;
  std::atomic<std::int64_t> now_ns_ = 1'700'000'000'000 * kNsPerMs;
};

}  // namespace logcask::testing
