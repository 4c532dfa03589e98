#include "broker/kafka/apis/leader_epoch.h"

namespace logcask {

kafka::ErrorCode check_leader_epoch(TopicView& topics, std::string_view topic, PartitionId partition,
                                    std::int32_t believed) {
  if (believed == -1) return kafka::ErrorCode::none;
  const TopicPtr& known = topics.find(topic);
  const PartitionRunner* runner = known ? known->partition(partition) : nullptr;
  if (!runner) return kafka::ErrorCode::none;
  const PartitionMarks marks = runner->marks();
  if (marks.state == PartitionMarks::State::offline || believed == marks.leader_epoch.value())
    return kafka::ErrorCode::none;
  return believed < marks.leader_epoch.value() ? kafka::ErrorCode::fenced_leader_epoch
                                               : kafka::ErrorCode::unknown_leader_epoch;
}

std::int32_t leader_epoch_of(TopicView& topics, std::string_view topic, PartitionId partition) {
  const TopicPtr& known = topics.find(topic);
  const PartitionRunner* runner = known ? known->partition(partition) : nullptr;
  return runner ? runner->marks().leader_epoch.value() : -1;
}

}  // namespace logcask
