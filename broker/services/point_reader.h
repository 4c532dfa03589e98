#pragma once
// The record at one offset, read through a partition's runner. Keeps the batch it read last, so records of one
// batch cost one read; drop the reader before waiting for anything, the batch may be tail buffer memory.
//
// One thread. May read the disk.

#include <optional>
#include <string>

#include "broker/door/partition_runner.h"
#include "proto/record_batch.h"

namespace logcask {

class PointReader {
 public:
  explicit PointReader(PartitionRunner& runner) : runner_(runner) {}
  // Nothing when compaction or retention removed it, or it cannot be read. Views live until the next call.
  std::optional<RecordView> read(Offset offset);

 private:
  bool load(Offset offset);

  PartitionRunner& runner_;
  FetchedBatches fetched_;
  std::optional<BatchHeader> header_;
  std::string scratch_;
  ByteView records_;
};

}  // namespace logcask
