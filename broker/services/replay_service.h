#pragma once
// What Replay means: the records a new reader needs, a marker when they are complete, then the tail.
//
// Per partition: S_start = what is committed when the replay begins; the walk sends the live records below it. A key
// that is overwritten or deleted meanwhile is skipped by the walk and comes in the tail; so when the walk ENDS the
// bound is read again (S_end), and `caught_up` is sent once the tail, which starts at S_start, has passed S_end.
// It is always sent, also when there is nothing to send.
//
// Steps of walk and catch-up run on background threads, one at a time per replay; a caught-up tail is served from the
// loop. At most the granted credit of record bytes is sent, and one batch more.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/replay_token.h"

namespace logcask {

struct ReplayOptions {
  std::vector<PartitionId> partitions;  // empty = all
  ReplayFilter filter;
  std::string resume_token;
  bool stop_at_caught_up = false;
  std::uint64_t credit_bytes = 0;
};

struct ReplayChunk {
  PartitionId partition;
  std::vector<ByteView> pieces;  // whole batches; none in a marker or a progress report
  std::size_t bytes = 0;
  std::vector<std::shared_ptr<const void>> owners;  // of the pieces
  bool caught_up = false;
  Offset caught_up_offset = kNoOffset;
  Offset position;
  Offset snapshot_end;
  Offset tombstone_horizon;
  std::string token;  // empty: keep the last one
};

// Loop thread only.
class ReplaySink {
 public:
  virtual ~ReplaySink() = default;
  virtual void chunk(ReplayChunk chunk) = 0;
  virtual void ended(Status status) = 0;  // last call
};

class ReplayService {
 public:
  explicit ReplayService(const ServiceParts& parts) : parts_(parts) {}
  // On an error nothing was started and `sink` is not called. tombstone_horizon_passed, stale_token: start anew.
  Result<std::shared_ptr<OpenCall>> replay(const CallContext& context, std::string_view topic, ReplayOptions options,
                                           std::unique_ptr<ReplaySink> sink);

 private:
  class Replay;
  const ServiceParts& parts_;
};

}  // namespace logcask
