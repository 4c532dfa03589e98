#pragma once
// Records as lines of text: key<TAB>value, both as they stand. What any verb prints `produce` takes.
//
// Where the plain line would not be read back as the same record (a null, a line feed, a carriage return at the end,
// the separator in the key, a line that begins like an escaped one or like a file in UTF-16 or with a byte order mark),
// that one line is escaped: it begins with the marker \: and then holds \t \n \r \\ \xHH for what a line cannot hold,
// and \N alone for a null. Every line stands for itself, so sorting, cutting and filtering lines loses nothing.
// Headers, timestamp and position are not part of this form (JSON carries them).

#include <string>

#include "base/result.h"
#include "cli/record.h"

namespace logcask::cli {

inline constexpr ByteView kEscapedLineMarker = "\\:";

struct TextStyle {
  std::string key_separator = "\t";
  // Control characters would reach the terminal as commands, and bytes that are not UTF-8 as rubbish: lines that hold
  // them are escaped, too.
  bool for_terminal = false;
};

// Appends the line of a record, newline included.
void append_text_record(std::string& out, const std::optional<ByteView>& key, const std::optional<ByteView>& value,
                        const TextStyle& style = {});
// Appends a line that is a key and nothing else.
void append_text_key(std::string& out, ByteView key, const TextStyle& style = {});
// Appends one value as it stands, line feeds too, and a newline; for a terminal escaped like a line when need be.
void append_text_value(std::string& out, ByteView value, const TextStyle& style = {});
// Appends the field of an escaped line; null is \N. For messages, too.
void append_escaped_field(std::string& out, const std::optional<ByteView>& field);

struct TextRules {
  std::string key_separator = "\t";
  bool tombstone_on_empty = false;  // an empty value field is null
};

inline bool is_escaped_line(ByteView line) { return line.starts_with(kEscapedLineMarker); }
// Reads one line, without its newline. invalid_record says what is wrong with it.
Result<RecordIn> parse_text_record(ByteView line, const TextRules& rules);
// Reads a line that append_text_key wrote.
Result<std::string> parse_text_key(ByteView line);
// Reads \t \n \r \\ \xHH, for flags; invalid_record names what else stands behind a backslash.
Result<std::string> parse_escapes(ByteView text);

}  // namespace logcask::cli
