#pragma once
// ListOffsets: earliest, latest, the first record at or after a time, or the first of those with the highest timestamp.
// The last two may read the disk.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/services/call_context.h"

namespace logcask {

inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;
inline constexpr std::int64_t kNewestTimestamp = -3;

struct OffsetQuery {
  std::string topic;
  PartitionId partition;
  std::int64_t timestamp_ms = kLatestTimestamp;
};
struct OffsetAnswer {
  Offset offset = kNoOffset;  // -1: no record at or after the time
  TimestampMs timestamp{-1};
  LeaderEpoch leader_epoch;
};

class OffsetsService {
 public:
  explicit OffsetsService(const ServiceParts& parts) : parts_(parts) {}
  // Any thread.
  Result<OffsetAnswer> find(const Principal& principal, const OffsetQuery& query) const;

  // How long when_shown() waits for a disk.
  static constexpr std::int64_t kShowWaitMs = 2'000;
  // Which of these may miss what readers do not see yet: acks=1 is answered when a record is written, readers see it
  // when it is on disk. Any thread.
  std::vector<OffsetQuery> not_shown_yet(const Principal& principal, const std::vector<OffsetQuery>& queries) const;
  // Runs `ready` once on the loop, later: when readers see all that is written to those partitions now, after
  // kShowWaitMs, or when one of them fails. find() then says how they stand.
  std::shared_ptr<OpenCall> when_shown(const CallContext& context, const std::vector<OffsetQuery>& queries,
                                       std::function<void()> ready) const;

  // Where the records of `epoch` end: at the offset at which a newer one begins, or at the end. Both -1: no such epoch
  // has been. A log that lost its end has begun a newer epoch behind all offsets that it had given.
  struct EpochEnd {
    LeaderEpoch epoch{-1};
    Offset end = kNoOffset;
  };
  Result<EpochEnd> end_of_epoch(const Principal& principal, const std::string& topic, PartitionId partition,
                                LeaderEpoch epoch) const;

 private:
  class Showing;
  Result<EpochEnd> end_of_epoch_now(const Principal& principal, const std::string& topic, PartitionId partition,
                                    LeaderEpoch epoch) const;
  // find() without its counters.
  Result<OffsetAnswer> find_now(const Principal& principal, const OffsetQuery& query) const;
  const ServiceParts& parts_;
};

}  // namespace logcask
