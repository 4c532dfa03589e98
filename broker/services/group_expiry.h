#pragma once
// Forgets groups that nobody uses any more, as Kafka does (KIP-211): a group whose last member left longer ago than the
// retention goes with all it has committed; of a group that never had members each commit goes that is older. So it is
// with a group whose partitions the broker shares out while it has no members; it goes itself when it has no commits
// left.
//
// A wall clock that jumps must not delete anything: a round whose wall clock has not gone on like the monotonic one
// since the round before changes nothing.
//
// Threads: round() on one thread at a time, where it may block on the disk.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "broker/services/groups_service.h"

namespace logcask {

class GroupExpiry {
 public:
  struct Times {
    std::int64_t retention_ms = 0;       // offsets.retention.minutes
    std::int64_t check_interval_ms = 0;  // offsets.retention.check.interval.ms
  };
  // All outlive it. `note` gets a line for each group that goes.
  GroupExpiry(const ServiceParts& parts, GroupsService& groups, GroupCoordinator& coordinator,
              ConsumerGroupCoordinator& consumers, const Times& times, std::function<void(const std::string&)> note)
      : parts_(parts),
        groups_(groups),
        coordinator_(coordinator),
        consumers_(consumers),
        times_(times),
        note_(std::move(note)) {}

  // Does something once in a check interval, at the earliest one after the first call.
  void round();

 private:
  struct Clocks {
    std::int64_t monotonic_ms;
    TimestampMs wall;
  };
  bool is_due();
  void expire_groups(TimestampMs before);
  void expire_commits(TimestampMs before);
  void expire_consumer_groups();
  void told(const std::string& group, const Status& status);

  const ServiceParts& parts_;
  GroupsService& groups_;
  GroupCoordinator& coordinator_;
  ConsumerGroupCoordinator& consumers_;
  const Times times_;
  const std::function<void(const std::string&)> note_;
  std::optional<Clocks> last_;
};

}  // namespace logcask
