#include "cli/keydir_sizing_text.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "base/json_writer.h"
#include "cli/units.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

std::string rate_text(double per_hour) {
  const auto rate = static_cast<std::int64_t>(std::llround(per_hour));
  return (rate > 0 ? "+" : "") + std::to_string(rate);
}

void append_optional(JsonWriter& json, const char* name, const std::optional<double>& number) {
  if (number)
    json.field(name, *number);
  else
    json.name(name).null();
}

}  // namespace

void append_sizing_json(JsonWriter& json, const client::KeydirSizing& sizing) {
  json.name("sizing");
  if (sizing.limit.empty()) {
    json.null();
    return;
  }
  json.begin()
      .field("entries", sizing.entries)
      .field("bytes", sizing.bytes)
      .field("limit", sizing.limit)
      .field("limit_bytes", sizing.limit_bytes)
      .field("limit_used_bytes", sizing.limit_used_bytes)
      .field("verdict", sizing.verdict);
  append_optional(json, "entries_per_hour", sizing.entries_per_hour);
  append_optional(json, "limit_entries_per_hour", sizing.limit_entries_per_hour);
  append_optional(json, "seconds_until_tight", sizing.seconds_until_tight);
  append_optional(json, "seconds_until_oom", sizing.seconds_until_oom);
  append_optional(json, "keys_per_record", sizing.keys_per_record);
  json.field("note", sizing.note).end();
}

std::string keydir_bytes_text(const client::KeydirSizing& of, std::uint64_t bytes) {
  return of.limit.empty() ? bytes_text(bytes) : sizing::bytes_beside(static_cast<double>(bytes), of.limit_bytes, 2);
}

std::string sizing_text(const client::KeydirSizing& of) {
  return keydir_bytes_text(of, of.bytes) + " for " + std::to_string(of.entries) + " keys; " +
         keydir_bytes_text(of, of.limit_used_bytes) + " of " + sizing::short_bytes(of.limit_bytes) + " (" + of.limit +
         "): " + of.verdict;
}

std::string growth_text(const client::KeydirSizing& sizing) {
  if (!sizing.entries_per_hour || !sizing.limit_entries_per_hour) return "not known yet";
  std::string text = rate_text(*sizing.entries_per_hour) + " keys an hour";
  if (*sizing.limit_entries_per_hour != *sizing.entries_per_hour)
    text += ", all topics " + rate_text(*sizing.limit_entries_per_hour);
  if (!sizing.seconds_until_oom || sizing.verdict == "OOM") return text;
  text += ":";
  if (sizing.verdict == "FITS" && sizing.seconds_until_tight)
    text += " TIGHT in " + sizing::about_seconds(*sizing.seconds_until_tight) + ",";
  return text + " OOM in " + sizing::about_seconds(*sizing.seconds_until_oom) + " at this rate";
}

}  // namespace logcask::cli
