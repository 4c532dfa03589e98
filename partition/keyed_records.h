#pragma once
// Walks the records of one segment that count for the keydir: hints and the keydir's load are made of them.
//
// Control batches hold no keys and are stepped over. Stateless; memory is the largest batch plus one group.
// Errors: those of Segment::scan; corrupt_range when a batch whose CRC holds cannot be decoded.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "segment/segment.h"

namespace logcask {

struct KeyedRecord {
  KeyIdentity identity;
  Offset offset;
  std::uint32_t encoded_bytes = 0;
  bool tombstone = false;
};

// Over all records walked, not only the keyed ones.
struct KeyedTotals {
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t tombstones = 0;
  TimestampMs max_timestamp = kNoTimestamp;
  // One past the last offset of the last batch walked: on an error, where the damage begins.
  Offset next_offset;
  std::optional<Offset> keyless = std::nullopt;  // the first record from `from` on that has no key
};

struct KeyedRange {
  Offset from;
  // The walk ends before the batch at this position; a batch edge.
  std::uint64_t end_position = 0;
  // Where the first batch must lie; corrupt_file when it does not (whoever said so spoke of another log).
  std::optional<std::uint64_t> from_position;
  bool until_keyless = false;  // the walk ends behind a batch that has a record without a key
};

// Records in offset order, in groups of at most 1024. The first error of `take` ends the walk.
using KeyedCallback = std::function<Status(std::span<const KeyedRecord>)>;

// `totals` is added to, also when the walk fails.
Status walk_keyed_records(const Segment& segment, const KeyedRange& range, const KeyHasher& hasher,
                          std::size_t max_decompressed_bytes, KeyedTotals& totals, const KeyedCallback& take);

}  // namespace logcask
