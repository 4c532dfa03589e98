#pragma once
// Where work goes that must not run on the thread that asks for it. Owned by the broker, outlives every partition.
// Tests replace it to decide themselves what runs when.

#include <cstdint>
#include <functional>

namespace logcask {

using Task = std::function<void()>;

// Threads: both may be called from any thread. Tasks of one executor run in no particular order, possibly at once.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
  // Not before `delay_ms` have passed.
  virtual void post_after(std::int64_t delay_ms, Task task) = 0;
};

}  // namespace logcask
