#include "broker/http/resources/lookup_json.h"

#include "base/base64.h"

namespace logcask {

void append_found(JsonWriter& json, const LookupResult& found, bool base64) {
  json.field("partition", found.partition.value())
      .field("offset", found.offset.value())
      .field("timestamp", found.timestamp.value());
  append_value(json, found.value, base64);
  RecordView record;
  record.header_count = static_cast<std::int32_t>(found.header_count);
  record.raw_headers = found.raw_headers;
  json.name("headers");
  append_headers(json, record);
  if (found.ambiguous) json.field("ambiguous", true);
}

void append_value(JsonWriter& json, const std::optional<ByteView>& value, bool base64) {
  if (!base64 || !value) {
    json.field_bytes("value", value);
    return;
  }
  std::string encoded;
  append_base64(encoded, *value);
  json.field("value_base64", encoded);
}

void append_headers(JsonWriter& json, const RecordView& record) {
  json.begin_list();
  for (const RecordHeader& header : decode_headers(record))
    json.begin_list().value_bytes(header.key).value_bytes(header.value).end_list();
  json.end_list();
}

}  // namespace logcask
