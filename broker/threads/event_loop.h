#pragma once
// The thread a request belongs to: where its answer is put together and its deadline runs.
//
// Services see only this; io_thread.h is the real form (one Asio io_context each), the tests have a
// manual one. A task posted after the loop has ended never runs; it is destroyed with the loop, which
// outlives everything that may post to it.

#include <cstdint>
#include <functional>

namespace logcask {

class EventLoop {
 public:
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;  // 0 is never a timer

  virtual ~EventLoop() = default;

  // Any thread. Tasks of one posting thread run in order. Many posts before the loop wakes cost one wake-up.
  virtual void post(Task task) = 0;
  // Loop thread only. For work that may take a good part of a millisecond, such as filling an answer with a megabyte:
  // one such task at a time, between them whatever else is ready. Calls of small answers never wait for a queue of
  // them.
  virtual void post_large(Task task) { post(std::move(task)); }
  // Whether such tasks wait.
  virtual bool large_waiting() const { return false; }
  virtual bool on_this_thread() const = 0;
  // Runs `task` here: now when the caller is this thread already, else posted.
  void run(Task task) {
    if (on_this_thread())
      task();
    else
      post(std::move(task));
  }

  // Loop thread only. Coarse (timer_wheel.h): never early, up to two ticks late.
  virtual TimerId call_after(std::int64_t delay_ms, Task task) = 0;
  // False when it has run or is running.
  virtual bool cancel(TimerId timer) = 0;
};

}  // namespace logcask
