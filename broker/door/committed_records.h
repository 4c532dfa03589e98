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

// Of a read or a lookup: trying again does not help, reading elsewhere does.
bool is_damage(Errc code);

// The same of a log that may be damaged: what cannot be read is told to `damaged` and stepped over. Errors that may
// pass end it.
using DamageSink = std::function<void(Offset from, Offset to, const Error& why)>;
Status for_each_readable_record(PartitionRunner& runner, const std::function<void(const RecordView&)>& sink,
                                const DamageSink& damaged);

}  // namespace logcask
