#include "broker/services/group_expiry.h"

#include <cstdlib>

#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::int64_t kClockDriftMsMax = 60'000;

}  // namespace

bool GroupExpiry::is_due() {
  const Clocks now{parts_.clock.monotonic_ns() / 1'000'000, parts_.clock.wall_ms()};
  if (!last_) {
    last_ = now;
    return false;
  }
  const std::int64_t waited_ms = now.monotonic_ms - last_->monotonic_ms;
  if (waited_ms < times_.check_interval_ms) return false;
  const std::int64_t wall_waited_ms = now.wall.value() - last_->wall.value();
  last_ = now;
  return std::abs(wall_waited_ms - waited_ms) <= kClockDriftMsMax || mutant(Mutant::clock_jump_expires);
}

void GroupExpiry::round() {
  if (!is_due()) return;
  const TimestampMs before(parts_.clock.wall_ms().value() - times_.retention_ms);
  expire_groups(before);
  expire_commits(before);
  expire_consumer_groups();
}

void GroupExpiry::expire_groups(TimestampMs before) {
  for (const std::string& group : coordinator_.empty_since_before(before)) {
    const Offset end = groups_.commits_end();
    coordinator_.expire_group(group, before, [this, group, end](Status gone) {
      if (gone.code() == Errc::non_empty_group || gone.code() == Errc::group_id_not_found) return;
      if (!gone.ok()) return told(group, gone);
      parts_.background.post([this, group, end] {
        groups_.forget_group(group, end, [this, group](const Status& forgotten) { told(group, forgotten); });
      });
    });
  }
}

void GroupExpiry::expire_commits(TimestampMs before) {
  const auto groups = groups_.groups();
  if (!groups.ok()) return;
  for (const auto& [group, partitions] : *groups) {
    if (coordinator_.knows(group) || consumers_.has_members(group)) continue;
    groups_.expire(group, before, [this, name = group](const Status& expired) {
      if (!expired.ok() || !groups_.has_commits(name)) told(name, expired);
    });
  }
}

void GroupExpiry::expire_consumer_groups() {
  for (const std::string& group : consumers_.empty_groups()) {
    if (groups_.has_commits(group)) continue;
    consumers_.expire_group(group, [this, group](const Status& gone) {
      if (gone.code() != Errc::non_empty_group && gone.code() != Errc::group_id_not_found) told(group, gone);
    });
  }
}

void GroupExpiry::told(const std::string& group, const Status& status) {
  note_(status.ok()
            ? "group '" + group + "' was not used for offsets.retention.minutes: its committed offsets are deleted"
            : "group '" + group + "' has expired and cannot be deleted now: " + status.error().to_string());
}

}  // namespace logcask
