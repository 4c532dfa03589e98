#pragma once
// Hands watch events from the client's thread to the one that prints. Bounded: a printer that falls behind gets the
// newest state of each key instead of every change in between, as the broker itself does it (logcask/table.h).
//
// Threads: push and end from the client's, wait from the printer's.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "logcask/table.h"

namespace logcask::cli {

class WatchQueue {
 public:
  struct Event {
    std::size_t key_index = 0;
    client::Lookup lookup;
  };
  explicit WatchQueue(std::size_t max_events) : max_events_(max_events) {}

  void push(std::size_t key_index, const client::Lookup& lookup);
  void end(const Error& error);
  // All events that are there, waiting up to wait_ms for the first. Empty = none came.
  std::deque<Event> wait(std::int64_t wait_ms);
  // Why the watch ended; only looked at once the queue is empty.
  std::optional<Error> ended() const;

 private:
  std::size_t max_events_;
  mutable std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Event> events_;
  std::optional<Error> ended_;
};

}  // namespace logcask::cli
