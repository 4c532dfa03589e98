#pragma once
// What goes into an append and what comes out of it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"

namespace logcask {

// A condition on one record of a batch, decided where offsets are assigned (what Kafka's KIP-27 asks for).
struct Condition {
  enum class Kind : std::uint8_t {
    absent,  // the key has no live value (never written, or its latest record is a tombstone)
    exists,  // the key has a live value
    offset,  // the key's latest record, value or tombstone, is at `offset`
  };
  std::uint32_t record_index = 0;
  Kind kind = Kind::absent;
  Offset offset;
};

// A produced batch that passed the format check, with the identities of its keys (partition/prepare.h).
struct PreparedBatch {
  std::string reencoded;  // owns the bytes when the topic asked for another codec
  std::unique_ptr<CheckedBatch> checked;
  std::vector<KeyIdentity> identities;  // one per record; unused (empty) on topics without compaction
  std::vector<Condition> conditions;
  std::uint32_t placement = 0;  // of the settings that it was prepared under (partition/config.h)
  bool keys_checked = false;    // every record has a key: of those settings, too
  // Where the keys stand has been looked at: whoever writes one of them by key comes here, too.
  bool placed_by_key = false;
};

// Success: where the batch is. Failure: `error` is set and, for a refused condition, what was found.
struct AppendResult {
  Status error;
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  TimestampMs append_time{-1};          // -1 unless the topic stamps LogAppendTime
  Offset log_start_offset = kNoOffset;  // unless the partition was never asked
  bool duplicate = false;               // an idempotent retry; the offsets are the original's
  // With condition_failed:
  std::uint32_t failed_record_index = 0;
  Offset current_offset = kNoOffset;
  bool current_is_tombstone = false;
  // With keydir_budget_exceeded: the records that would have created keys. With invalid_record: those that lack one.
  std::vector<std::uint32_t> refused_records;
  // Of a batch placed by key on a topic with partitioner `any` (broker/services/key_homes.h). With wrong_partition:
  // records whose keys stand elsewhere, and where to. On success: tombstones of keys that stand there as well.
  struct Elsewhere {
    std::uint32_t record_index = 0;
    PartitionId partition;
    friend bool operator==(const Elsewhere&, const Elsewhere&) = default;
  };
  std::vector<Elsewhere> elsewhere;
  std::vector<std::uint32_t> ambiguous_records;  // values of keys that older values stand of in other partitions
};

}  // namespace logcask
