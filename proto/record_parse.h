#pragma once
// Internal to proto: the one decoder of a single record, shared by the cursor and the produce check.
//
// This is the hottest loop of the broker, hence pointers instead of a ByteReader: numbers of one byte
// take the inline path, lengths are compared with what is left before they are used.

#include <cstdint>

#include "base/types.h"

namespace logcask::record_parse {

// Length, attributes, timestamp delta, offset delta, key length, value length, header count: a byte each.
inline constexpr std::size_t kMinRecordBytes = 7;
// A header's key length and value length.
inline constexpr std::size_t kMinHeaderBytes = 2;

struct Parsed {
  std::int64_t timestamp_delta;
  std::int32_t offset_delta;
  std::int32_t key_size;    // -1 = null
  std::int32_t value_size;  // -1 = null
  std::int32_t header_count;
  const char* key;
  const char* value;
  const char* headers;
  const char* end;
};

// The rest of a varint whose first byte had its high bit set. Fails on more bytes or bits than Raw can hold.
template <class Raw>
inline bool read_varint_rest(const char*& at, const char* end, Raw& raw) {
  constexpr int kBits = sizeof(Raw) * 8;
  raw &= 0x7f;
  for (int shift = 7; shift < kBits; shift += 7) {
    if (at == end) return false;
    const auto byte = static_cast<unsigned char>(*at++);
    if (shift + 7 > kBits && (byte >> (kBits - shift)) != 0) return false;  // more bits than the type has
    raw |= static_cast<Raw>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Zig-zag varint of 32 bits (5 bytes) or 64 bits (10 bytes).
template <class Raw, class Signed>
inline bool read_zigzag(const char*& at, const char* end, Signed& value) {
  if (at == end) return false;
  Raw raw = static_cast<unsigned char>(*at++);
  if (raw >= 0x80) [[unlikely]]
    if (!read_varint_rest(at, end, raw)) return false;
  value = static_cast<Signed>((raw >> 1) ^ (Raw{0} - (raw & 1)));
  return true;
}

inline bool read_varint(const char*& at, const char* end, std::int32_t& value) {
  return read_zigzag<std::uint32_t>(at, end, value);
}
inline bool read_varlong(const char*& at, const char* end, std::int64_t& value) {
  return read_zigzag<std::uint64_t>(at, end, value);
}

// A length and that many bytes. `size` is -1 for null, where `nullable`.
inline bool read_bytes(const char*& at, const char* end, bool nullable, std::int32_t& size, const char*& bytes) {
  if (!read_varint(at, end, size)) return false;
  bytes = at;
  if (size < 0) return nullable && size == -1;
  if (size > end - at) return false;
  at += size;
  return true;
}

inline const char* check_headers(const char*& at, const char* end, std::int32_t count) {
  if (count < 0 || count > (end - at) / static_cast<std::ptrdiff_t>(kMinHeaderBytes))
    return "its header count is wrong";
  for (std::int32_t i = 0; i < count; ++i) {
    std::int32_t size;
    const char* bytes;
    if (!read_bytes(at, end, false, size, bytes)) return "a header's key is null or does not fit";
    if (!read_bytes(at, end, true, size, bytes)) return "a header's value does not fit";
  }
  return nullptr;
}

// Reads one record at `at`, all of it. Null when it is sound, else what is wrong.
inline const char* parse(const char* at, const char* end, Parsed& record) {
  std::int32_t size;
  if (!read_varint(at, end, size)) return "its length is cut short or not a varint";
  if (size < 0 || size > end - at) return "its length does not fit the batch";
  end = at + size;
  if (at == end) return "it is empty";
  ++at;  // attributes, unused by the format
  if (!read_varlong(at, end, record.timestamp_delta)) return "its timestamp delta is cut short or not a varint";
  if (!read_varint(at, end, record.offset_delta)) return "its offset delta is cut short or not a varint";
  if (!read_bytes(at, end, true, record.key_size, record.key)) return "its key does not fit";
  if (!read_bytes(at, end, true, record.value_size, record.value)) return "its value does not fit";
  if (!read_varint(at, end, record.header_count)) return "its header count is cut short or not a varint";
  record.headers = at;
  record.end = end;
  if (record.header_count != 0)
    if (const char* wrong = check_headers(at, end, record.header_count)) return wrong;
  return at == end ? nullptr : "bytes follow its last field";
}

}  // namespace logcask::record_parse
