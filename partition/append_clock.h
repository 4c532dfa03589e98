#pragma once
// The broker's append time: wall time made monotonic and capped against jumps. Lag, retention and
// tombstone ages use it, so a wall clock that jumps cannot expire everything at once.
//
//   now = max(last, min(wall, last + elapsed + allowance))
//
// `elapsed` is monotonic time since the last reading. The allowance starts at slack_ms, shrinks by what
// was taken ahead of elapsed time and grows back with elapsed time; so over any stretch the clock
// advances by at most slack + twice the time that passed, and a legitimate step (a machine that was off
// for a day) is caught up with at double speed instead of at once. A wall clock that went back holds
// the clock still until it has caught up.
//
// Owner: a partition, or one per broker. Threads: none. Starts from the last append time on disk; without
// one it starts from the wall clock, which nothing older can contradict.

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/types.h"

namespace logcask {

class AppendClock {
 public:
  static constexpr std::int64_t kDefaultSlackMs = 600'000;

  AppendClock(const Clock& clock, std::optional<TimestampMs> last_append, std::int64_t slack_ms = kDefaultSlackMs);

  // Never below an earlier answer.
  TimestampMs now();
  TimestampMs last() const { return last_; }
  // How far the wall clock was ahead (> 0: a jump or a long stop is being caught up with) or behind (< 0) at the last
  // reading.
  std::int64_t wall_ahead_ms() const { return wall_ahead_ms_; }

 private:
  const Clock& clock_;
  const std::int64_t slack_ms_;
  TimestampMs last_;
  std::int64_t elapsed_from_ns_;  // monotonic time up to which elapsed time has been used
  std::int64_t allowance_ms_;
  std::int64_t wall_ahead_ms_ = 0;
};

}  // namespace logcask
