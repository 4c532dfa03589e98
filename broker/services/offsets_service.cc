#include "broker/services/offsets_service.h"

#include "broker/services/authorized_topic.h"
#include "broker/services/counted.h"

namespace logcask {

Result<OffsetAnswer> OffsetsService::find(const Principal& principal, const OffsetQuery& query) const {
  return counted(parts_, ServiceName::list_offsets, [&] { return find_now(principal, query); });
}

Result<OffsetAnswer> OffsetsService::find_now(const Principal& principal, const OffsetQuery& query) const {
  LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, principal, Operation::describe, query.topic));
  PartitionRunner* runner = topic->partition(query.partition);
  if (!runner) return unknown_partition(*topic, query.partition);
  const PartitionMarks state = runner->marks();
  if (state.state == PartitionMarks::State::offline) return Error{Errc::partition_offline, runner->snapshot().reason};
  OffsetAnswer answer;
  answer.leader_epoch = state.leader_epoch;
  if (query.timestamp_ms == kLatestTimestamp) {
    answer.offset = state.committed_end;
  } else if (query.timestamp_ms == kEarliestTimestamp) {
    answer.offset = state.log_start_offset;
  } else if (query.timestamp_ms < 0) {
    return Error{Errc::invalid_argument, "timestamp " + std::to_string(query.timestamp_ms) +
                                             " is neither a time nor -1 (latest) or -2 (earliest)"};
  } else {
    LOGCASK_ASSIGN(const auto found, runner->offset_for_time(TimestampMs(query.timestamp_ms)));
    if (found) {
      answer.offset = found->offset;
      answer.timestamp = found->timestamp;
    }
  }
  return answer;
}

}  // namespace logcask
