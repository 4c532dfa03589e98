#pragma once
// Records as lines of text: key<TAB>value. What `consume` prints `produce` takes.
//
// Tab, newline and backslash are written \t, \n, \\; other control characters and bytes that are not UTF-8 as \xHH.
// A null key or value is \N, which no text can be mistaken for; an empty one is an empty field. Headers, timestamp and
// position are not part of this form (JSON carries them).

#include <string>

#include "base/result.h"
#include "cli/record.h"

namespace logcask::cli {

// Appends one escaped field; null is \N.
void append_text_field(std::string& out, const std::optional<ByteView>& field);
// Appends the line of a record, newline included.
void append_text_record(std::string& out, const RecordOut& record);

struct TextRules {
  std::string key_separator = "\t";
  bool tombstone_on_empty = false;  // an empty value field is null
};

// Reads one field back; invalid_record names an escape that is none of the above.
Result<std::optional<std::string>> parse_text_field(ByteView field);
// Reads one line, without its newline. invalid_record says what is wrong with it.
Result<RecordIn> parse_text_record(ByteView line, const TextRules& rules);

}  // namespace logcask::cli
