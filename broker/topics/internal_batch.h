#pragma once
// Records that the broker itself writes into its internal topics, as batches an append takes.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/door/partition_runner.h"

namespace logcask {

struct InternalRecord {
  std::string key;
  std::optional<std::string> value;  // nothing = tombstone
};

// Appends one batch with acks=all. `done` hears the offset of its first record: once, on any thread, possibly before
// this returns.
void append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                     const KeyHasher& hasher, std::function<void(Result<Offset>)> done);
// The same, and waits. Not on an I/O thread.
Result<Offset> append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                               const KeyHasher& hasher);

}  // namespace logcask
