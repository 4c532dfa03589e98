#include "cli/byte_order_mark.h"

namespace logcask::cli {
namespace {

// Bytes needed to know whether a stream that begins with this byte begins with a mark.
std::size_t mark_bytes(char first) {
  if (first == '\xef') return kUtf8MarkBytes;
  return first == '\xff' || first == '\xfe' ? 2 : 1;
}

}  // namespace

Result<bool> take_byte_order_mark(StreamReader& stream) {
  LOGCASK_ASSIGN(ByteView front, stream.peek(1));
  if (front.empty()) return false;
  LOGCASK_ASSIGN(front, stream.peek(mark_bytes(front[0])));
  switch (byte_order_mark(front)) {
    case ByteOrderMark::none:
      return false;
    case ByteOrderMark::utf8:
      stream.take(kUtf8MarkBytes);
      return true;
    case ByteOrderMark::utf16:
      return Error{Errc::invalid_record, "the input is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8"};
  }
  return false;
}

}  // namespace logcask::cli
