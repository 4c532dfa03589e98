#pragma once
// Keeps tasks until the test runs them, on its own thread.

#include <deque>
#include <utility>

#include "broker/threads/executor.h"

namespace logcask::testing {

class ManualExecutor final : public Executor {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  void post_after(std::int64_t, Task task) override { later_.push_back(std::move(task)); }
  bool empty() const { return tasks_.empty(); }
  std::size_t posted_for_later() const { return later_.size(); }
  bool run_one() {
    if (tasks_.empty()) return false;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  void run_all() {
    while (run_one()) {
    }
  }
  // Runs what was posted for later, as if its time had come.
  void run_later() {
    const std::deque<Task> due = std::exchange(later_, {});
    for (const Task& task : due) task();
  }
  // What is dropped may post.
  void drop_all() {
    const std::deque<Task> tasks = std::exchange(tasks_, {});
    const std::deque<Task> later = std::exchange(later_, {});
  }

 private:
  std::deque<Task> tasks_;
  std::deque<Task> later_;
};

}  // namespace logcask::testing
