#pragma once
// One step of a replay of one partition: which records come next, and what that does to its position.
//
// Sans threads and sockets: the replay service runs it wherever it likes. It may read the disk.

#include <memory>
#include <vector>

#include "base/result.h"
#include "broker/door/partition_runner.h"
#include "broker/services/replay_token.h"

namespace logcask {

struct ReplayAdvance {
  ReplayPosition position;  // after the step
  std::vector<ByteView> pieces;
  std::size_t bytes = 0;
  std::vector<std::shared_ptr<const void>> owners;
  Offset tombstone_horizon;
  bool marker = false;  // the tail has passed S_end just now
  bool at_end = false;  // nothing more is visible
  Offset visible_end;
};

// Where a fresh replay of the partition starts.
Result<ReplayPosition> first_replay_position(PartitionRunner& runner, PartitionId partition);

// Whether a replay may go on from `position` under tombstone horizon `horizon`: tombstone_horizon_passed when deletes
// that the reader still needed have been cleaned away since it began.
Status check_horizon(const ReplayPosition& position, bool live_only, Offset horizon);

// What a replay is told of a partition that is offline: retriable while it opens anew, else partition_offline.
Error offline_error(const PartitionRunner& runner, PartitionId partition);
// Checks a resumed position against the partition as it is now; stale_token when it belongs to another history. A tail
// gets a new mark, so that a resumed replay has a marker too.
Status resume_replay_position(PartitionRunner& runner, bool live_only, ReplayPosition& position);

Result<ReplayAdvance> advance_replay(PartitionRunner& runner, const ReplayPosition& position,
                                     const ReplayFilter& filter, std::size_t max_bytes);

}  // namespace logcask
