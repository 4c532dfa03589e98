#include "cli/json_input.h"

#include "cli/byte_order_mark.h"
#include "cli/record_document.h"
#include "cli/record_json.h"

namespace logcask::cli {

Result<bool> JsonInput::next(RecordIn& record) {
  auto got = read(record);
  if (!got.ok()) return std::move(got).error().in(place(number()));
  return got;
}

Result<bool> JsonInput::read(RecordIn& record) {
  if (!begun_) {
    begun_ = true;
    LOGCASK_ASSIGN(const bool marked, take_byte_order_mark(stream_));
    if (marked) notes_.met(InputNote::byte_order_mark, place(1));
  }
  while (true) {
    ByteView text;
    LOGCASK_ASSIGN(const bool more, objects_.next(text));
    if (!more) return false;
    LOGCASK_ASSIGN(const bool is_record, read_object(text, record));
    if (!is_record) continue;
    if (rules_.text.tombstone_on_empty && record.value && record.value->empty()) record.value.reset();
    return true;
  }
}

Result<bool> JsonInput::read_object(ByteView text, RecordIn& record) {
  if (rules_.document) {
    bool joined = false;
    LOGCASK_ASSIGN(record, parse_document(text, *rules_.document, joined));
    if (joined) notes_.met(InputNote::lines_joined, place(number()));
    return true;
  }
  LOGCASK_ASSIGN(const JsonLine kind, parse_json_record(text, record));
  if (kind == JsonLine::caught_up) notes_.met(InputNote::caught_up, place(number()));
  if (kind == JsonLine::no_record) notes_.met(InputNote::no_record, place(number()));
  return kind == JsonLine::record;
}

}  // namespace logcask::cli
