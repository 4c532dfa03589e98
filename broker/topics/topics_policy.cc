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

void Topics::require_keys(const Topic& topic, std::optional<Becoming> becoming) {
  if (becoming)
    becoming_compacted_.insert_or_assign(topic.record.id, *becoming);
  else
    becoming_compacted_.erase(topic.record.id);
  auto asked = std::make_shared<Topic>(topic);
  asked->config.partition.keys_required = becoming.has_value();
  configure(*asked);
  publish(topic.record.name, std::move(asked));
}

// Takes the lock as the caller holds it and leaves it held; others may change other topics while this one is read.
Status Topics::gain_keydir(std::unique_lock<std::mutex>& change, TopicPtr topic, const Topic& changed,
                           const Alteration& wanted, const std::function<Status()>& keep_going) {
  const std::string name = topic->record.name;
  const TopicId id = topic->record.id;
  // Each reading holds one of the few threads that wait for the disk.
  if (reads_a_topic_ && !mutant(Mutant::every_topic_read_at_once))
    return Error{Errc::throttled,
                 "another topic is being read to be made a compacted one; try again when that is done"};
  // There is no way back: nobody gets there by taking a setting away.
  if (!wanted.set.contains("cleanup.policy"))
    return Error{Errc::invalid_config,
                 "without cleanup.policy topic '" + name +
                     "' would have the default, compact, for good; name the policy that it is to have"};
  const auto found = becoming_compacted_.find(id);
  const std::optional<Becoming> before =
      found == becoming_compacted_.end() ? std::nullopt : std::optional<Becoming>(found->second);
  if (!wanted.only_check) require_keys(*topic, Becoming::being_read);
  reads_a_topic_ = true;
  change.unlock();
  const Status keyed = check_keys(*topic, changed.config, factory_, keep_going);
  change.lock();
  reads_a_topic_ = false;
  if (wanted.only_check) return keyed;
  topic = find(name);
  if (!topic || topic->record.id != id) {
    becoming_compacted_.erase(id);
    return unknown_topic(name);
  }
  const auto go_on = [&]() -> Status {
    LOGCASK_TRY(keyed);
    // A partition may have been reopened meanwhile, and another topic may expect keys.
    LOGCASK_ASSIGN(auto again, altered(*topic, wanted.set, wanted.unset));
    return apply(*topic, std::move(again));
  };
  Status done = go_on();
  const auto still = becoming_compacted_.find(id);
  if (still != becoming_compacted_.end() && still->second == Becoming::being_read) require_keys(*topic, before);
  return done;
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
