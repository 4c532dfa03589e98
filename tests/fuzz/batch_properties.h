#pragma once
// What must hold for any record batch, sound or not. Shared by the targets of batches and of segments.

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "proto/record_batch.h"

namespace logcask::fuzz {

// Enough for every path, and no input costs much.
inline constexpr std::size_t kMaxDecompressedBytes = 4u << 10;

// A batch around `records` (as it goes on the disk: compressed), with a checksum that holds.
std::string wrap_records(const BatchHeader& fields, ByteView records);
// Makes `batch` a batch as far as its length and checksum go; false when it is too short for a header.
bool repair_batch(std::string& batch);

// A record with bytes of its own.
struct OwnRecord {
  Offset offset;
  TimestampMs timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string headers;
  std::int32_t header_count = 0;
  friend bool operator==(const OwnRecord&, const OwnRecord&) = default;
};
// The records up to the first that cannot be read; `whole` says whether that was the end.
std::vector<OwnRecord> read_records(const BatchHeader& header, ByteView section, bool& whole);

// The check, reading and skimming; of the costly rest what `variant` says: bits 0-2 the filter, bits 3-4 writing anew,
// filtering, patching, or all of them.
void check_batch(ByteView batch, bool keys_required, std::uint8_t variant);

}  // namespace logcask::fuzz
