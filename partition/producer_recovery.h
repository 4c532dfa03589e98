#pragma once
// What a restarted partition still knows of its idempotent producers: the newest snapshot, and what the logs hold
// beyond it. What compaction merged has lost its producer fields; those producers read as unknown, and an unknown
// producer may start anywhere.
//
// Owner: one recovery (recovery.h), which asks in the order of the log: load(), then every batch behind the manifest.
// Threads: none.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "proto/record_batch.h"
#include "segment/file.h"
#include "segment/segment.h"

namespace logcask {

class ProducerRecovery {
 public:
  explicit ProducerRecovery(const ProducerStateConfig& config) : config_(config), state_(config) {}

  // The snapshot that `manifest` names, then the closed segments beyond it; all of them when it cannot be read.
  Status load(Directory& directory, const Manifest& manifest,
              const std::vector<std::shared_ptr<const Segment>>& closed);

  // A sound batch of the log; what is known already is passed over. `seen`: the broker's time, because the records'
  // may be years off and decide when a producer is forgotten.
  void learn(const BatchHeader& header, TimestampMs seen);

  // Of the log file `name`, [0, end): the sound batches at or above `from`. Reads serve sound batches behind a damaged
  // one whose place is certain, so a repetition of one of these must be known for what it is, too. In a rewritten log
  // no place is certain without its index.
  Status learn_behind_damage(const File& file, SegmentName name, Offset from, std::uint64_t end, TimestampMs seen);

  // No usable snapshot, though the manifest names one.
  bool rebuilt() const { return rebuilt_; }
  ProducerState take() { return std::move(state_); }

 private:
  Status load_snapshot(Directory& directory, const Manifest& manifest);
  Status learn_segment(Directory& directory, const Segment& segment);

  const ProducerStateConfig config_;
  ProducerState state_;
  Offset known_to_;  // from here on the logs are asked
  bool rebuilt_ = false;
};

}  // namespace logcask
