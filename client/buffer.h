#pragma once
// Bytes of one answer: allocated once, never zeroed, moved around. Owned by whoever holds it.

#include <cstring>
#include <memory>

#include "base/types.h"

namespace logcask::client {

class Buffer {
 public:
  Buffer() = default;
  static Buffer uninitialized(std::size_t size) {
    Buffer buffer;
    buffer.data_ = std::make_unique_for_overwrite<char[]>(size);
    buffer.size_ = size;
    return buffer;
  }
  static Buffer copy_of(ByteView bytes) {
    if (bytes.empty()) return Buffer();
    Buffer buffer = uninitialized(bytes.size());
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    return buffer;
  }

  char* data() { return data_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteView view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
};

}  // namespace logcask::client
