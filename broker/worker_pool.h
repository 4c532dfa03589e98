#pragma once
// A few threads for work that may block: cold reads, replay, administration.
//
// Any thread may submit. stop() runs what is queued, then ends the threads; submit after stop() drops the task
// (and destroys it), so a task that must answer somebody keeps that in its destructor or is submitted before.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace logcask {

class WorkerPool {
 public:
  WorkerPool(std::string name, std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the pool has been stopped.
  bool submit(std::function<void()> task);
  void stop();
  std::size_t queued() const;

 private:
  void run();

  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded
  bool stopping_ = false;                    // guarded
  std::vector<std::thread> threads_;
};

}  // namespace logcask
