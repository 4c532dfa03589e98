#pragma once
// An I/O thread's loop that turns when the test says so; its time is the test's, too.

#include <deque>
#include <utility>

#include "broker/threads/event_loop.h"
#include "broker/threads/timer_wheel.h"

namespace logcask::testing {

class ManualLoop final : public EventLoop {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  bool on_this_thread() const override { return true; }
  TimerId call_after(std::int64_t delay_ms, Task task) override {
    return wheel_.add(now_ms_, delay_ms, std::move(task));
  }
  bool cancel(TimerId timer) override { return wheel_.cancel(timer); }
  // Runs one task; false when there is none.
  bool turn() {
    if (tasks_.empty()) return false;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  void advance_ms(std::int64_t ms) {
    now_ms_ += ms;
    wheel_.advance(now_ms_);
  }

 private:
  std::deque<Task> tasks_;
  std::int64_t now_ms_ = 0;
  TimerWheel wheel_{0};
};

}  // namespace logcask::testing
