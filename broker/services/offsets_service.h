#pragma once
// ListOffsets: earliest, latest, or the first record at or after a time. By time it may read the disk.

#include <string_view>
#include <vector>

#include "broker/services/call_context.h"

namespace logcask {

inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;

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

 private:
  // find() without its counters.
  Result<OffsetAnswer> find_now(const Principal& principal, const OffsetQuery& query) const;
  const ServiceParts& parts_;
};

}  // namespace logcask
