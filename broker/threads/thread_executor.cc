#include "broker/threads/thread_executor.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace logcask {

ThreadExecutor::ThreadExecutor(std::string name, std::size_t threads, const Clock& clock)
    : name_(std::move(name)), clock_(clock) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

ThreadExecutor::~ThreadExecutor() { stop(); }

void ThreadExecutor::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void ThreadExecutor::post_after(std::int64_t delay_ms, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    later_.push_back({clock_.monotonic_ns() + delay_ms * 1'000'000, order_++, std::move(task)});
    std::push_heap(later_.begin(), later_.end(), Sooner());
    // Somebody sleeps until a later one already.
    if (later_.front().order != order_ - 1) return;
  }
  changed_.notify_one();
}

void ThreadExecutor::stop() {
  std::vector<Later> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(later_);
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

std::int64_t ThreadExecutor::promote() {
  const std::int64_t now = clock_.monotonic_ns();
  while (!later_.empty() && later_.front().due_ns <= now) {
    std::pop_heap(later_.begin(), later_.end(), Sooner());
    tasks_.push_back(std::move(later_.back().task));
    later_.pop_back();
  }
  return later_.empty() ? -1 : later_.front().due_ns - now;
}

void ThreadExecutor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const std::int64_t next_ns = later_.empty() ? -1 : promote();
    if (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      // What was promoted together is shared out.
      if (!tasks_.empty()) changed_.notify_one();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (next_ns >= 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(next_ns));
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace logcask
