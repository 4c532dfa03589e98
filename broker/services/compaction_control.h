#pragma once
// How `logcask compact` reaches the compactor: ask for one partition, hear how it goes.
//
// Implemented by the broker's compaction threads. Threads: any. Callbacks run on the compactor's thread
// and must be short.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/types.h"
#include "broker/door/partition_runner.h"

namespace logcask {

struct CompactionProgress {
  Status error;           // set together with finished
  bool finished = false;  // nothing is due any more, or (without wait) the request was taken
  std::uint64_t bytes_read = 0, bytes_written = 0, bytes_before = 0, bytes_after = 0;
  std::uint64_t records_kept = 0, records_dropped = 0, tombstones_dropped = 0;
  std::uint32_t rewrites = 0;
  double seconds = 0;
};

class CompactionControl {
 public:
  using RequestId = std::uint64_t;
  virtual ~CompactionControl() = default;

  // Rolls the active segment and compacts what is due, ahead of the others. With `wait`: reports progress, and finishes
  // when nothing is due; else when the request is taken. `progress` runs at least once, with `finished` exactly once,
  // the last time.
  virtual RequestId request(std::shared_ptr<PartitionRunner> partition, bool wait,
                            std::function<void(const CompactionProgress&)> progress) = 0;
  // The caller lost interest: `progress` is not called any more after this returns. What runs is finished.
  virtual void cancel(RequestId id) = 0;
};

}  // namespace logcask
