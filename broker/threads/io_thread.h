#pragma once
// One I/O thread: an Asio io_context, an inbox for other threads, and a timer wheel.
//
// Every connection belongs to one of these for life, and everything about it happens there. The inbox
// is filled under a short lock and drained in one go: a burst of completions costs one wake-up.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "broker/threads/event_loop.h"
#include "broker/threads/timer_wheel.h"

namespace boost::asio {
class io_context;
}

namespace logcask {

class IoThread final : public EventLoop {
 public:
  IoThread(const Clock& clock, std::string name);
  ~IoThread() override;  // stops and joins
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start();
  // Ends after the task that is running; later posts are kept until destruction and never run.
  void stop();

  void post(Task task) override;
  void post_large(Task task) override;
  bool large_waiting() const override { return !large_.empty(); }
  bool on_this_thread() const override;
  TimerId call_after(std::int64_t delay_ms, Task task) override;
  bool cancel(TimerId timer) override;

  boost::asio::io_context& context();
  const Clock& clock() const { return clock_; }

 private:
  struct Asio;  // the io_context and its timer, out of this header

  void drain();
  void post_next_large();
  void arm();
  std::int64_t now_ms() const { return clock_.monotonic_ns() / 1'000'000; }

  // Constant.
  const Clock& clock_;
  const std::string name_;
  std::thread thread_;
  std::atomic<std::thread::id> id_;
  // Loop thread only.
  TimerWheel wheel_;
  std::int64_t armed_ms_ = INT64_MAX;  // when the wheel is looked at next
  std::vector<Task> draining_;
  std::deque<Task> large_;
  bool large_posted_ = false;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::vector<Task> inbox_;
  bool drain_scheduled_ = false;
  // Last, because what dies with the io_context may still cancel timers and post.
  std::unique_ptr<Asio> asio_;
};

}  // namespace logcask
