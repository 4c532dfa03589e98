#include "broker/services/offsets_service.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "broker/services/authorized_topic.h"
#include "broker/services/counted.h"

namespace logcask {
namespace {

// The highest timestamp is the largest time at or after which there is a record: found by asking for times. Above what
// the segments know no disk is read.
Result<std::optional<PartitionRunner::TimedOffset>> newest_by_time(PartitionRunner& runner) {
  LOGCASK_ASSIGN(auto newest, runner.offset_for_time(TimestampMs(INT64_MIN)));
  if (!newest) return newest;
  for (std::int64_t none_from = INT64_MAX; newest->timestamp.value() < none_from - 1;) {
    // Without the overflow of a difference.
    const std::int64_t low = newest->timestamp.value();
    const std::int64_t middle = (low >> 1) + (none_from >> 1) + (low & none_from & 1);
    LOGCASK_ASSIGN(const auto found, runner.offset_for_time(TimestampMs(std::max(middle, low + 1))));
    if (found)
      newest = found;
    else
      none_from = std::max(middle, low + 1);
  }
  return newest;
}

}  // namespace

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
  } else if (query.timestamp_ms < 0 && query.timestamp_ms != kNewestTimestamp) {
    return Error{Errc::invalid_argument,
                 "timestamp " + std::to_string(query.timestamp_ms) +
                     " is neither a time nor -1 (latest), -2 (earliest) or -3 (newest by time)"};
  } else {
    LOGCASK_ASSIGN(const auto found, query.timestamp_ms == kNewestTimestamp
                                         ? newest_by_time(*runner)
                                         : runner->offset_for_time(TimestampMs(query.timestamp_ms)));
    if (found) {
      answer.offset = found->offset;
      answer.timestamp = found->timestamp;
    }
  }
  return answer;
}

Result<OffsetsService::EpochEnd> OffsetsService::end_of_epoch(const Principal& principal, const std::string& topic,
                                                              PartitionId partition, LeaderEpoch epoch) const {
  return counted(parts_, ServiceName::list_offsets,
                 [&] { return end_of_epoch_now(principal, topic, partition, epoch); });
}

Result<OffsetsService::EpochEnd> OffsetsService::end_of_epoch_now(const Principal& principal, const std::string& topic,
                                                                  PartitionId partition, LeaderEpoch epoch) const {
  LOGCASK_ASSIGN(const TopicPtr known, authorized_topic(parts_, principal, Operation::describe, topic));
  PartitionRunner* runner = known->partition(partition);
  if (!runner) return unknown_partition(*known, partition);
  const PartitionMarks marks = runner->marks();
  if (marks.state == PartitionMarks::State::offline) return Error{Errc::partition_offline, runner->snapshot().reason};
  if (epoch > marks.leader_epoch || epoch < LeaderEpoch(0)) return EpochEnd();
  const std::vector<EpochStart> epochs = runner->epochs();
  const auto newer = std::find_if(epochs.begin(), epochs.end(), [&](const EpochStart& e) { return e.epoch > epoch; });
  if (newer == epochs.end()) return EpochEnd{epoch, marks.committed_end};
  return EpochEnd{newer == epochs.begin() ? epoch : (newer - 1)->epoch, newer->start_offset};
}

}  // namespace logcask
