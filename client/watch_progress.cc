#include "client/watch_progress.h"

#include "base/mutant.h"

namespace logcask::client {

bool WatchProgress::take(std::size_t key_index, Lookup::Status status, PartitionId partition, Offset offset) {
  if (key_index >= keys_.size()) return false;
  Key& key = keys_[key_index];
  // Expiry is no record: it comes at the offset of the value it removed.
  const bool same_status = key.status == status;
  const bool newer =
      offset > key.offset || (offset == key.offset && !same_status) || (offset == kNoOffset && !same_status);
  // Offsets of two partitions cannot be compared. What one of them tells is news, or the broker would not tell it.
  const bool elsewhere = offset != kNoOffset && partition.value() >= 0 && key.partition.value() >= 0 &&
                         partition != key.partition && !mutant(Mutant::offsets_of_two_partitions);
  if (key.status && !newer && !elsewhere) return false;
  key.status = status;
  if (offset > key.offset || elsewhere) {
    key.offset = offset;
    key.partition = partition;
  }
  return true;
}

void WatchProgress::at(PartitionId partition, Offset offset) {
  const auto run = told_.find(partition);
  if (offset < Offset(0) || run == told_.end()) return;
  Position& position = positions_[partition];
  if (offset + 1 > position.offset) position = {offset + 1, run->second};
}

void WatchProgress::restart() { *this = WatchProgress(keys_.size()); }

std::vector<Offset> WatchProgress::last_seen() const {
  std::vector<Offset> offsets;
  offsets.reserve(keys_.size());
  for (const Key& key : keys_) offsets.push_back(key.offset);
  return offsets;
}

}  // namespace logcask::client
