#include "cli/record_json.h"

#include <boost/json.hpp>

#include "base/base64.h"
#include "base/mutant.h"
#include "cli/json_members.h"

namespace logcask::cli {
namespace {

namespace json = boost::json;

Error bad(const std::string& what) { return Error{Errc::invalid_record, what}; }

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// "text" or null.
Result<std::optional<std::string>> text_or_null(const json::value& value, const std::string& field) {
  if (value.is_null()) return std::optional<std::string>();
  if (value.is_string()) return std::optional<std::string>(std::string(view(value.get_string())));
  return bad("\"" + field + "\" must be a string or null (for other values: --key-field key --value-field value)");
}

Result<std::string> from_base64(const json::value& value, const std::string& field) {
  if (!value.is_string()) return bad("\"" + field + "\" must be a string of base64");
  auto bytes = decode_base64(view(value.get_string()));
  if (!bytes) return bad("\"" + field + "\" is not base64 (RFC 4648, padded)");
  return std::move(*bytes);
}

// "text", null or {"base64": "..."}.
Result<std::optional<std::string>> header_part(const json::value& value) {
  if (!value.is_object()) return text_or_null(value, "headers");
  const auto& object = value.get_object();
  const auto* encoded = object.if_contains("base64");
  if (encoded == nullptr || object.size() != 1) return bad("an object in \"headers\" must be {\"base64\":\"...\"}");
  LOGCASK_ASSIGN(auto bytes, from_base64(*encoded, "headers"));
  return std::optional<std::string>(std::move(bytes));
}

Status read_headers(const json::value& value, RecordIn& record) {
  if (!value.is_array()) return bad("\"headers\" must be a list of [name, value] pairs");
  for (const auto& pair : value.get_array()) {
    if (!pair.is_array() || pair.get_array().size() != 2)
      return bad("\"headers\" must be a list of [name, value] pairs");
    LOGCASK_ASSIGN(auto name, header_part(pair.get_array()[0]));
    LOGCASK_ASSIGN(auto content, header_part(pair.get_array()[1]));
    if (!name) return bad("a header's name must not be null");
    record.headers.emplace_back(std::move(*name), std::move(content));
  }
  return {};
}

// What a line has said so far; each of key and value may be said once.
struct Said {
  bool key = false;
  bool value = false;
  std::optional<bool> tombstone;
  std::string status;  // of a lookup
  bool caught_up = false;
};

// What get and watch add to a record, and the marker of replay.
Result<bool> read_control_field(const std::string& name, const json::value& value, Said& said) {
  if (name == "status" && value.is_string()) {
    said.status = view(value.get_string());
    return true;
  }
  if (name == "caught_up" && value.is_bool() && !mutant(Mutant::marker_ends_copy)) {
    said.caught_up = value.get_bool();
    return true;
  }
  if (name == "error" && value.is_string()) return bad("it says of itself: " + std::string(view(value.get_string())));
  return name == "topic" || name == "partition" || name == "offset" || name == "ambiguous";
}

Status read_json_field(const std::string& name, const json::value& value, RecordIn& record, Said& said) {
  if (name == "key" || name == "key_base64") {
    if (said.key) return bad("the key is given twice");
    said.key = true;
    if (name == "key") {
      LOGCASK_ASSIGN(record.key, text_or_null(value, name));
    } else {
      LOGCASK_ASSIGN(record.key, from_base64(value, name));
    }
  } else if (name == "value" || name == "value_base64") {
    if (said.value) return bad("the value is given twice");
    said.value = true;
    if (name == "value") {
      LOGCASK_ASSIGN(record.value, text_or_null(value, name));
    } else {
      LOGCASK_ASSIGN(record.value, from_base64(value, name));
    }
  } else if (name == "tombstone") {
    if (!value.is_bool()) return bad("\"tombstone\" must be true or false");
    said.tombstone = value.get_bool();
  } else if (name == "timestamp") {
    if (!value.is_int64()) return bad("\"timestamp\" must be milliseconds since 1970, a whole number");
    record.timestamp = TimestampMs(value.get_int64());
  } else if (name == "headers") {
    return read_headers(value, record);
  } else {
    LOGCASK_ASSIGN(const bool known, read_control_field(name, value, said));
    if (!known)
      return bad("unknown field \"" + name +
                 "\"; of documents of another make --key-field says which field is the key");
  }
  return {};
}

Status check_said(const RecordIn& record, const Said& said) {
  if (!said.key) return bad("\"key\" or \"key_base64\" is missing (a record without key: \"key\":null)");
  const bool value_gone = said.tombstone == true || said.status == "deleted" || said.status == "expired";
  if (!said.value && !value_gone)
    return bad("\"value\" or \"value_base64\" is missing (a tombstone: \"value\":null or \"tombstone\":true)");
  if (said.tombstone && *said.tombstone != !record.value.has_value())
    return bad(*said.tombstone ? "\"tombstone\":true with a value" : "\"tombstone\":false with a null value");
  return {};
}

}  // namespace

void append_json_record(std::string& out, const RecordOut& record) {
  JsonWriter writer(out);
  writer.begin()
      .field("topic", record.topic)
      .field("partition", record.partition.value())
      .field("offset", record.offset.value())
      .field("timestamp", record.timestamp.value())
      .field_bytes("key", record.key);
  if (record.key_only && record.value) {
    writer.field("tombstone", false).end();
    out += '\n';
    return;
  }
  writer.field_bytes("value", record.value).name("headers").begin_list();
  for (const auto& [name, value] : record.headers) writer.begin_list().value_bytes(name).value_bytes(value).end_list();
  writer.end_list().field("tombstone", !record.value.has_value()).end();
  out += '\n';
}

Result<JsonLine> parse_json_record(ByteView text, RecordIn& record) {
  json::error_code code;
  const json::value root = json::parse(json::string_view(text.data(), text.size()), code);
  if (code) return bad("not a JSON object (" + code.message() + ")");
  if (!root.is_object()) return bad("not a JSON object");
  record = RecordIn();
  Said said;
  for (const auto& member : root.get_object())
    LOGCASK_TRY(read_json_field(std::string(member.key().data(), member.key().size()), member.value(), record, said));
  if (count_json_members(text) != root.get_object().size()) return bad("a field is given twice");
  if (said.caught_up && !said.key && !said.value) return JsonLine::caught_up;
  if (said.status == "absent" && !said.value) return JsonLine::no_record;
  LOGCASK_TRY(check_said(record, said));
  return JsonLine::record;
}

}  // namespace logcask::cli
