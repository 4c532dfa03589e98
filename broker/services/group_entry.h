#pragma once
// The inside of the group coordinator: a group with its timers and saves, and one visit to the groups.

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/services/group_coordinator.h"
#include "broker/services/group_state.h"

namespace logcask {

struct GroupCoordinator::Entry {
  explicit Entry(Group of) : group(std::move(of)) {}

  struct Save {
    std::optional<std::string> value;
    AfterSave then;
  };

  Group group;
  std::int64_t join_due_ms = kNeverMs;  // when members that have not joined anew are dropped
  std::int64_t sync_due_ms = kNeverMs;  // when members that have not synced are
  // While a new group waits for further members:
  bool initial_delay = false;
  bool new_member_added = false;     // since the delay began
  std::int64_t delay_left_ms = 0;    // by which it may be made longer
  std::int64_t wake_ms = kNeverMs;   // its place in wakes_
  std::size_t counted_bytes = 0;     // its part of the coordinator's kept_bytes_
  bool storing_assignments = false;  // of this generation
  std::deque<Save> saves;            // the first one is under way: records come to the log in this order
};

// Holds the lock while it lives; what must run without it runs when it ends.
class GroupCoordinator::Turn {
 public:
  explicit Turn(GroupCoordinator& coordinator)
      : coordinator_(coordinator),
        lock_(coordinator.mutex_),
        now_ms_(coordinator.parts_.clock.monotonic_ns() / 1'000'000),
        wall_(coordinator.parts_.clock.wall_ms()) {}
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  std::int64_t now_ms() const { return now_ms_; }
  TimestampMs wall() const { return wall_; }
  void later(std::function<void()> task) { tasks_.push_back(std::move(task)); }
  void answer(JoinDone done, JoinAnswer answer);
  void answer(SyncDone done, SyncAnswer answer);
  // Nothing happens without a waiter.
  void refuse(JoinDone done, const MemberId& id, Error error);
  void refuse(SyncDone done, Error error);

 private:
  GroupCoordinator& coordinator_;
  std::unique_lock<std::mutex> lock_;
  const std::int64_t now_ms_;
  const TimestampMs wall_;
  std::vector<std::function<void()>> tasks_;
};

}  // namespace logcask
