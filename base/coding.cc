#include "base/coding.h"

#include <limits>

#include "base/check.h"

namespace logcask {
namespace {

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t raw) {
  return static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
}

}  // namespace

std::int64_t ByteReader::varlong() {
  std::uint64_t raw = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const char* at = take(1);
    if (!at) return 0;
    const auto byte = static_cast<unsigned char>(*at);
    if (shift == 63 && byte > 1) break;  // would not fit 64 bits
    raw |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return unzigzag(raw);
  }
  ok_ = false;
  return 0;
}

std::int32_t ByteReader::varint() {
  const std::size_t start = position_;
  const std::int64_t value = varlong();
  if (!ok_) return 0;
  if (position_ - start > 5 || value < std::numeric_limits<std::int32_t>::min() ||
      value > std::numeric_limits<std::int32_t>::max()) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::int32_t>(value);
}

ByteView ByteReader::short_string() {
  const auto size = fixed<std::int16_t>();
  if (size < 0) ok_ = false;
  return ok_ ? bytes(static_cast<std::size_t>(size)) : ByteView();
}

void ByteWriter::varlong(std::int64_t value) {
  std::uint64_t raw = zigzag(value);
  while (raw >= 0x80) {
    out_.push_back(static_cast<char>(raw | 0x80));
    raw >>= 7;
  }
  out_.push_back(static_cast<char>(raw));
}

void ByteWriter::short_string(ByteView text) {
  LOGCASK_CHECK(text.size() <= 32767);
  fixed(static_cast<std::int16_t>(text.size()));
  bytes(text);
}

}  // namespace logcask
