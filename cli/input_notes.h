#pragma once
// What was adapted or passed over in an input: each kind is said once, at its first place, and never left unsaid.

#include <cstdint>
#include <functional>
#include <string>

namespace logcask::cli {

enum class InputNote : std::uint8_t {
  escaped_line,     // text: a line with the marker
  carriage_return,  // text: CR LF
  byte_order_mark,  // at the front of the file
  caught_up,        // JSON: replay's marker
  no_record,        // JSON: a lookup that found no record
  lines_joined,     // JSON: a document over several lines
  empty_row,        // CSV
};

class InputNotes {
 public:
  // `say` prints one line; by default on stderr.
  explicit InputNotes(std::function<void(const std::string&)> say = {});
  // `place`: "line 7".
  void met(InputNote note, const std::string& place);

 private:
  std::function<void(const std::string&)> say_;
  std::uint32_t said_ = 0;  // bit set of kinds
};

}  // namespace logcask::cli
