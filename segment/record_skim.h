#pragma once
// Stepping over records of a sound, uncompressed records section without decoding them: length, offset delta, next.
//
// Used where the CRC held, to find one record among many; every read is bounded all the same. Internal to segment.

#include <cstdint>

#include "base/types.h"

namespace logcask {

class RecordSkim {
 public:
  explicit RecordSkim(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // The record that starts here. False when the bytes end before it can be told (or are not a record).
  bool peek(std::int32_t& offset_delta, std::size_t& encoded_bytes) const {
    const char* at = at_;
    std::uint64_t raw = 0;
    if (!varint(at, raw) || (raw & 1) != 0) return false;  // negative lengths are odd in zig-zag
    const std::uint64_t length = raw >> 1;
    encoded_bytes = static_cast<std::size_t>(at - at_) + length;
    if (at == end_) return false;
    ++at;                                // attributes
    if (!varint(at, raw)) return false;  // timestamp delta
    if (!varint(at, raw)) return false;
    offset_delta = static_cast<std::int32_t>(raw >> 1) ^ -static_cast<std::int32_t>(raw & 1);
    return true;
  }
  // Only the length: enough to step on.
  bool peek_length(std::size_t& encoded_bytes) const {
    const char* at = at_;
    std::uint64_t raw = 0;
    if (!varint(at, raw) || (raw & 1) != 0) return false;
    encoded_bytes = static_cast<std::size_t>(at - at_) + (raw >> 1);
    return true;
  }
  // False when the record ends beyond the bytes.
  bool skip(std::size_t encoded_bytes) {
    if (encoded_bytes > static_cast<std::size_t>(end_ - at_)) return false;
    at_ += encoded_bytes;
    return true;
  }
  bool at_end() const { return at_ == end_; }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  bool varint(const char*& at, std::uint64_t& raw) const {
    raw = 0;
    for (int shift = 0; shift < 64 && at < end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at++);
      raw |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  const char* at_;
  const char* end_;
};

}  // namespace logcask
