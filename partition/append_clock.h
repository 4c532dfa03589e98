#pragma once
// The broker's append time: wall time made monotonic and capped against jumps. Lag, retention and
// tombstone ages use it, so a wall clock that jumps cannot expire everything at once.
//
//   now = max(last, min(wall, last + elapsed + allowance))
//
// `elapsed` is monotonic time since the last reading. The allowance starts at slack_ms, shrinks by what
// was taken ahead of elapsed time and grows back with elapsed time; so over any stretch the clock
// advances by at most slack + twice the time that passed, and a legitimate step (a machine that was off
// for a day) is caught up with at double speed instead of at once. A restart grants nothing anew: stamp() is what is
// kept on disk, and where the next one goes on.
//
// A wall clock that went back by no more than the slack holds the clock still until it has caught up. One that went
// back further was ahead before: waiting for it could take years, so the clock goes on by elapsed time from where it
// stands, and keeps how far ahead of the wall clock that is (`ahead`). When the wall clock jumps forward, that
// shrinks first.
//
// Owner: a partition. Threads: none. Starts from the last append time on disk; without one it starts from the wall
// clock, which nothing older can contradict.

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/types.h"
#include "segment/append_stamp.h"

namespace logcask {

class AppendClock {
 public:
  static constexpr std::int64_t kDefaultSlackMs = 600'000;

  AppendClock(const Clock& clock, std::optional<AppendStamp> last_append, std::int64_t slack_ms = kDefaultSlackMs);

  // Never below an earlier answer.
  TimestampMs now();
  TimestampMs last() const { return last_; }
  // The last answer, and what a restart needs to go on from it.
  AppendStamp stamp() const;
  // How far the wall clock was ahead (> 0: a jump or a long stop is being caught up with) or behind (< 0) at the last
  // reading.
  std::int64_t wall_ahead_ms() const { return wall_ahead_ms_; }
  // How far ahead of the wall clock this one goes on for good, because the wall clock went back.
  std::int64_t ahead_ms() const { return ahead_ms_; }
  // More than the slack: worth telling an operator.
  bool settled_ahead() const { return ahead_ms_ > slack_ms_; }

 private:
  const Clock& clock_;
  const std::int64_t slack_ms_;
  TimestampMs last_;
  std::int64_t elapsed_from_ns_;  // monotonic time up to which elapsed time has been used
  std::int64_t allowance_ms_;
  std::int64_t ahead_ms_ = 0;
  std::optional<std::int64_t> last_wall_ms_;  // at the last reading
  std::int64_t wall_ahead_ms_ = 0;
};

}  // namespace logcask
