#include "cli/record_text.h"

#include <algorithm>

#include "base/mutant.h"
#include "base/utf8.h"
#include "cli/byte_order_mark.h"

namespace logcask::cli {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr ByteView kNullField = "\\N";

void append_hex_escape(std::string& out, char byte) {
  const auto number = static_cast<unsigned char>(byte);
  out += "\\x";
  out += kHexDigits[number >> 4];
  out += kHexDigits[number & 15];
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

// U+0080 to U+009F: terminals take them for the start of a command, too.
bool is_second_control(ByteView character) {
  return character.size() == 2 && character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
}

// The letter behind the backslash, 0 when the byte has none.
char escape_letter(char byte) {
  switch (byte) {
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

// `separator_start` is escaped as well, unless it is 0.
void append_escaped_text(std::string& out, ByteView rest, char separator_start) {
  while (!rest.empty()) {
    const char byte = rest[0];
    const std::size_t length = utf8_character(rest);
    if (const char letter = escape_letter(byte); letter != 0) {
      out += '\\';
      out += letter;
    } else if (length == 0 || is_control(byte) || is_second_control(rest.substr(0, length)) ||
               (separator_start != 0 && byte == separator_start)) {
      append_hex_escape(out, byte);
      rest.remove_prefix(1);
      continue;
    } else {
      out.append(rest.substr(0, length));
    }
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_field(std::string& out, const std::optional<ByteView>& field, char separator_start) {
  if (field)
    append_escaped_text(out, *field, separator_start);
  else
    out += kNullField;
}

bool fit_for_terminal(ByteView text, bool line_feeds_too) {
  while (!text.empty()) {
    const std::size_t length = utf8_character(text);
    const bool harmless = text[0] == '\t' || (text[0] == '\n' && line_feeds_too);
    if (length == 0 || (is_control(text[0]) && !harmless) || is_second_control(text.substr(0, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Would this line, alone or first in a file, be read as it stands?
bool plain_line(ByteView line, const TextStyle& style) {
  return line.find('\n') == ByteView::npos && !line.ends_with('\r') && !is_escaped_line(line) &&
         byte_order_mark(line) == ByteOrderMark::none && (!style.for_terminal || fit_for_terminal(line, false));
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Reads the escape behind a backslash; returns the bytes used, 0 when it is none.
std::size_t read_escape(ByteView rest, std::string& out) {
  if (rest.empty()) return 0;
  switch (rest[0]) {
    case 't':
      out += '\t';
      return 1;
    case 'n':
      out += '\n';
      return 1;
    case 'r':
      out += '\r';
      return 1;
    case '\\':
      out += '\\';
      return 1;
    case 'x': {
      const int high = rest.size() > 2 ? hex_value(rest[1]) : -1;
      const int low = rest.size() > 2 ? hex_value(rest[2]) : -1;
      if (high < 0 || low < 0) return 0;
      out += static_cast<char>(high * 16 + low);
      return 3;
    }
    default:
      return 0;
  }
}

Result<std::optional<std::string>> parse_escaped_field(ByteView field) {
  if (field == kNullField) return std::optional<std::string>();
  LOGCASK_ASSIGN(auto text, parse_escapes(field));
  return std::optional<std::string>(std::move(text));
}

// Where the separator stands in an escaped line: an escape's own letters are none.
std::size_t find_outside_escapes(ByteView line, ByteView separator) {
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == '\\')
      at += at + 1 < line.size() && line[at + 1] == 'x' ? 4 : 2;
    else if (line.substr(at).starts_with(separator))
      return at;
    else
      ++at;
  }
  return ByteView::npos;
}

Error no_separator(ByteView separator) {
  std::string shown;
  append_escaped_field(shown, separator);
  return Error{Errc::invalid_record, "no key separator '" + shown +
                                         "' in it; a line is KEY, separator, VALUE (see --key-separator; a record "
                                         "without key is \\:\\N, separator, VALUE)"};
}

}  // namespace

void append_text_record(std::string& out, const std::optional<ByteView>& key, const std::optional<ByteView>& value,
                        const TextStyle& style) {
  const ByteView separator = style.key_separator;
  const std::size_t start = out.size();
  if (key && value) {
    out.append(*key).append(separator);
    const bool key_ends_here = ByteView(out).substr(start).find(separator) == key->size();
    out.append(*value);
    if (key_ends_here && plain_line(ByteView(out).substr(start), style)) {
      out += '\n';
      return;
    }
    out.resize(start);
  }
  out += kEscapedLineMarker;
  append_field(out, key, separator[0]);
  out += separator;
  append_field(out, value, separator[0]);
  out += '\n';
}

void append_text_key(std::string& out, ByteView key, const TextStyle& style) {
  if (plain_line(key, style)) {
    out += key;
  } else {
    out += kEscapedLineMarker;
    append_escaped_text(out, key, 0);
  }
  out += '\n';
}

void append_text_value(std::string& out, ByteView value, const TextStyle& style) {
  if (!style.for_terminal || fit_for_terminal(value, true)) {
    out += value;
  } else {
    out += kEscapedLineMarker;
    append_escaped_text(out, value, 0);
  }
  out += '\n';
}

void append_escaped_field(std::string& out, const std::optional<ByteView>& field) { append_field(out, field, 0); }

Result<std::string> parse_escapes(ByteView text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t used = read_escape(text.substr(1), out);
    if (used == 0) {
      std::string shown;
      append_escaped_field(shown, text.substr(0, 4));
      return Error{Errc::invalid_record,
                   "a backslash starts one of \\t \\n \\r \\\\ \\xHH, or a field that is just \\N; here it starts '" +
                       shown + "' (shown escaped); write a backslash as \\\\"};
    }
    text.remove_prefix(1 + used);
  }
  return out;
}

Result<RecordIn> parse_text_record(ByteView line, const TextRules& rules) {
  const ByteView separator = rules.key_separator;
  const bool marked = is_escaped_line(line);
  const bool escaped = marked || mutant(Mutant::every_line_unescaped);
  if (marked) line.remove_prefix(kEscapedLineMarker.size());
  const std::size_t at = escaped ? find_outside_escapes(line, separator) : line.find(separator);
  if (at == ByteView::npos) return no_separator(separator);
  const ByteView key = line.substr(0, at);
  const ByteView value = line.substr(at + separator.size());
  RecordIn record;
  if (escaped) {
    const auto in_line = [](Error error) {
      return std::move(error).in("it begins with \\: and is read as escaped (\\:\\\\: begins a line that is not)");
    };
    auto key_field = parse_escaped_field(key);
    if (!key_field.ok()) return in_line(std::move(key_field).error());
    record.key = std::move(*key_field);
    auto value_field = parse_escaped_field(value);
    if (!value_field.ok()) return in_line(std::move(value_field).error());
    record.value = std::move(*value_field);
  } else {
    record.key = std::string(key);
    record.value = std::string(value);
  }
  if (rules.tombstone_on_empty && record.value && record.value->empty()) record.value.reset();
  return record;
}

Result<std::string> parse_text_key(ByteView line) {
  if (!is_escaped_line(line)) return std::string(line);
  return parse_escapes(line.substr(kEscapedLineMarker.size()));
}

}  // namespace logcask::cli
