#include "partition/append_clock.h"

#include <algorithm>

namespace logcask {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

AppendClock::AppendClock(const Clock& clock, std::optional<TimestampMs> last_append, std::int64_t slack_ms)
    : clock_(clock),
      slack_ms_(slack_ms),
      last_(last_append ? *last_append : clock.wall_ms()),
      elapsed_from_ns_(clock.monotonic_ns()),
      allowance_ms_(slack_ms) {}

TimestampMs AppendClock::now() {
  const std::int64_t wall = clock_.wall_ms().value();
  const std::int64_t elapsed_ms = std::max<std::int64_t>(0, (clock_.monotonic_ns() - elapsed_from_ns_) / kNsPerMs);
  elapsed_from_ns_ += elapsed_ms * kNsPerMs;
  allowance_ms_ = std::min(slack_ms_, allowance_ms_ + elapsed_ms);

  const std::int64_t on_time = last_.value() + elapsed_ms;
  const std::int64_t next = std::max(last_.value(), std::min(wall, on_time + allowance_ms_));
  allowance_ms_ -= std::max<std::int64_t>(0, next - on_time);
  last_ = TimestampMs(next);
  wall_ahead_ms_ = wall - next;
  return last_;
}

}  // namespace logcask
