// How a plain topic gets more partitions: all of those asked for, or none, whatever happens in between.

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/topics/topics.h"

namespace logcask {

Status Topics::check_growth(const Topic& topic, std::int64_t partitions) const {
  const std::string& name = topic.record.name;
  if (topic.internal) return Error{Errc::permission_denied, "'" + name + "' is the broker's own topic"};
  const std::string has = "topic '" + name + "' has " + std::to_string(topic.partitions.size()) + " partitions";
  if (partitions <= static_cast<std::int64_t>(topic.partitions.size()))
    return Error{Errc::invalid_argument, has + "; their number can only be asked to grow"};
  LOGCASK_TRY(make_topic_config(topic.record.settings));
  const bool compacted = topic.config.partition.compacted;
  if (compacted || topic.config.partitioner != Partitioner::any)
    return Error{Errc::unsupported,
                 has +
                     (compacted ? " and is compacted: their number does not change, for keys would belong to other "
                                  "partitions than their records lie in"
                                : " and partitioner=" + std::string(partitioner_name(topic.config.partitioner)) +
                                      ", under which keys would belong to other partitions than their records lie "
                                      "in; set partitioner=any first") +
                     (compacted ? ". Create a topic of " + std::to_string(partitions) +
                                      " partitions and copy the records (logcask replay, logcask produce)"
                                : "")};
  if (becoming_compacted_.contains(topic.record.id))
    return Error{Errc::unsupported, has + ", and is being made a compacted one; alter it first"};
  if (undecided_placements_.contains(topic.record.id))
    return Error{Errc::unsupported, has + ", and whether its partitioner has changed is not decided; alter it first"};
  return check_more(partitions - static_cast<std::int64_t>(topic.partitions.size()));
}

// A directory of that name may be there from a growth that did not take hold: it is empty then, and `ours` like one
// that was made now. Any other is left alone.
Result<std::shared_ptr<PartitionRunner>> Topics::open_grown(PartitionSpec spec, bool& ours) {
  spec.create = true;
  auto opened = factory_.open(spec);
  ours = opened.code() != Errc::already_exists;
  if (ours) return opened;
  spec.create = false;
  spec.finish_creation = true;
  LOGCASK_ASSIGN(auto found, factory_.open(spec));
  const PartitionMarks marks = found->marks();
  ours = marks.state != PartitionMarks::State::offline && marks.next_offset == marks.log_start_offset;
  if (ours) return found;
  const std::string why = marks.state == PartitionMarks::State::offline ? found->snapshot().reason : "it holds records";
  const Error error{Errc::already_exists,
                    "there is a directory of that partition already, which no topic knows and "
                    "which cannot be taken over: " +
                        why + "; move it away"};
  found->close(error);
  return error;
}

// As when a topic is made: the directories first, the record second, and then everybody is told. There are no markers
// here, which are the whole topic's: what does not take hold leaves at most empty directories, which a later growth
// takes over, and which go with the topic.
Status Topics::grow(const std::string& name, std::int64_t partitions, bool only_check) {
  const std::lock_guard change(change_mutex_);
  const TopicPtr topic = find(name);
  if (!topic) return unknown_topic(name);
  LOGCASK_TRY(check_growth(*topic, partitions));
  if (only_check) return {};
  auto grown = std::make_shared<Topic>(*topic);
  grown->record.partitions = static_cast<std::uint32_t>(partitions);
  complete(grown->config, grown->record.partitions);
  Status failure;
  bool record_may_exist = false;
  std::size_t begun = topic->partitions.size();  // directories that may be there
  if (mutant(Mutant::growth_recorded_first)) LOGCASK_TRY(metadata_.put_topic(grown->record));
  while (begun < grown->record.partitions && failure.ok()) {
    const PartitionSpec spec = spec_of(*grown, begun);
    bool ours = false;
    auto opened = open_grown(spec, ours);
    if (ours) ++begun;
    if (opened.ok())
      grown->partitions.push_back(std::move(opened).value());
    else
      failure = std::move(opened).error().in("create " + spec.label());
  }
  if (failure.ok()) {
    failure = metadata_.put_topic(grown->record);
    record_may_exist = !failure.ok() && failure.code() != Errc::storage_full;
  }
  auto undecided = undecided_growths_.find(topic->record.id);
  if (failure.ok()) {
    if (undecided != undecided_growths_.end() && undecided->second <= grown->partitions.size())
      undecided_growths_.erase(undecided);
    configure(*grown);
    publish(name, std::move(grown));
    return {};
  }
  for (std::size_t i = topic->partitions.size(); i < grown->partitions.size(); ++i)
    grown->partitions[i]->close(failure.error());
  // The directories of an earlier growth that may turn up stay as well.
  std::size_t needed = undecided == undecided_growths_.end() ? topic->partitions.size() : undecided->second;
  if (record_may_exist) needed = std::max(needed, begun);
  for (std::size_t i = needed; i < begun; ++i) (void)factory_.take_back(spec_of(*grown, i)).ok();
  if (needed > topic->partitions.size()) undecided_growths_.insert_or_assign(topic->record.id, needed);
  return std::move(failure).error().in("topic '" + name + "' keeps its " + std::to_string(topic->partitions.size()) +
                                       " partitions" +
                                       (record_may_exist ? ", unless the next start finds the new ones" : ""));
}

}  // namespace logcask
