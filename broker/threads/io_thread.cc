#include "broker/threads/io_thread.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace logcask {

struct IoThread::Asio {
  // One thread runs it, others only post: hint 1 spares locks but keeps posting safe.
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  boost::asio::steady_timer tick{context};
};

IoThread::IoThread(const Clock& clock, std::string name)
    : clock_(clock),
      name_(std::move(name)),
      wheel_(clock.monotonic_ns() / 1'000'000),
      asio_(std::make_unique<Asio>()) {}

IoThread::~IoThread() { stop(); }

void IoThread::start() {
  thread_ = std::thread([this] {
    id_.store(std::this_thread::get_id());
    asio_->context.run();
  });
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void IoThread::stop() {
  asio_->context.stop();
  if (thread_.joinable()) thread_.join();
}

boost::asio::io_context& IoThread::context() { return asio_->context; }

void IoThread::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(task));
    if (std::exchange(drain_scheduled_, true)) return;
  }
  boost::asio::post(asio_->context, [this] { drain(); });
}

void IoThread::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_.swap(inbox_);
    drain_scheduled_ = false;
  }
  for (Task& task : draining_) {
    task();
    task = nullptr;
  }
  draining_.clear();
}

void IoThread::post_large(Task task) {
  large_.push_back(std::move(task));
  if (!std::exchange(large_posted_, true)) post_next_large();
}

// Each goes to the end of the context's queue by itself: the sockets that are ready by then come first.
void IoThread::post_next_large() {
  boost::asio::post(asio_->context, [this] {
    const Task task = std::move(large_.front());
    large_.pop_front();
    task();
    if (large_.empty())
      large_posted_ = false;
    else
      post_next_large();
  });
}

bool IoThread::on_this_thread() const { return id_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

EventLoop::TimerId IoThread::call_after(std::int64_t delay_ms, Task task) {
  const std::int64_t now = now_ms();
  const TimerId id = wheel_.add(now, delay_ms, std::move(task));
  // Mostly an earlier wake-up is armed already, so that adding a timer costs no system call.
  if (now + delay_ms < armed_ms_) arm();
  return id;
}

bool IoThread::cancel(TimerId timer) { return wheel_.cancel(timer); }

void IoThread::arm() {
  const std::int64_t next = wheel_.next_ms();
  if (next >= armed_ms_) return;
  armed_ms_ = next;
  asio_->tick.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(next - now_ms(), 1)));
  asio_->tick.async_wait([this](const boost::system::error_code& failure) {
    if (failure) return;  // re-armed for an earlier time
    armed_ms_ = INT64_MAX;
    wheel_.advance(now_ms());
    arm();
  });
}

}  // namespace logcask
