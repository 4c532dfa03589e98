#pragma once
// Reads a partition's records through its runner. Blocks on the disk: not on an I/O thread.

#include <functional>

#include "base/result.h"
#include "broker/door/partition_runner.h"
#include "proto/record_batch.h"

namespace logcask {

inline constexpr std::size_t kDecompressedBytesMax = 64u << 20;

// Calls `sink` for each record of `batches` (whole batches, one after the other). Control batches are skipped.
Status for_each_record(ByteView batches, const std::function<void(const RecordView&)>& sink);

// Every committed record from log start to the end as it is when the walk begins, in order.
Status for_each_committed_record(PartitionRunner& runner, const std::function<void(const RecordView&)>& sink);

}  // namespace logcask
