#include "partition/append_clock.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::int64_t kept_allowance(const std::optional<AppendStamp>& last, std::int64_t slack_ms) {
  if (!last || last->allowance_ms < 0 || mutant(Mutant::allowance_granted_anew)) return slack_ms;
  return std::min(last->allowance_ms, slack_ms);
}

}  // namespace

AppendClock::AppendClock(const Clock& clock, std::optional<AppendStamp> last_append, std::int64_t slack_ms)
    : clock_(clock),
      slack_ms_(slack_ms),
      last_(last_append ? last_append->time : clock.wall_ms()),
      elapsed_from_ns_(clock.monotonic_ns()),
      allowance_ms_(kept_allowance(last_append, slack_ms)),
      ahead_ms_(last_append ? std::max<std::int64_t>(0, last_append->ahead_ms) : 0) {}

TimestampMs AppendClock::now() {
  const std::int64_t wall = clock_.wall_ms().value();
  const std::int64_t elapsed_ms = std::max<std::int64_t>(0, (clock_.monotonic_ns() - elapsed_from_ns_) / kNsPerMs);
  elapsed_from_ns_ += elapsed_ms * kNsPerMs;
  allowance_ms_ = std::min(slack_ms_, allowance_ms_ + elapsed_ms);

  const std::int64_t on_time = last_.value() + elapsed_ms;
  if (wall + ahead_ms_ < last_.value() - slack_ms_) ahead_ms_ = on_time - wall;
  // Set forward while we looked, or up with us again.
  const std::int64_t jump_ms = last_wall_ms_ ? wall - *last_wall_ms_ - elapsed_ms : 0;
  if (jump_ms > slack_ms_) ahead_ms_ = std::max<std::int64_t>(0, ahead_ms_ - jump_ms);
  if (wall >= on_time) ahead_ms_ = 0;
  last_wall_ms_ = wall;
  const std::int64_t next = std::max(last_.value(), std::min(wall + ahead_ms_, on_time + allowance_ms_));
  allowance_ms_ -= std::max<std::int64_t>(0, next - on_time);
  last_ = TimestampMs(next);
  wall_ahead_ms_ = wall - next;
  return last_;
}

AppendStamp AppendClock::stamp() const {
  AppendStamp stamp(last_);
  stamp.allowance_ms = allowance_ms_;
  stamp.ahead_ms = ahead_ms_;
  return stamp;
}

}  // namespace logcask
