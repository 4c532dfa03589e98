#pragma once
// Time as a parameter. Storage never asks the operating system for the time: it is handed a Clock.

#include <cstdint>

#include "base/types.h"

namespace logcask {

// Threads: every function may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time. May jump in either direction; see partition/append_clock.h for what tames it.
  virtual TimestampMs wall_ms() const = 0;
  // Never goes back; unrelated to wall time.
  virtual std::int64_t monotonic_ns() const = 0;
};

// The operating system's clocks.
const Clock& system_clock();

}  // namespace logcask
