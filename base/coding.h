#pragma once
// Numbers to bytes and back, over spans, with every length checked before use.
//
// Kafka's record batch and our own files are big-endian; varints are Kafka's zig-zag ones (KIP-98,
// Protocol Buffers encoding). A reader that ran out of bytes fails once and stays failed.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/types.h"

namespace logcask {

template <class T>
T load_be(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <class T>
void store_be(char* at, T value) {
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4) value = static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8) value = static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  std::memcpy(at, &value, sizeof value);
}
static_assert(std::endian::native == std::endian::little, "load_be and store_be swap on little-endian machines only");

// Reads from a view it does not own. After a failed read every further read fails and yields zero.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return ok_ ? bytes_.size() - position_ : 0; }
  bool at_end() const { return ok_ && position_ == bytes_.size(); }

  template <class T>
  T fixed() {
    const char* at = take(sizeof(T));
    return at ? load_be<T>(at) : T{};
  }
  ByteView bytes(std::size_t size) {
    const char* at = take(size);
    return at ? ByteView(at, size) : ByteView();
  }
  // Zig-zag varint of at most 5 bytes that fits an int32.
  std::int32_t varint();
  // Zig-zag varint of at most 10 bytes.
  std::int64_t varlong();
  // Kafka string: i16 length (-1 = null, which reads as failed here), bytes.
  ByteView short_string();

 private:
  const char* take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - position_) {
      ok_ = false;
      return nullptr;
    }
    const char* at = bytes_.data() + position_;
    position_ += size;
    return at;
  }

  ByteView bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <class T>
  void fixed(T value) {
    char raw[sizeof(T)];
    store_be(raw, value);
    out_.append(raw, sizeof raw);
  }
  void bytes(ByteView bytes) { out_.append(bytes); }
  void varint(std::int32_t value) { varlong(value); }
  void varlong(std::int64_t value);
  void short_string(ByteView text);

 private:
  std::string& out_;
};

}  // namespace logcask
