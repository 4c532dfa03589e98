#pragma once
// What a watch has shown of each key, so that it can be taken up again without showing it twice. Sans-I/O.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/types.h"
#include "logcask/table.h"

namespace logcask::client {

class WatchProgress {
 public:
  explicit WatchProgress(std::size_t keys) : keys_(keys) {}

  // False when the event says nothing new: an older or equal offset of the same partition, or once more that the key is
  // absent. A partition below 0: not known.
  bool take(std::size_t key_index, Lookup::Status status, PartitionId partition, Offset offset);
  // Per key the offset seen last, kNoOffset = nothing yet: what a new subscription starts from.
  std::vector<Offset> last_seen() const;
  bool seen(std::size_t key_index) const { return key_index < keys_.size() && keys_[key_index].status.has_value(); }

  // What tells the log from another of the topic's name: the run of the highest offset of a partition, as the broker
  // tells it before the events that it is for, and each event's offset.
  void told(PartitionId partition, RunId run) { told_[partition] = run; }
  void at(PartitionId partition, Offset offset);
  struct Position {
    Offset offset;  // one past the highest
    RunId run = kNoRun;
  };
  const std::map<PartitionId, Position>& positions() const { return positions_; }
  // Another log: nothing of it has been seen.
  void restart();
  // A new subscription tells runs anew.
  void subscribed() { told_.clear(); }

 private:
  struct Key {
    std::optional<Lookup::Status> status;
    Offset offset = kNoOffset;
    PartitionId partition{-1};  // of that offset
  };
  std::vector<Key> keys_;
  std::map<PartitionId, RunId> told_;
  std::map<PartitionId, Position> positions_;
};

}  // namespace logcask::client
