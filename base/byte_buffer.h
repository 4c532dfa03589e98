#pragma once
// Bytes that are read or copied in, at the end: room for them is not cleared before.
//
// One thread at a time. Views are good until it grows, is cut or goes.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "base/types.h"

namespace logcask {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(ByteView bytes) { append(bytes); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteView view() const { return {data_.get(), size_}; }
  operator ByteView() const { return view(); }

  // Room for so many bytes in all, at least.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    std::unique_ptr<char[]> larger(new char[bytes]);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = bytes;
  }
  // So many more at the end: whatever was in that memory, until the caller fills it.
  std::span<char> extend(std::size_t bytes) {
    if (bytes > capacity_ - size_) reserve(std::max(size_ + bytes, 2 * capacity_));
    size_ += bytes;
    return {data_.get() + size_ - bytes, bytes};
  }
  void append(ByteView bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()).data(), bytes.data(), bytes.size());
  }
  // Only the first `size`, which is no more than there are.
  void cut(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace logcask
