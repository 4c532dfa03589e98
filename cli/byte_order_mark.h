#pragma once
// The bytes that editors and spreadsheets put in front of a text file.

#include <cstdint>

#include "base/result.h"
#include "base/types.h"
#include "cli/line_reader.h"

namespace logcask::cli {

enum class ByteOrderMark : std::uint8_t { none, utf8, utf16 };

inline constexpr std::size_t kUtf8MarkBytes = 3;

// The mark that `text` begins with.
inline ByteOrderMark byte_order_mark(ByteView text) {
  if (text.starts_with("\xef\xbb\xbf")) return ByteOrderMark::utf8;
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ? ByteOrderMark::utf16 : ByteOrderMark::none;
}

// Takes a UTF-8 mark off the front of a stream; true when there was one. A file in UTF-16 is refused: invalid_record
// says how to convert it. Waits for no more bytes than it needs to know.
Result<bool> take_byte_order_mark(StreamReader& stream);

}  // namespace logcask::cli
