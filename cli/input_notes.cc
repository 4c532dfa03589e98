#include "cli/input_notes.h"

#include "cli/output.h"

namespace logcask::cli {
namespace {

const char* note_text(InputNote note) {
  switch (note) {
    case InputNote::escaped_line:
      return "begins with \\: and is read as escaped, as are all lines that do";
    case InputNote::carriage_return:
      return "ends with CR LF; the CR is taken for part of the line end, here and on (--keep-cr keeps it)";
    case InputNote::byte_order_mark:
      return "begins with a byte order mark, which is left out";
    case InputNote::caught_up:
      return "is a caught_up marker and no record; such lines are passed over";
    case InputNote::no_record:
      return "says that a key is absent and holds no record; such lines are passed over";
    case InputNote::lines_joined:
      return "begins a document of several lines; white space outside strings is left out of such";
    case InputNote::empty_row:
      return "is empty and passed over, as are all that are";
  }
  return "";
}

}  // namespace

InputNotes::InputNotes(std::function<void(const std::string&)> say) : say_(std::move(say)) {
  if (!say_) say_ = print_error;
}

void InputNotes::met(InputNote note, const std::string& place) {
  const std::uint32_t bit = 1u << static_cast<unsigned>(note);
  if ((said_ & bit) != 0) return;
  said_ |= bit;
  say_(place + " " + note_text(note));
}

}  // namespace logcask::cli
