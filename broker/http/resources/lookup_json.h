#pragma once
// A record that a lookup has found, as JSON.

#include <optional>
#include <string>

#include "base/json_writer.h"
#include "proto/lookup_codec.h"
#include "proto/record_cursor.h"

namespace logcask {

// "partition", "offset", "timestamp", the value and "headers", into an object that has begun. With `base64` the value
// is written so, whatever it is.
void append_found(JsonWriter& json, const LookupResult& found, bool base64);

// "value", or "value_base64" where it is not UTF-8 or `base64` is asked for; null when there is none.
void append_value(JsonWriter& json, const std::optional<ByteView>& value, bool base64);
// [[name, value], ...]
void append_headers(JsonWriter& json, const RecordView& record);

}  // namespace logcask
