#include "base/utf8.h"

namespace logcask {
namespace {

constexpr ByteView kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned byte_at(ByteView bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

bool continues(ByteView bytes, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i)
    if ((byte_at(bytes, i) & 0xc0) != 0x80) return false;
  return true;
}

}  // namespace

std::size_t utf8_character(ByteView bytes) {
  const unsigned first = byte_at(bytes, 0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length || !continues(bytes, 1, length)) return 0;
  const unsigned second = byte_at(bytes, 1);
  if (first == 0xe0 && second < 0xa0) return 0;   // overlong
  if (first == 0xed && second >= 0xa0) return 0;  // surrogates
  if (first == 0xf0 && second < 0x90) return 0;   // overlong
  if (first == 0xf4 && second >= 0x90) return 0;  // above U+10FFFF
  return length;
}

bool valid_utf8(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_character(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string utf8_text(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = utf8_character(bytes);
    text += length == 0 ? kReplacement : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace logcask
