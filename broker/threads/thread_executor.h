#pragma once
// The broker's executors: a few threads, a queue, and tasks that are due later.
//
// Threads: any may post. stop() runs what is queued and due, drops what is due later, and joins; later posts are
// dropped.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "broker/threads/executor.h"

namespace logcask {

class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor(std::string name, std::size_t threads, const Clock& clock);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Task task) override;
  void post_after(std::int64_t delay_ms, Task task) override;
  void stop();

 private:
  struct Later {
    std::int64_t due_ns;
    std::uint64_t order;
    Task task;
  };
  struct Sooner {
    bool operator()(const Later& a, const Later& b) const {
      return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.order > b.order;
    }
  };
  void run();
  // Moves what is due to the queue; returns how long until the next, or -1. Under the lock.
  std::int64_t promote();

  const std::string name_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;    // guarded
  std::vector<Later> later_;  // guarded; a heap
  std::uint64_t order_ = 0;   // guarded
  bool stopping_ = false;     // guarded
  std::vector<std::thread> threads_;
};

}  // namespace logcask
