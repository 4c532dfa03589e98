#pragma once
// What every service call is told about its caller, and what every service shares.

#include "base/clock.h"
#include "base/key_hash.h"
#include "broker/authorizer.h"
#include "broker/metrics.h"
#include "broker/threads/event_loop.h"
#include "broker/threads/executor.h"
#include "broker/topics/topics.h"

namespace logcask {

// What calls that stay open may keep beside the bytes of their requests.
class CallMemory {
 public:
  virtual ~CallMemory() = default;
  // Charges `bytes` to the call that is being made, until it ends. False when there is no room: refuse it.
  virtual bool try_hold(std::size_t bytes) = 0;
};

// Lives as long as its connection's I/O thread.
struct CallContext {
  const Principal& principal;
  EventLoop& loop;               // the caller's thread: answers are delivered there
  TopicView& topics;             // of that thread
  CallMemory* memory = nullptr;  // null: without limit

  bool hold_memory(std::size_t bytes) const { return !memory || memory->try_hold(bytes); }
};

// Outlives every call.
struct ServiceParts {
  const Authorizer& authorizer;
  Metrics& metrics;
  const Clock& clock;
  const KeyHasher& hasher;
  Topics& topics;
  Executor& background;  // for steps that may block on the disk
};

// A request that has not been answered yet and can be told to stop. Loop thread only.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Ends it with `reason`; its completion has run when this returns. Harmless when it has ended.
  virtual void cancel(const Error& reason) = 0;
  // Streams: bytes more that may be sent.
  virtual void add_credit(std::uint64_t) {}
};

}  // namespace logcask
