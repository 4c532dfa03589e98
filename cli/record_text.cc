#include "cli/record_text.h"

#include "cli/utf8.h"

namespace logcask::cli {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void append_hex_escape(std::string& out, char byte) {
  const auto number = static_cast<unsigned char>(byte);
  out += "\\x";
  out += kHexDigits[number >> 4];
  out += kHexDigits[number & 15];
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

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

}  // namespace

void append_text_field(std::string& out, const std::optional<ByteView>& field) {
  if (!field) {
    out += "\\N";
    return;
  }
  ByteView rest = *field;
  while (!rest.empty()) {
    const std::size_t length = utf8_character(rest);
    if (rest[0] == '\t') {
      out += "\\t";
    } else if (rest[0] == '\n') {
      out += "\\n";
    } else if (rest[0] == '\\') {
      out += "\\\\";
    } else if (length == 0 || is_control(rest[0])) {
      append_hex_escape(out, rest[0]);
    } else {
      out.append(rest.substr(0, length));
    }
    rest.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_text_record(std::string& out, const RecordOut& record) {
  append_text_field(out, record.key);
  out += '\t';
  append_text_field(out, record.value);
  out += '\n';
}

Result<std::optional<std::string>> parse_text_field(ByteView field) {
  if (field == "\\N") return std::optional<std::string>();
  std::string out;
  out.reserve(field.size());
  while (!field.empty()) {
    const std::size_t plain = std::min(field.find('\\'), field.size());
    out.append(field.substr(0, plain));
    field.remove_prefix(plain);
    if (field.empty()) break;
    const std::size_t used = read_escape(field.substr(1), out);
    if (used == 0) {
      std::string shown;
      append_text_field(shown, field.substr(0, 4));
      return Error{Errc::invalid_record,
                   "a backslash starts one of \\t \\n \\\\ \\xHH, or a field that is just \\N; here it starts '" +
                       shown + "' (shown escaped); write a backslash as \\\\"};
    }
    field.remove_prefix(1 + used);
  }
  return std::optional<std::string>(std::move(out));
}

Result<RecordIn> parse_text_record(ByteView line, const TextRules& rules) {
  const std::size_t at = line.find(rules.key_separator);
  if (at == ByteView::npos) {
    std::string separator;
    append_text_field(separator, ByteView(rules.key_separator));
    return Error{Errc::invalid_record,
                 "no key separator '" + separator +
                     "' in it; a line is KEY, separator, VALUE (a record without key: \\N as key; see "
                     "--key-separator)"};
  }
  const ByteView value = line.substr(at + rules.key_separator.size());
  if (rules.key_separator == "\t" && value.find('\t') != ByteView::npos)
    return Error{Errc::invalid_record, "a second tab in it; write a tab inside a key or value as \\t"};
  RecordIn record;
  LOGCASK_ASSIGN(record.key, parse_text_field(line.substr(0, at)));
  LOGCASK_ASSIGN(record.value, parse_text_field(value));
  if (rules.tombstone_on_empty && record.value && record.value->empty()) record.value.reset();
  return record;
}

}  // namespace logcask::cli
