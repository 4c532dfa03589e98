#include "sizing/figures.h"

#include <algorithm>
#include <cmath>

namespace logcask::sizing {
namespace {

// Compaction at a share d of dead records writes (1 - d) / d bytes for each dead byte it takes away.
double write_amplification(const Workload& workload, double dead_share) {
  const auto updates = static_cast<double>(workload.updates_per_key);
  return 1 + (1 - dead_share) / dead_share * updates / (1 + updates);
}

std::uint64_t segments_of(double bytes, std::uint64_t segment_bytes) {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(bytes / static_cast<double>(segment_bytes))));
}

double fullness(double used, double limit) { return limit > 0 ? used / limit : 1; }

// As the live broker does: its own limit counts when it is the nearer one.
void choose_limit(const Workload& workload, Figures& f) {
  f.limit = kNodeLimit;
  f.limit_bytes = static_cast<double>(workload.ram_budget);
  f.limit_used = f.ram_needed;
  f.node_verdict = verdict(f.limit_used, f.limit_bytes);
  if (const auto& own = workload.ram_budget_per_topic) {
    const auto own_bytes = static_cast<double>(*own);
    if (fullness(f.ram, own_bytes) >= fullness(f.limit_used, f.limit_bytes)) {
      f.limit = kTopicLimit;
      f.limit_bytes = own_bytes;
      f.limit_used = f.ram;
    }
  }
  f.verdict = verdict(f.limit_used, f.limit_bytes);
  // The advice is about the RAM one pays for.
  f.above_quarter = above_quarter(f.ram_needed, static_cast<double>(workload.ram_budget));
}

}  // namespace

std::uint64_t most_partitions(const Workload& workload) {
  return std::max(workload.partitions, workload.max_partitions);
}

Figures figures(const Workload& workload, const KeydirCost& cost) {
  const auto keys = static_cast<double>(workload.keys);
  const auto partitions = static_cast<double>(workload.partitions);
  const auto copies = static_cast<double>(workload.replication);
  const auto segment = static_cast<double>(workload.segment_bytes);
  Figures f;
  f.cost = cost;
  f.ram_per_key = cost.per_key(workload.key_bytes);
  f.ram = cost.ram(workload.keys, workload.key_bytes);
  f.ram_per_partition = f.ram / partitions;
  f.ram_all_copies = f.ram * copies;
  f.ram_needed = f.ram + workload.other_entries * f.ram_per_key;
  choose_limit(workload, f);

  f.record_bytes =
      cost.record_overhead + static_cast<double>(workload.key_bytes) + static_cast<double>(workload.value_bytes);
  const double log_live = workload.live_disk_bytes.value_or(keys * f.record_bytes);
  const double hints = keys * cost.hint_bytes;
  const double written = log_live * (1 + static_cast<double>(workload.updates_per_key));
  const double bound = cost.dead_share
                           ? log_live / (1 - *cost.dead_share)
                           : std::max(kDiskBound * log_live, log_live + kDiskBoundSegments * segment * partitions);
  double log_high = std::min(written, bound);
  if (workload.dead_disk_bytes) log_high = std::max(log_high, log_live + *workload.dead_disk_bytes);
  f.disk_live = log_live + hints;
  f.disk_high = log_high + hints;
  f.disk_all_copies = f.disk_high * copies;

  f.data_files_per_partition = segments_of(log_live / partitions, workload.segment_bytes);
  f.data_files = f.data_files_per_partition * workload.partitions;
  const std::uint64_t high = segments_of(log_high / partitions, workload.segment_bytes) * workload.partitions;
  f.files = high * kFilesPerSegment + kFilesPerPartition * workload.partitions;
  f.descriptors = high + kDescriptorsPerPartition * workload.partitions;
  f.restart = {keys * kRestartSecondsPerKey, keys * kRestartKilledSecondsPerKey, log_high * kRestartSecondsPerLogByte};
  f.write_amplification =
      write_amplification(workload, cost.dead_share.value_or(static_cast<double>(workload.dead_percent) / 100));
  return f;
}

}  // namespace logcask::sizing
