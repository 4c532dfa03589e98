#pragma once
// Callbacks that wait for an end (written, committed, visible) to pass an offset.
//
// Threads: none of its own; the owner holds its lock for every call and runs what it is handed after releasing it.

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

// What a critical section collects to be run after it: callbacks with everything they need bound.
using Outbox = std::vector<std::function<void()>>;

class OffsetWaiters {
 public:
  using Id = std::uint64_t;
  // Ready once `end` of release() is at least `wanted_end`.
  Id add(Offset wanted_end, std::function<void(Status)> ready);
  void cancel(Id id);
  bool empty() const { return by_end_.empty(); }
  void release(Offset end, Outbox& out);
  // Everybody who waits for an end above `above` gets the error.
  void fail_above(Offset above, const Error& error, Outbox& out);
  void fail_all(const Error& error, Outbox& out);

 private:
  struct Waiter {
    Id id;
    std::function<void(Status)> ready;
  };
  using Queue = std::multimap<Offset, Waiter>;
  void finish(Queue::iterator at, Status status, Outbox& out);

  Queue by_end_;
  std::unordered_map<Id, Queue::iterator> by_id_;
  Id next_id_ = 1;
};

// Runs and empties what was collected.
void run_outbox(Outbox& out);

}  // namespace logcask
