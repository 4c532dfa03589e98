#include "cli/raw_input.h"

#include "cli/record_raw.h"

namespace logcask::cli {

Result<bool> RawInput::next(RecordIn& record) {
  ++number_;
  auto got = read(record);
  if (!got.ok()) return std::move(got).error().in(place(number_));
  return got;
}

Result<bool> RawInput::read(RecordIn& record) {
  std::size_t wanted = 1;
  while (true) {
    LOGCASK_ASSIGN(const ByteView bytes, stream_.peek(wanted));
    if (bytes.empty() && wanted == 1) return false;
    LOGCASK_ASSIGN(const std::size_t needed, raw_record_bytes(bytes));
    if (bytes.size() < wanted) return Error{Errc::invalid_record, "the input ends inside it"};
    if (bytes.size() >= needed) {
      // raw_record_bytes asks for more until both lengths are readable, so `needed` is now the whole record.
      LOGCASK_ASSIGN(record, parse_raw_record(bytes.substr(0, needed)));
      stream_.take(needed);
      return true;
    }
    wanted = needed;
  }
}

}  // namespace logcask::cli
