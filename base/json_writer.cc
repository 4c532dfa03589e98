#include "base/json_writer.h"

#include <cmath>
#include <cstdio>

#include "base/base64.h"
#include "base/utf8.h"

namespace logcask {
namespace {

void append_escaped(std::string& out, char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) {
    out += byte;
    return;
  }
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  out += buffer;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char byte : text) append_escaped(out, byte);
  out += '"';
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view text) {
  separate();
  append_json_string(out_, text);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  if (valid_utf8(text))
    append_json_string(out_, text);
  else
    append_json_string(out_, utf8_text(text));
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  char buffer[32];
  // Counters travel as floating point numbers: whole ones keep all their digits.
  const bool whole = std::floor(number) == number && std::fabs(number) < 9007199254740992.0;
  std::snprintf(buffer, sizeof buffer, whole ? "%.0f" : "%.6g", number);
  return raw(buffer);
}

JsonWriter& JsonWriter::field_bytes(std::string_view field_name, const std::optional<ByteView>& bytes) {
  if (!bytes) return name(field_name).null();
  if (valid_utf8(*bytes)) return name(field_name).value(*bytes);
  return name(std::string(field_name) + "_base64").base64(*bytes);
}

JsonWriter& JsonWriter::value_bytes(const std::optional<ByteView>& bytes) {
  if (!bytes) return null();
  if (valid_utf8(*bytes)) return value(*bytes);
  return begin().name("base64").base64(*bytes).end();
}

JsonWriter& JsonWriter::base64(ByteView bytes) {
  separate();
  out_ += '"';
  append_base64(out_, bytes);
  out_ += '"';
  return *this;
}

}  // namespace logcask
