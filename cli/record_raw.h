#pragma once
// Records as bytes, for pipes between programs: per record a big-endian i32 length of the key (-1 = null), the key, an
// i32 length of the value (-1 = null), the value. What `consume -o raw` writes `produce --input raw` takes.

#include <string>

#include "base/result.h"
#include "cli/record.h"

namespace logcask::cli {

void append_raw_record(std::string& out, const RecordOut& record);

// A length above this is taken for what it is: not this format.
inline constexpr std::int32_t kMaxRawFieldBytes = 1 << 30;

// Bytes that the lengths at the front of `bytes` ask for: the size of the first record once they are all there, else
// the least number of bytes needed to know more. invalid_record for a negative or senseless length.
Result<std::size_t> raw_record_bytes(ByteView bytes);
// Reads exactly one whole record.
Result<RecordIn> parse_raw_record(ByteView bytes);

}  // namespace logcask::cli
