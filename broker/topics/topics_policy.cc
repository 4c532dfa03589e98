// How a topic with cleanup.policy delete becomes a compacted one.
//
// From the first moment its records need keys, those on their way included. Then all that are there are read: one
// without a key, or more keys than the budget has room for, and everything is as it was. Only then the change is
// recorded, and each partition is opened anew with a keydir, which is loaded behind its back as at a start. A crash
// before the record leaves the topic as it was, a crash behind it finds a compacted topic whose records have keys.

#include "base/mutant.h"
#include "broker/topics/topics.h"

namespace logcask {

Status Topics::check_keys(const Topic& topic, const TopicConfig& wanted, const PartitionFactory& factory,
                          const std::function<Status()>& keep_going) {
  const auto go_on = [&]() -> Status { return keep_going ? keep_going() : Status(); };
  std::uint64_t keys = 0;
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const PartitionId partition(static_cast<std::int32_t>(i));
    const std::string where = "partition " + std::to_string(i) + " of topic '" + topic.record.name + "'";
    auto scan = topic.partitions[i]->scan_keys(go_on);
    if (!scan.ok()) return std::move(scan).error().in("to gain cleanup.policy compact, " + where);
    if (scan->keyless && !mutant(Mutant::keyless_records_compacted))
      return Error{Errc::invalid_record,
                   "the record at offset " + std::to_string(scan->keyless->value()) + " of " + where +
                       " has no key, and cleanup.policy compact needs one in each. Create a topic with "
                       "cleanup.policy=compact and copy the records that have keys (logcask consume OLD -o json "
                       "--exit-at-end, then logcask produce NEW --input json), or delete the records up to there "
                       "(logcask records delete)"};
    keys += scan->keys.estimate();
  }
  Status room = factory.has_room(wanted, keys);
  if (room.ok()) return {};
  return std::move(room).error().in("topic '" + topic.record.name + "' cannot become compacted");
}

void Topics::require_keys(const Topic& topic, bool required) {
  const TopicId& id = topic.record.id;
  if (required)
    becoming_compacted_.insert_or_assign(id, Becoming::being_read);
  else
    becoming_compacted_.erase(id);
  auto asked = std::make_shared<Topic>(topic);
  asked->config.partition.keys_required = required;
  configure(*asked);
  publish(topic.record.name, std::move(asked));
}

Status Topics::open_with_keydirs(const Topic& topic) {
  Status first;
  const PartitionConfig config = factory_.partition_config(topic.config);
  for (const auto& partition : topic.partitions) {
    const Status opened = partition->become_compacted(config);
    if (!opened.ok() && first.ok()) first = opened;
  }
  if (first.ok()) return {};
  return Error{first.code(), "topic '" + topic.record.name +
                                 "' is a compacted one now, but a partition is offline: " + first.error().message};
}

}  // namespace logcask
