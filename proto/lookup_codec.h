#pragma once
// The attachments of Get and Watch: keys on the way in, lookup results on the way out.
//
// Keys: key_count times { u32 key_bytes, key }.
// Results: { u8 status, u8 flags, u16 error_code, u32 key_index, i32 partition, i64 offset,
//   i64 timestamp_ms, i32 value_bytes (-1 = none), u32 header_count, u32 headers_bytes, value, headers }
// big-endian. `headers` are the record's headers as the record batch encodes them, without their count.
// Views point into the attachment.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

enum class LookupStatus : std::uint8_t {
  found = 0,
  absent = 1,   // the key was never written, or nothing of it is left
  deleted = 2,  // its latest record is a tombstone, at `offset`
  expired = 3,  // Watch: retention removed it
  failed = 4,   // `error` says why
};

struct LookupResult {
  LookupStatus status = LookupStatus::absent;
  bool ambiguous = false;  // several partitions hold the key; the newest is shown
  Errc error = Errc::ok;
  std::uint32_t key_index = 0;
  PartitionId partition{-1};
  Offset offset = kNoOffset;
  TimestampMs timestamp;
  ByteView value;
  std::uint32_t header_count = 0;
  ByteView raw_headers;
};

inline constexpr std::size_t kLookupResultFixedBytes = 40;

void append_key(std::string& out, ByteView key);
// Exactly `key_count` keys and nothing after them; malformed_frame otherwise.
Result<std::vector<ByteView>> decode_keys(ByteView attachment, std::uint32_t key_count);

void append_lookup_result(std::string& out, const LookupResult& result);
// Exactly `count` results and nothing after them; malformed_frame otherwise.
Result<std::vector<LookupResult>> decode_lookup_results(ByteView attachment, std::uint32_t count);

}  // namespace logcask
