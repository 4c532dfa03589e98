#pragma once
// What Watch means: the current value of each key, then every change, without a gap.
//
// Registration and the offset of the current record are taken in the same instant; values are read after. A
// watcher that falls behind (no credit, too many changes waiting, in it or in all watches together) is not sent every
// version any more: for each key that changed it gets the newest one. A resumed key is compared with what was last
// seen; one of which nothing is left is told as expired when that lies below log start, else as deleted, at the offset
// last seen. On topics with partitioner `any` a key is watched in every partition, at most kRegistrationsMax times
// together, and that is charged to the call's memory.

#include <atomic>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "broker/services/call_context.h"
#include "proto/lookup_codec.h"

namespace logcask {

// Loop thread only.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void event(const LookupResult& event) = 0;  // views live during the call
  // From here on the highest offset sent of the partition was written in this run; before the next flush.
  virtual void run(PartitionId, RunId) {}
  virtual void flush() = 0;               // after a run of events
  virtual void ended(Status status) = 0;  // last call
};

// Up to where a watch has seen a partition's changes: one past the highest offset, and the run of that.
struct SeenPosition {
  PartitionId partition;
  Offset offset;
  RunId run = kNoRun;
};

struct WatchOptions {
  PartitionId partition{-1};
  std::vector<Offset> last_seen;  // empty, or one per key; -1 = nothing seen yet
  // With last_seen: what that was seen in. topic_changed when it was another log; the watcher begins anew then.
  std::vector<SeenPosition> positions;
  std::uint64_t credit_bytes = 0;
};

// Changes that wait for credit in all watches together: watchers that take nothing must not fill the memory.
struct WatchQueues {
  static constexpr std::size_t kMost = std::size_t{1} << 20;
  explicit WatchQueues(std::size_t most_changes) : most(most_changes) {}
  const std::size_t most;
  std::atomic<std::size_t> queued{0};
};

class WatchService {
 public:
  // Keys x partitions that watch them.
  static constexpr std::size_t kRegistrationsMax = std::size_t{1} << 20;

  // Outlives its watches.
  explicit WatchService(const ServiceParts& parts, std::size_t queued_changes_most = WatchQueues::kMost)
      : parts_(parts), queues_(queued_changes_most) {}
  // The keys' bytes need to live only until this returns. On an error nothing was registered and `sink` is not called.
  Result<std::shared_ptr<OpenCall>> watch(const CallContext& context, std::string_view topic,
                                          std::span<const ByteView> keys, WatchOptions options,
                                          std::unique_ptr<WatchSink> sink);

 private:
  Result<TopicPtr> check(const CallContext& context, std::string_view topic, std::size_t keys,
                         const WatchOptions& options) const;
  const ServiceParts& parts_;
  WatchQueues queues_;
};

}  // namespace logcask
