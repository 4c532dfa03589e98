#pragma once
// Writes one JSON object or list, in the order it is told, into a string it does not own.
//
//   JsonWriter json(out);
//   json.begin().field("topic", "t").field("partitions", 4).field_bytes("key", bytes).end();
//
// Bytes that are not UTF-8 never reach the output raw: field_bytes turns them into NAME_base64.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

#include "base/types.h"

namespace logcask {

// Appends "text" with quotes; `text` must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin() { return open('{'); }
  JsonWriter& end() { return close('}'); }
  JsonWriter& begin_list() { return open('['); }
  JsonWriter& end_list() { return close(']'); }
  // The name of the next value of an object.
  JsonWriter& name(std::string_view text);

  // Text that is not valid UTF-8 is written with U+FFFD in its place: for messages, never for keys and values.
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return raw(truth ? "true" : "false"); }
  JsonWriter& value(double number);
  template <std::integral T>
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  JsonWriter& null() { return raw("null"); }

  template <class T>
  JsonWriter& field(std::string_view field_name, const T& field_value) {
    return name(field_name).value(field_value);
  }
  // NAME: "text" when the bytes are UTF-8, NAME: null when there are none, else NAME_base64: "...".
  JsonWriter& field_bytes(std::string_view field_name, const std::optional<ByteView>& bytes);
  // A value of a list: "text", null, or {"base64": "..."}.
  JsonWriter& value_bytes(const std::optional<ByteView>& bytes);

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view text);
  JsonWriter& base64(ByteView bytes);
  void separate();

  std::string& out_;
  bool first_ = true;
};

}  // namespace logcask
