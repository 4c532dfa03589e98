#include "broker/net/in_buffer.h"

#include <algorithm>
#include <cstring>

namespace logcask {

void InBuffer::resize(std::size_t capacity) {
  std::unique_ptr<char[]> bigger(new char[capacity]);
  std::memcpy(bigger.get(), data_.get() + begin_, end_ - begin_);
  data_ = std::move(bigger);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

std::span<char> InBuffer::prepare(std::size_t needed_bytes, std::size_t usual_bytes) {
  if (!data_) {
    data_.reset(new char[kFirstBytes]);
    capacity_ = kFirstBytes;
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
    // Nothing is kept: follow the traffic, up after full reads, down after one huge frame.
    if (was_full_ && capacity_ < usual_bytes) resize(std::min(capacity_ * 2, usual_bytes));
    if (capacity_ > usual_bytes) resize(kFirstBytes);
  } else if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // The huge frame is gone and the next one is small.
  if (capacity_ > usual_bytes && end_ < kFirstBytes && needed_bytes <= kFirstBytes) resize(kFirstBytes);
  if (end_ == capacity_) resize(std::clamp(needed_bytes, capacity_ + 1, capacity_ * 2));
  return std::span(data_.get() + end_, capacity_ - end_);
}

void InBuffer::release() {
  data_.reset();
  capacity_ = begin_ = end_ = 0;
  was_full_ = false;
}

void InBuffer::commit(std::size_t received) {
  end_ += received;
  was_full_ = end_ == capacity_;
}

void InBuffer::consume(std::size_t used) { begin_ += used; }

}  // namespace logcask
