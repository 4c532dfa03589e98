#pragma once
// What fetch means: read several partitions, wait up to a deadline until there is enough, or follow for good.
//
// Runs on the caller's loop. Whoever waits is one waiter per partition and one timer, all given back at the end.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/services/call_context.h"

namespace logcask {

struct FetchPosition {
  std::string topic;
  PartitionId partition;
  Offset offset;
  std::size_t max_bytes = 0;  // 0 = the request's
  RunId run = kNoRun;         // that the offset was read in; topic_changed when this log does not know it
  std::optional<TopicId> topic_id = std::nullopt;  // topic_changed for another one of the name
};

struct FetchedPartition {
  Status error;
  FetchedBatches data;
};

class FetchCall {
 public:
  virtual ~FetchCall() = default;
  // On the loop, once, possibly before fetch() returns. In the order of the positions.
  virtual void completed(Status status, std::vector<FetchedPartition> partitions) = 0;
};

// Receives a followed log. Loop thread only.
class FollowSink {
 public:
  virtual ~FollowSink() = default;
  virtual void news(std::size_t position_index, FetchedPartition partition) = 0;
  virtual void ended(Status status) = 0;  // last call
};

class FetchService {
 public:
  struct Options {
    std::int64_t max_wait_ms = 0;  // never more than the broker's limit
    std::size_t min_bytes = 1;
    std::size_t max_bytes = 0;  // 0 = the broker's limit; never more than that
  };
  FetchService(const ServiceParts& parts, std::size_t answer_bytes_max, std::int64_t wait_max_ms);

  // invalid_argument when a partition is named twice; to be asked before fetch() and follow().
  static Status check(std::span<const FetchPosition> positions);

  // Null when it has been answered.
  std::shared_ptr<OpenCall> fetch(const CallContext& context, std::vector<FetchPosition> positions, Options options,
                                  std::unique_ptr<FetchCall> call);
  // Sends whole batches as they become visible, while there is credit; at most one batch beyond it.
  std::shared_ptr<OpenCall> follow(const CallContext& context, std::vector<FetchPosition> positions,
                                   std::uint64_t credit_bytes, std::unique_ptr<FollowSink> sink);

 private:
  class LongPoll;
  class Follow;

  const ServiceParts& parts_;
  const std::size_t answer_bytes_max_;
  const std::int64_t wait_max_ms_;
};

}  // namespace logcask
