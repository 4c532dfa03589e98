#pragma once
// Records as JSON, one object a line:
//
//   {"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v","headers":[["h","x"]],
//    "tombstone":false}
//
// Key and value are strings when they are UTF-8, else `key_base64`, `value_base64`; a null key is "key":null and a
// tombstone has "value":null,"tombstone":true. Headers are a list of pairs; null header values are null, bytes that are
// not UTF-8 are {"base64":"..."}. What any verb prints can be read back: topic, partition and offset are then ignored,
// and so are lines that hold no record, which are told apart.

#include <cstdint>
#include <string>

#include "base/json_writer.h"
#include "base/result.h"
#include "cli/record.h"

namespace logcask::cli {

// Appends the object of a record and a newline; of a key alone without value and headers, which cannot be read back.
void append_json_record(std::string& out, const RecordOut& record);

enum class JsonLine : std::uint8_t {
  record,
  caught_up,  // replay's marker
  no_record,  // a lookup that says absent
};

// Reads one object. The value must be said, one way or another: `value`, `value_base64`, `"tombstone":true`, or the
// status deleted or expired of a lookup. invalid_record names the field that is wrong, also an unknown one.
Result<JsonLine> parse_json_record(ByteView text, RecordIn& record);

}  // namespace logcask::cli
