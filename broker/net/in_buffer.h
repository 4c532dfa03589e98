#pragma once
// Received bytes not yet executed. Grows with what has been received, never with what a frame declares.
//
// One thread. Views are good until the next prepare().

#include <cstddef>
#include <memory>
#include <span>

#include "base/types.h"

namespace logcask {

class InBuffer {
 public:
  static constexpr std::size_t kFirstBytes = 8u << 10;
  static constexpr std::size_t kBusyBytes = 256u << 10;

  // Room for the next read: at least one byte, on the way to `needed_bytes` of content. Up to `usual_bytes` the buffer
  // follows the traffic; more it is only while one frame needs it.
  std::span<char> prepare(std::size_t needed_bytes, std::size_t usual_bytes = kBusyBytes);
  void commit(std::size_t received);
  ByteView view() const { return ByteView(data_.get() + begin_, end_ - begin_); }
  void consume(std::size_t used);
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  // The last read filled all there was: a bigger buffer would save calls.
  bool was_full() const { return was_full_; }
  // Gives the memory back; only while empty.
  void release();

 private:
  void resize(std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  bool was_full_ = false;
};

}  // namespace logcask
