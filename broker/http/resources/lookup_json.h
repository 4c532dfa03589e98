#pragma once
// A record that a lookup has found, as JSON.

#include <string>

#include "base/json_writer.h"
#include "proto/lookup_codec.h"
#include "proto/record_cursor.h"

namespace logcask {

// "partition", "offset", "timestamp", the value and "headers", into an object that has begun. With `base64` the value
// is written so, whatever it is.
void append_found(JsonWriter& json, const LookupResult& found, bool base64);

// [[name, value], ...]
void append_headers(JsonWriter& json, const RecordView& record);

}  // namespace logcask
