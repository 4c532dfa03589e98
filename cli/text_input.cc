#include "cli/text_input.h"

#include "base/mutant.h"
#include "cli/byte_order_mark.h"

namespace logcask::cli {

Result<bool> TextInput::next(RecordIn& record) {
  ++number_;
  auto got = read(record);
  if (!got.ok()) return std::move(got).error().in(place(number_));
  return got;
}

Result<bool> TextInput::read(RecordIn& record) {
  if (number_ == 1) {
    LOGCASK_ASSIGN(const bool marked, take_byte_order_mark(stream_));
    if (marked) notes_.met(InputNote::byte_order_mark, place(number_));
  }
  ByteView line;
  LOGCASK_ASSIGN(const bool more, stream_.next_line(line));
  if (!more) return false;
  // No line that we print ends so: a value's own CR stands there escaped.
  if (!rules_.keep_carriage_returns && !mutant(Mutant::line_end_kept_in_value) && line.ends_with('\r')) {
    line.remove_suffix(1);
    notes_.met(InputNote::carriage_return, place(number_));
  }
  if (is_escaped_line(line)) notes_.met(InputNote::escaped_line, place(number_));
  LOGCASK_ASSIGN(record, parse_text_record(line, rules_.text));
  return true;
}

}  // namespace logcask::cli
