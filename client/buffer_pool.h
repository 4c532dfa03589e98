#pragma once
// Keeps the storage of finished batches for the next ones: fresh memory costs a page fault every 4 KiB.
// Threads: every function may be called from any thread. Owned by a producer and its batches.

#include <mutex>
#include <vector>

#include "client/buffer.h"

namespace logcask::client {

class BufferPool {
 public:
  // Keeps buffers of at least `min_bytes` and at most four times as much, `max_count` of them.
  BufferPool(std::size_t min_bytes, std::size_t max_count) : min_bytes_(min_bytes), max_count_(max_count) {}

  // Empty when there is none.
  Buffer take() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return Buffer();
    Buffer buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }
  void give(Buffer buffer) {
    if (buffer.size() < min_bytes_ || buffer.size() > 4 * min_bytes_) return;
    const std::lock_guard lock(mutex_);
    if (spare_.size() < max_count_) spare_.push_back(std::move(buffer));
  }

 private:
  const std::size_t min_bytes_;
  const std::size_t max_count_;
  std::mutex mutex_;
  std::vector<Buffer> spare_;
};

}  // namespace logcask::client
