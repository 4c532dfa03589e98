#include "cli/watch_queue.h"

#include <algorithm>
#include <chrono>

namespace logcask::cli {

void WatchQueue::push(std::size_t key_index, const client::Lookup& lookup) {
  const std::lock_guard lock(mutex_);
  if (events_.size() >= max_events_) {
    const auto older =
        std::find_if(events_.rbegin(), events_.rend(), [&](const Event& e) { return e.key_index == key_index; });
    if (older != events_.rend()) {
      older->lookup = lookup;
      return;
    }
  }
  events_.push_back({key_index, lookup});
  news_.notify_one();
}

void WatchQueue::end(const Error& error) {
  const std::lock_guard lock(mutex_);
  ended_ = error;
  news_.notify_one();
}

std::deque<WatchQueue::Event> WatchQueue::wait(std::int64_t wait_ms) {
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return !events_.empty() || ended_.has_value(); });
  std::deque<Event> taken;
  taken.swap(events_);
  return taken;
}

std::optional<Error> WatchQueue::ended() const {
  const std::lock_guard lock(mutex_);
  return events_.empty() ? ended_ : std::nullopt;
}

}  // namespace logcask::cli
