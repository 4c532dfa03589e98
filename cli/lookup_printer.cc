#include "cli/lookup_printer.h"

#include "base/json_writer.h"

namespace logcask::cli {

using client::Lookup;

const char* lookup_status_text(Lookup::Status status) {
  switch (status) {
    case Lookup::Status::found:
      return "found";
    case Lookup::Status::absent:
      return "absent";
    case Lookup::Status::deleted:
      return "deleted";
    case Lookup::Status::expired:
      return "expired";
    case Lookup::Status::failed:
      return "failed";
  }
  return "failed";
}

void append_json_lookup(std::string& out, const std::string& topic, ByteView key, const Lookup& lookup) {
  JsonWriter json(out);
  json.begin().field("status", lookup_status_text(lookup.status)).field("topic", topic);
  if (lookup.offset != kNoOffset)
    json.field("partition", lookup.partition.value())
        .field("offset", lookup.offset.value())
        .field("timestamp", lookup.timestamp.value());
  json.field_bytes("key", key);
  if (lookup.found()) {
    json.field_bytes("value", lookup.value).name("headers").begin_list();
    for (const auto& header : lookup.headers)
      json.begin_list()
          .value_bytes(header.name)
          .value_bytes(header.value ? std::optional<ByteView>(*header.value) : std::nullopt)
          .end_list();
    json.end_list().field("tombstone", false);
  }
  if (lookup.status == Lookup::Status::deleted) json.name("value").null().field("tombstone", true);
  if (lookup.ambiguous) json.field("ambiguous", true);
  if (lookup.status == Lookup::Status::failed) json.field("error", lookup.error.to_string());
  json.end();
  out += '\n';
}

void append_text_lookup(std::string& out, ByteView key, const Lookup& lookup, const TextStyle& style) {
  if (lookup.found())
    append_text_record(out, key, ByteView(lookup.value), style);
  else if (lookup.status == Lookup::Status::deleted || lookup.status == Lookup::Status::expired)
    append_text_record(out, key, std::nullopt, style);
}

std::string lookup_remark(ByteView key, const Lookup& lookup) {
  if (lookup.status != Lookup::Status::absent && lookup.status != Lookup::Status::expired) return {};
  std::string remark = std::string(lookup_status_text(lookup.status)) + ": ";
  append_escaped_field(remark, key);
  return remark;
}

}  // namespace logcask::cli
