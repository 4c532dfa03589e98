#pragma once
// One waiter for a partition's visible end that reports to a loop and can be given up.
//
// Owned by the call that waits, on its loop. After stop() or destruction nothing is reported any more, whatever
// the partition does later.

#include <functional>
#include <memory>

#include "base/result.h"
#include "broker/door/partition_runner.h"
#include "broker/threads/event_loop.h"

namespace logcask {

class VisibleWait {
 public:
  VisibleWait() = default;
  ~VisibleWait() { stop(); }
  VisibleWait(const VisibleWait&) = delete;
  VisibleWait& operator=(const VisibleWait&) = delete;

  // `ready` runs on the loop, later, never within this call.
  void start(EventLoop& loop, std::shared_ptr<PartitionRunner> runner, Offset above, std::function<void(Status)> ready);
  bool waiting() const { return state_ != nullptr; }
  void stop();

 private:
  struct State {
    std::function<void(Status)> ready;  // emptied by stop(); loop thread only
  };
  std::shared_ptr<State> state_;
  std::shared_ptr<PartitionRunner> runner_;
  PartitionRunner::WaitId id_ = 0;
};

}  // namespace logcask
