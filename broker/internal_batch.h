#pragma once
// Records that the broker itself writes into its internal topics, as batches an append takes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/partition_runner.h"

namespace logcask {

struct InternalRecord {
  std::string key;
  std::optional<std::string> value;  // nothing = tombstone
};

// A prepared batch whose bytes live here: keep it until the append is done.
struct InternalBatch {
  std::string bytes;
  PreparedBatch prepared;
};
Result<std::unique_ptr<InternalBatch>> make_internal_batch(const std::vector<InternalRecord>& records, TimestampMs now,
                                                           const KeyHasher& hasher);

// Appends with acks=all and waits. Not on an I/O thread.
Status append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                       const KeyHasher& hasher);

}  // namespace logcask
