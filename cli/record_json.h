#pragma once
// Records as JSON, one object a line:
//
//   {"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v","headers":[["h","x"]],
//    "tombstone":false}
//
// Key and value are strings when they are UTF-8, else `key_base64`, `value_base64`; a null key is "key":null and a
// tombstone has "value":null,"tombstone":true. Headers are a list of pairs; null header values are null, bytes that are
// not UTF-8 are {"base64":"..."}. What is printed can be read back: topic, partition and offset are then ignored.

#include <string>

#include "base/result.h"
#include "cli/json_writer.h"
#include "cli/record.h"

namespace logcask::cli {

// Appends the object of a record and a newline.
void append_json_record(std::string& out, const RecordOut& record);

// Reads one line. The value must be said, one way or another: `value`, `value_base64` or `"tombstone":true`.
// invalid_record names the field that is wrong, also an unknown one.
Result<RecordIn> parse_json_record(ByteView line);

}  // namespace logcask::cli
