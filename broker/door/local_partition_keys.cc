// How a partition without a keydir gets one: a look whether each of its records has a key, and the log opened anew.

#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"
#include "partition/hint_builder.h"

namespace logcask {

Result<KeyScan> LocalPartitionRunner::scan_keys(const std::function<Status()>& keep_going) {
  std::vector<std::pair<std::shared_ptr<const Segment>, HintExtent>> segments;
  Offset from;
  LOGCASK_TRY(wait_committed());
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    from = partition_->log_start();
    for (const auto& segment : partition_->list()->segments)
      segments.emplace_back(segment,
                            extent_of(segment->is_active() ? partition_->writer()->facts() : segment->facts()));
  }
  const auto& env = environment_.partition;
  KeyScan scan;
  for (const auto& [segment, extent] : segments) {
    const Status read = logcask::scan_keys(*segment, std::max(from, segment->base()), extent, *env.hasher,
                                           env.segments->max_decompressed_bytes, keep_going, scan);
    if (!read.ok()) {
      // Retention may have taken it meanwhile.
      const Lock lock(mutex_);
      if (auto error = unavailable()) return *std::move(error);
      if (partition_->log_start() < extent.next_offset) return read.error();
      continue;
    }
    if (scan.keyless) break;
  }
  return scan;
}

Status LocalPartitionRunner::become_compacted(const PartitionConfig& config) {
  // Recovery has next to nothing to do after that; failing it, it does the work. A flush would wait for a moment in
  // which nobody writes.
  (void)final_checkpoint();
  {
    const Lock lock(mutex_);
    if (closing_) return Error{Errc::shutting_down, environment_.name + " is closing"};
  }
  shut_log({Errc::loading, environment_.name + " becomes a compacted partition; ask again"});
  {
    const Lock lock(mutex_);
    config_ = config;
  }
  auto report = open_log(false);
  if (!report.ok()) return std::move(report).error();
  return {};
}

// Returns once all that has been appended until now is on disk.
Status LocalPartitionRunner::wait_committed() {
  Offset end;
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    end = partition_->marks().next_offset();
  }
  return wait_committed(end);
}

}  // namespace logcask
