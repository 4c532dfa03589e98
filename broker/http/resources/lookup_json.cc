#include "broker/http/resources/lookup_json.h"

#include "base/base64.h"

namespace logcask {

void append_found(JsonWriter& json, const LookupResult& found, bool base64) {
  json.field("partition", found.partition.value())
      .field("offset", found.offset.value())
      .field("timestamp", found.timestamp.value());
  if (base64) {
    std::string encoded;
    append_base64(encoded, found.value);
    json.field("value_base64", encoded);
  } else {
    json.field_bytes("value", found.value);
  }
  RecordView record;
  record.header_count = static_cast<std::int32_t>(found.header_count);
  record.raw_headers = found.raw_headers;
  json.name("headers");
  append_headers(json, record);
  if (found.ambiguous) json.field("ambiguous", true);
}

void append_headers(JsonWriter& json, const RecordView& record) {
  json.begin_list();
  for (const RecordHeader& header : decode_headers(record))
    json.begin_list().value_bytes(header.key).value_bytes(header.value).end_list();
  json.end_list();
}

}  // namespace logcask
