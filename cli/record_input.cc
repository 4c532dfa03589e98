#include "cli/record_input.h"

#include "cli/record_json.h"
#include "cli/record_raw.h"

namespace logcask::cli {

Result<bool> RecordInput::next(RecordIn& record) {
  ++number_;
  auto got = form_ == "raw" ? next_raw(record) : next_line(record);
  if (!got.ok()) return std::move(got).error().in(place(number_));
  return got;
}

Result<bool> RecordInput::next_line(RecordIn& record) {
  ByteView line;
  LOGCASK_ASSIGN(const bool more, stream_.next_line(line));
  if (!more) return false;
  LOGCASK_ASSIGN(record, form_ == "json" ? parse_json_record(line) : parse_text_record(line, rules_));
  return true;
}

Result<bool> RecordInput::next_raw(RecordIn& record) {
  std::size_t wanted = 1;
  ByteView bytes;
  while (true) {
    LOGCASK_ASSIGN(bytes, stream_.peek(wanted));
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
