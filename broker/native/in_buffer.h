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
  // Room for the next read: at least one byte, without passing `max_bytes` of content.
  std::span<char> prepare(std::size_t max_bytes);
  void commit(std::size_t received);
  ByteView view() const { return ByteView(data_.get() + begin_, end_ - begin_); }
  void consume(std::size_t used);
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

 private:
  void resize(std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  bool was_full_ = false;  // the last read filled all there was: a bigger buffer saves calls
};

}  // namespace logcask
