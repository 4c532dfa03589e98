#pragma once
// From the bytes a client sent to a batch that may be appended: the one check, the re-encoding a topic asks for
// (compression.type other than `producer`), and the identities of its keys. Done before the partition's lock is taken.

#include "base/key_hash.h"
#include "base/result.h"
#include "partition/append_types.h"
#include "partition/config.h"

namespace logcask {

// `bytes` must outlive the result unless it is re-encoded. Errors are check_produced_batch's.
Result<PreparedBatch> prepare_batch(ByteView bytes, const PartitionConfig& config, const KeyHasher& hasher,
                                    std::vector<Condition> conditions = {});

}  // namespace logcask
