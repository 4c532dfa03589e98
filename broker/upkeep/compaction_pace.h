#pragma once
// How fast compaction may go: a limit in bytes per second, reads and writes together, shared by all its threads.
//
// Threads: any. Waits are ended by stop().

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"

namespace logcask {

class CompactionPace {
 public:
  // 0 bytes per second = no limit.
  CompactionPace(const Clock& clock, std::int64_t bytes_per_second)
      : clock_(clock), bytes_per_second_(bytes_per_second) {}

  // Counts the bytes and waits until they were due, or until `give_up` (asked now and then) or a stop. False when
  // stopped.
  bool spend(std::uint64_t bytes, const std::function<bool()>& give_up);
  // Waits a little for others to get on. False when stopped.
  bool step_aside(std::int64_t milliseconds);
  void stop();
  // For what is spent from now on.
  void set_bytes_per_second(std::int64_t bytes_per_second);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable stopped_changed_;
  std::int64_t bytes_per_second_;   // guarded
  bool stopped_ = false;            // guarded
  std::int64_t paid_until_ns_ = 0;  // guarded; what was spent so far is due at this time
};

}  // namespace logcask
