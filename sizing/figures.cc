#include "sizing/figures.h"

#include <algorithm>
#include <cmath>

#include "sizing/quantity.h"

namespace logcask::sizing {
namespace {

// Compaction at a share d of dead records writes (1 - d) / d bytes for each dead byte it takes away.
double write_amplification(double updates, double dead_share) {
  return 1 + (1 - dead_share) / dead_share * updates / (1 + updates);
}

// A double: the product with the partitions may be beyond any integer.
double segments_of(double bytes, double segment_bytes) { return std::max(1.0, std::ceil(bytes / segment_bytes)); }

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
  f.ram_resident = f.ram + std::min(keys, partitions) * cost.partition_bytes;
  f.ram_needed = f.ram + workload.other_entries * f.ram_per_key;
  choose_limit(workload, f);

  f.record_bytes =
      cost.record_overhead + static_cast<double>(workload.key_bytes) + static_cast<double>(workload.value_bytes);
  f.disk_per_key = f.record_bytes + cost.hint_bytes;
  f.updates = static_cast<double>(workload.updates_per_key);
  // The delete and the new value are writes of the key.
  if (workload.deletes_and_recreates) f.updates = std::max(2.0, f.updates);
  const double dead_share = cost.dead_share.value_or(static_cast<double>(workload.dead_percent) / 100);
  const double log_live = workload.live_disk_bytes.value_or(keys * f.record_bytes);
  const double hints = keys * cost.hint_bytes;
  const double written = log_live * (1 + f.updates);
  f.disk_factor = 1 / (1 - dead_share);
  double bound = f.disk_factor * log_live;
  if (!cost.dead_share) {
    f.disk_factor = std::max(kDiskBound, f.disk_factor);
    bound = std::max(f.disk_factor * log_live, log_live + kDiskBoundSegments * segment * partitions);
  }
  double log_high = std::min(written, bound);
  if (workload.dead_disk_bytes) log_high = std::max(log_high, log_live + *workload.dead_disk_bytes);
  f.disk_live = log_live + hints;
  f.disk_high = log_high + hints;
  f.disk_all_copies = f.disk_high * copies;

  const double live_segments = segments_of(log_live / partitions, segment);
  f.data_files_per_partition = whole(live_segments);
  f.data_files = whole(live_segments * partitions);
  const double high = segments_of(log_high / partitions, segment) * partitions;
  f.files = whole(high * kFilesPerSegment + kFilesPerPartition * partitions);
  f.descriptors = whole(high + kDescriptorsPerPartition * partitions);
  f.restart = {keys * kRestartSecondsPerKey, keys * kRestartKilledSecondsPerKey, log_high * kRestartSecondsPerLogByte};
  f.write_amplification = write_amplification(f.updates, dead_share);
  return f;
}

}  // namespace logcask::sizing
