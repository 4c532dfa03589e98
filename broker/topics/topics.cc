#include "broker/topics/topics.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/mutant.h"
#include "base/random.h"
#include "broker/door/offline_partition.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/topic_name.h"

namespace logcask {
namespace {

// Never kAnywhere but for `any`.
std::uint32_t placement_of(Partitioner partitioner) {
  return partitioner == Partitioner::any ? kAnywhere : 1 + static_cast<std::uint32_t>(partitioner);
}

// To one that says where a key is and does not say it of all keys as before.
bool changes_placement(const Topic& topic, const TopicConfig& changed) {
  return changed.partition.placement != kAnywhere && changed.partition.placement != topic.config.partition.placement;
}

// `marks` are those of the partition that holds records, or may.
Error partitioner_stays(const Topic& topic, const TopicConfig& changed, const PartitionMarks& marks) {
  const bool offline = marks.state == PartitionMarks::State::offline;
  const std::string from(partitioner_name(topic.config.partitioner));
  const std::string to(partitioner_name(changed.partitioner));
  return Error{Errc::unsupported,
               "topic '" + topic.record.name + "'" +
                   (offline ? " has a partition that is offline and may hold records" : " holds records") +
                   ", which lie where partitioner '" + from + "' has put them; under '" + to +
                   "' lookups would not find them. Create a topic with partitioner=" + to +
                   " and copy the records into it (logcask consume OLD -o json --exit-at-end | logcask produce NEW "
                   "--input json), or set partitioner=any, under which every partition is asked"};
}

// "orders-0 is offline: ..." names its partition already.
std::string named(const std::string& partition, const std::string& reason) {
  return reason.starts_with(partition + " ") ? reason : partition + ": " + reason;
}

const TopicPtr kNoTopic;

// Calls work(0) .. work(count - 1) on a few threads.
void for_each_parallel(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> helpers;
  for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(run);
  run();
  for (auto& helper : helpers) helper.join();
}

}  // namespace

Error unknown_topic(std::string_view name) {
  return Error{Errc::unknown_topic, "there is no topic '" + std::string(name.substr(0, 200)) + "'"};
}

Error unknown_partition(const Topic& topic, PartitionId partition) {
  std::string number = std::to_string(partition.value());
  // Unsigned on the wire: the client may have sent either.
  if (partition.value() < 0) number += " (" + std::to_string(static_cast<std::uint32_t>(partition.value())) + ")";
  return Error{Errc::unknown_partition, "topic '" + topic.record.name + "' has partitions 0 to " +
                                            std::to_string(topic.partitions.size() - 1) + ", not " + number};
}

void TopicView::refresh() {
  const std::uint64_t now = topics_.generation();
  if (now == generation_) return;
  by_id_.clear();
  map_ = topics_.snapshot();
  generation_ = now;
}

const TopicPtr& TopicView::find(std::string_view name) {
  refresh();
  const auto found = map_->find(name);
  return found == map_->end() ? kNoTopic : found->second;
}

const TopicPtr& TopicView::find(const TopicId& id) {
  refresh();
  const auto id_of = [](const TopicPtr* topic) -> const TopicId& { return (*topic)->record.id; };
  if (by_id_.size() != map_->size()) {
    for (const auto& [name, topic] : *map_) by_id_.push_back(&topic);
    std::sort(by_id_.begin(), by_id_.end(), [&](const auto* a, const auto* b) { return id_of(a) < id_of(b); });
  }
  const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), id,
                                      [&](const auto* topic, const TopicId& wanted) { return id_of(topic) < wanted; });
  return found == by_id_.end() || id_of(*found) != id ? kNoTopic : **found;
}

Topics::Topics(MetadataStore& metadata, PartitionFactory& factory, const Clock& clock, Limits limits)
    : metadata_(metadata),
      factory_(factory),
      clock_(clock),
      limits_(limits),
      map_(std::make_shared<const TopicMap>()) {}

std::shared_ptr<const TopicMap> Topics::snapshot() const {
  const std::lock_guard lock(map_mutex_);
  return map_;
}

TopicPtr Topics::find(std::string_view name) const {
  const auto map = snapshot();
  const auto found = map->find(name);
  return found == map->end() ? nullptr : found->second;
}

void Topics::publish(std::string_view name, TopicPtr topic) {
  const std::lock_guard lock(map_mutex_);
  auto changed = std::make_shared<TopicMap>(*map_);
  if (topic)
    changed->insert_or_assign(std::string(name), std::move(topic));
  else
    changed->erase(changed->find(name));
  map_ = std::move(changed);
  generation_.fetch_add(1, std::memory_order_release);
}

// In one step: each publication copies the map.
void Topics::publish_all(const std::vector<std::shared_ptr<Topic>>& topics) {
  const std::lock_guard lock(map_mutex_);
  auto changed = std::make_shared<TopicMap>(*map_);
  changed->reserve(changed->size() + topics.size());
  for (const auto& topic : topics) changed->insert_or_assign(topic->record.name, topic);
  map_ = std::move(changed);
  generation_.fetch_add(1, std::memory_order_release);
}

PartitionSpec Topics::spec_of(const Topic& topic, std::size_t index) const {
  PartitionSpec spec;
  spec.topic = topic.record.name;
  spec.topic_id = topic.record.id;
  spec.partition = PartitionId(static_cast<std::int32_t>(index));
  spec.config = topic.config;
  spec.partition_count = static_cast<int>(topic.record.partitions);
  spec.internal = topic.internal;
  return spec;
}

Result<TopicsReport> Topics::load(std::shared_ptr<PartitionRunner> metadata_partition, std::size_t threads,
                                  const std::vector<TopicId>& marked) {
  const std::lock_guard change(change_mutex_);
  auto own = std::make_shared<Topic>();
  own->record.name = std::string(kMetadataTopic);
  own->record.id = LocalMetadataStore::kTopicId;
  own->record.partitions = 1;
  own->internal = true;
  own->partitions.push_back(std::move(metadata_partition));
  publish(kMetadataTopic, std::move(own));

  LOGCASK_ASSIGN(auto records, metadata_.load_topics());
  TopicsReport report;
  // All partitions of all topics in one pass, so that many small topics open in parallel too.
  std::vector<std::shared_ptr<Topic>> topics;
  std::vector<std::pair<Topic*, std::size_t>> jobs;
  for (TopicRecord& record : records) {
    auto topic = std::make_shared<Topic>();
    topic->internal = is_internal_topic(record.name);
    topic->record = std::move(record);
    if (std::find(marked.begin(), marked.end(), topic->record.id) != marked.end()) {
      if (!finish_deletion(*topic).ok()) report.undeleted.push_back(topic->record.id);
      continue;
    }
    auto config = make_topic_config(topic->record.settings);
    topic->partitions.resize(topic->record.partitions);
    if (config.ok()) {
      topic->config = std::move(config).value();
      complete(topic->config, topic->partitions.size());
      for (std::size_t i = 0; i < topic->partitions.size(); ++i) jobs.emplace_back(topic.get(), i);
    } else {
      for (auto& partition : topic->partitions)
        partition = make_offline_partition("its settings cannot be read: " + config.error().message);
    }
    topics.push_back(std::move(topic));
  }
  for_each_parallel(jobs.size(), threads, [&](std::size_t job) {
    const auto [topic, index] = jobs[job];
    auto opened = factory_.open(spec_of(*topic, index));
    topic->partitions[index] = opened.ok()
                                   ? std::move(opened).value()
                                   : make_offline_partition(opened.error().to_string(), errc_retriable(opened.code()));
  });
  for (auto& topic : topics) {
    ++report.topics;
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      ++report.partitions;
      if (topic->partitions[i]->marks().state == PartitionMarks::State::offline)
        report.offline.push_back(named(spec_of(*topic, i).label(), topic->partitions[i]->snapshot().reason));
    }
  }
  publish_all(topics);
  return report;
}

void Topics::close(const Error& reason, std::size_t threads) {
  const std::lock_guard change(change_mutex_);
  std::shared_ptr<const TopicMap> map;
  {
    const std::lock_guard lock(map_mutex_);
    map = std::exchange(map_, std::make_shared<const TopicMap>());
    generation_.fetch_add(1, std::memory_order_release);
  }
  std::vector<PartitionRunner*> runners;
  PartitionRunner* last = nullptr;
  for (const auto& [name, topic] : *map)
    for (const auto& partition : topic->partitions)
      (name == kMetadataTopic ? last = partition.get() : runners.emplace_back(partition.get()));
  for_each_parallel(runners.size(), threads, [&](std::size_t i) { runners[i]->close(reason); });
  if (last) last->close(reason);
}

void Topics::set_limits(std::int64_t partitions_max, std::int64_t default_partitions) {
  const std::lock_guard change(change_mutex_);
  limits_.partitions_max = partitions_max;
  limits_.default_partitions = default_partitions;
}

Status Topics::check_new(const std::string& name, std::int64_t partitions) const {
  const auto map = snapshot();
  const std::string folded = fold_topic_name(name);
  for (const auto& [other, topic] : *map) {
    if (other == name) return Error{Errc::topic_exists, "topic '" + name + "' exists already"};
    // Whoever takes "exists" for success must not take it for another topic's.
    if (fold_topic_name(other) == folded)
      return Error{Errc::invalid_topic_name, "topic '" + other + "' exists and differs from '" + name +
                                                 "' only in case, or in '.' for '_'; choose another name"};
  }
  if (partitions < 1)
    return Error{Errc::invalid_argument, "a topic needs at least one partition, not " + std::to_string(partitions)};
  // No wait and no deletion makes room for that many.
  if (partitions > limits_.partitions_max)
    return Error{Errc::unsupported, "a topic of " + std::to_string(partitions) +
                                        " partitions is more than this broker may hold: " +
                                        std::to_string(limits_.partitions_max) + " (" + limits_.partitions_limit + ")"};
  return check_more(partitions);
}

Status Topics::check_more(std::int64_t partitions) const {
  std::int64_t total = 0;
  for (const auto map = snapshot(); const auto& [name, topic] : *map) total += topic->record.partitions;
  if (total + partitions > limits_.partitions_max)
    return Error{Errc::limit_exceeded,
                 std::to_string(partitions) + " more partitions would pass the broker's limit of " +
                     std::to_string(limits_.partitions_max) + " (" + limits_.partitions_limit + ")"};
  return {};
}

// Directories first, the record second: a crash in between leaves directories that are reported, never a topic
// whose files are missing.
// Without its partitions.
Result<std::shared_ptr<Topic>> Topics::plan(TopicRecord record, bool internal) const {
  auto topic = std::make_shared<Topic>();
  LOGCASK_ASSIGN(topic->config, make_topic_config(record.settings, limits_.message_bytes_limit));
  complete(topic->config, record.partitions);
  LOGCASK_TRY(factory_.fits(record.id, topic->config));
  topic->record = std::move(record);
  topic->internal = internal;
  return topic;
}

Result<TopicPtr> Topics::make(TopicRecord record, bool internal) {
  LOGCASK_ASSIGN(const auto topic, plan(std::move(record), internal));
  Status failure;
  bool record_may_exist = false;
  std::size_t begun = 0;  // directories that may be there
  while (begun < topic->record.partitions && failure.ok()) {
    PartitionSpec spec = spec_of(*topic, begun++);
    spec.create = true;
    auto opened = factory_.open(spec);
    if (opened.ok())
      topic->partitions.push_back(std::move(opened).value());
    else
      failure = std::move(opened).error().in("create " + spec.label());
  }
  if (failure.ok()) {
    failure = metadata_.put_topic(topic->record);
    // Of a write that found no room nothing is there; any other may still turn up after a restart.
    record_may_exist = failure.code() != Errc::storage_full;
  }
  if (failure.ok()) {
    publish(topic->record.name, topic);
    return TopicPtr(topic);
  }
  // Nobody has seen the topic. When its record turns up after a restart, the marked directories are what completes the
  // deletion.
  for (const auto& partition : topic->partitions) partition->close(failure.error());
  for (std::size_t i = 0; i < begun; ++i) {
    const PartitionSpec spec = spec_of(*topic, i);
    (void)(record_may_exist ? factory_.mark_deleted(spec) : factory_.discard(spec)).ok();
  }
  return std::move(failure).error();
}

Result<Topics::Created> Topics::create(const std::string& name, std::int64_t partitions, const SettingMap& settings,
                                       bool if_not_exists, bool only_check) {
  LOGCASK_TRY(check_topic_name(name));
  if (is_internal_topic(name))
    return Error{Errc::invalid_topic_name, "names that begin with '__' are the broker's own; choose another"};
  const std::lock_guard change(change_mutex_);
  if (if_not_exists)
    if (TopicPtr existing = find(name)) return Created{std::move(existing), true};
  if (partitions == 0) partitions = limits_.default_partitions;
  LOGCASK_TRY(check_new(name, partitions));
  TopicRecord record;
  record.name = name;
  record.partitions = static_cast<std::uint32_t>(partitions);
  record.settings = settings;
  record.created = clock_.wall_ms();
  if (only_check) {
    LOGCASK_ASSIGN(TopicPtr planned, plan(std::move(record), false));
    return Created{std::move(planned), false};
  }
  secure_random_bytes(record.id.bytes.data(), record.id.bytes.size());
  LOGCASK_ASSIGN(TopicPtr topic, make(std::move(record), false));
  return Created{std::move(topic), false};
}

Result<TopicPtr> Topics::ensure_internal(std::string_view name, std::int64_t partitions, const SettingMap& settings) {
  const std::lock_guard change(change_mutex_);
  if (TopicPtr existing = find(name)) return existing;
  TopicRecord record;
  record.name = std::string(name);
  secure_random_bytes(record.id.bytes.data(), record.id.bytes.size());
  record.partitions = static_cast<std::uint32_t>(partitions);
  record.settings = settings;
  record.created = clock_.wall_ms();
  return make(std::move(record), true);
}

// What follows from more than the topic's settings.
void Topics::complete(TopicConfig& config, std::size_t partitions) const {
  config.partition.max_decompressed_bytes = limits_.decompressed_bytes_max;
  // In the only partition every key is at home.
  config.partition.placement = partitions > 1 ? placement_of(config.partitioner) : kAnywhere;
  const auto expected = static_cast<std::uint64_t>(config.keydir_expected_keys);
  config.partition.expected_keys = (expected + partitions - 1) / partitions;
}

// Keys lie where the partitioner has put them, and lookups ask only there: under another one they would be absent, and
// their next records would stand beside the old ones. From the partition's answer on no record comes in that was
// checked under the old one.
Status Topics::change_partitioner(const Topic& topic, const TopicConfig& changed) {
  if (!changes_placement(topic, changed) || mutant(Mutant::partitioner_changed_over_records)) return {};
  // A look first: a change that a later partition refuses must keep nothing out of the ones before it.
  for (const auto& partition : topic.partitions) {
    const PartitionMarks marks = partition->marks();
    const bool empty = marks.state != PartitionMarks::State::offline && marks.next_offset == marks.log_start_offset;
    if (!empty && !mutant(Mutant::placed_without_a_look)) return partitioner_stays(topic, changed, marks);
  }
  // Records may have come in since.
  for (const auto& partition : topic.partitions) {
    if (partition->place_if_empty(changed.partition.placement)) continue;
    configure(topic);
    return partitioner_stays(topic, changed, partition->marks());
  }
  return {};
}

void Topics::configure(const Topic& topic) {
  const TopicConfig config = config_in_force(topic);
  for (const auto& partition : topic.partitions) partition->configure(factory_.partition_config(config));
}

// Nobody knows under which partitioner the next start finds the topic: none of its records may come in before that is
// decided.
TopicConfig Topics::config_in_force(const Topic& topic) const {
  TopicConfig config = topic.config;
  const auto undecided = undecided_placements_.find(topic.record.id);
  if (undecided != undecided_placements_.end() && !mutant(Mutant::undecided_change_lifted))
    config.partition.placement = undecided->second;
  config.partition.keys_required = becoming_compacted_.contains(topic.record.id);
  return config;
}

Result<std::shared_ptr<Topic>> Topics::altered(const Topic& topic, const SettingMap& set,
                                               const std::vector<std::string>& unset) const {
  auto changed = std::make_shared<Topic>(topic);
  for (const std::string& setting : unset) changed->record.settings.erase(setting);
  for (const auto& [setting, value] : set) changed->record.settings.insert_or_assign(setting, value);
  for (const std::string& setting : unset) {
    const auto known = topic_settings();
    if (std::none_of(known.begin(), known.end(), [&](const SettingInfo* info) { return info->name == setting; }))
      return unknown_setting(setting, known);
  }
  LOGCASK_ASSIGN(changed->config, make_topic_config(changed->record.settings, limits_.message_bytes_limit));
  complete(changed->config, changed->partitions.size());
  // What it has asked for before is no reason to refuse another change.
  if (changed->config.keydir_expected_keys > topic.config.keydir_expected_keys)
    LOGCASK_TRY(factory_.fits(changed->record.id, changed->config));
  if (topic.config.partition.compacted && !changed->config.partition.compacted)
    return Error{Errc::unsupported, "cleanup.policy of '" + topic.record.name +
                                        "' cannot lose 'compact' later; create a new topic and copy the records"};
  return changed;
}

Status Topics::alter(const std::string& name, const SettingMap& set, const std::vector<std::string>& unset,
                     bool only_check, const std::function<Status()>& keep_going) {
  std::unique_lock change(change_mutex_);
  TopicPtr topic = find(name);
  if (!topic) return unknown_topic(name);
  if (topic->internal) return Error{Errc::permission_denied, "'" + name + "' is the broker's own topic"};
  const TopicId id = topic->record.id;
  if (const auto found = becoming_compacted_.find(id);
      found != becoming_compacted_.end() && found->second == Becoming::being_read)
    return Error{Errc::cancelled, "topic '" + name + "' is being made a compacted one; try again when that is done"};
  LOGCASK_ASSIGN(auto changed, altered(*topic, set, unset));
  if (changed->config.partition.compacted && !topic->config.partition.compacted)
    return gain_keydir(change, topic, *changed, {set, unset, only_check}, keep_going);
  if (only_check) return {};
  return apply(*topic, std::move(changed));
}

// The change is certain to be allowed, but for what the records say of a partitioner.
Status Topics::apply(const Topic& topic, std::shared_ptr<Topic> changed) {
  const bool gains_keydir = changed->config.partition.compacted && !topic.config.partition.compacted;
  LOGCASK_TRY(change_partitioner(topic, changed->config));
  LOGCASK_TRY(record_change(topic, changed));
  factory_.settings_changed(changed->record.id, changed->config);
  const Status opened = gains_keydir ? open_with_keydirs(*changed) : Status();
  configure(*changed);
  const std::string name = changed->record.name;
  publish(name, std::move(changed));
  return opened;
}

// On failure the topic is as it was, but for what only the next start decides.
Status Topics::record_change(const Topic& topic, const std::shared_ptr<Topic>& changed) {
  const TopicId& id = topic.record.id;
  const bool gains_keydir = changed->config.partition.compacted && !topic.config.partition.compacted;
  const Status recorded = metadata_.put_topic(changed->record);
  if (recorded.ok()) {
    undecided_placements_.erase(id);
    becoming_compacted_.erase(id);
    return {};
  }
  // Of a write that found no room nothing is there; any other may still turn up after a restart, and records that
  // came in under the old settings would lie wrong then.
  const bool may_turn_up = recorded.code() != Errc::storage_full;
  if (may_turn_up && changes_placement(topic, changed->config))
    undecided_placements_.insert_or_assign(id, changed->config.partition.placement);
  if (gains_keydir && may_turn_up) becoming_compacted_.insert_or_assign(id, Becoming::undecided);
  configure(topic);
  std::string text = "alter topic '" + topic.record.name + "': " + recorded.error().message;
  if (undecided_placements_.contains(id))
    text +=
        "; whether its partitioner has changed is decided at the next start, or when it is altered again; until "
        "then it takes no records";
  if (becoming_compacted_.contains(id))
    text +=
        "; whether it is compacted is decided at the next start, or when it is altered again; until then it takes "
        "no records without a key";
  if (!undecided_placements_.contains(id) && !becoming_compacted_.contains(id)) return recorded;
  return Error{recorded.code(), text};
}

Status Topics::remove(const std::string& name, const std::function<void(std::function<void()>)>& background) {
  const std::lock_guard change(change_mutex_);
  const TopicPtr topic = find(name);
  if (!topic) return unknown_topic(name);
  if (topic->internal) return Error{Errc::permission_denied, "'" + name + "' is the broker's own topic"};
  LOGCASK_ASSIGN(const std::size_t directories, directories_of(*topic));
  // The markers decide; whatever fails or crashes after the first one, the deletion is completed at the next start.
  for (std::size_t i = 0; i < directories; ++i) {
    const Status marked = factory_.mark_deleted(spec_of(*topic, i));
    if (marked.ok()) continue;
    if (take_back_markers(*topic, i + 1)) return marked;
    // A topic that the next start may find deleted must acknowledge nothing more.
    publish(name, nullptr);
    forget_undecided(topic->record.id);
    background([topic] {
      for (const auto& partition : topic->partitions) partition->close(unknown_topic(topic->record.name));
    });
    return Error{marked.code(),
                 "delete topic '" + name + "': " + marked.error().message +
                     "; whether it is deleted is decided at the next start, until then it is not served"};
  }
  publish(name, nullptr);
  forget_undecided(topic->record.id);
  const Status recorded = metadata_.remove_topic(name);
  // Whoever waits for a partition hears of it before the first file goes.
  background([this, topic, directories, background] {
    for (const auto& partition : topic->partitions) partition->abandon(unknown_topic(topic->record.name));
    remove_files(topic, 0, directories, background);
  });
  return recorded;
}

// One partition, then others' work, and a stop, come in between.
void Topics::remove_files(TopicPtr topic, std::size_t index, std::size_t count,
                          const std::function<void(std::function<void()>)>& background) {
  background([this, topic = std::move(topic), index, count, background] {
    // What cannot be removed now is found by its marker at the next start.
    std::size_t next = index;
    do {
      (void)factory_.remove(spec_of(*topic, next++)).ok();
    } while (next < count && mutant(Mutant::removal_holds_up_stop));
    if (next < count) remove_files(topic, next, count, background);
  });
}

// Those too that a growth has left which did not take hold, in this run or an earlier one.
Result<std::size_t> Topics::directories_of(const Topic& topic) {
  LOGCASK_ASSIGN(const std::size_t extent, factory_.directories_of(topic.record.id));
  // A name that somebody has made up may have any number.
  const auto most = static_cast<std::size_t>(limits_.partitions_max);
  return std::max<std::size_t>(topic.record.partitions, std::min(extent, most));
}

void Topics::forget_undecided(const TopicId& id) {
  undecided_placements_.erase(id);
  becoming_compacted_.erase(id);
  undecided_growths_.erase(id);
}

bool Topics::take_back_markers(const Topic& topic, std::size_t count) {
  bool all = true;
  for (std::size_t i = 0; i < count; ++i) all = factory_.unmark_deleted(spec_of(topic, i)).ok() && all;
  return all;
}

Status Topics::finish_deletion(const Topic& topic) {
  LOGCASK_ASSIGN(const std::size_t directories, directories_of(topic));
  for (std::size_t i = 0; i < directories; ++i) LOGCASK_TRY(factory_.mark_deleted(spec_of(topic, i)));
  // The files go in the background, as those of any marked directory that no record names.
  return metadata_.remove_topic(topic.record.name);
}

Result<std::string> Topics::reopen(const std::string& name, PartitionId partition) {
  const std::lock_guard change(change_mutex_);
  return reopen_now(name, partition);
}

Result<std::string> Topics::reopen_now(const std::string& name, PartitionId partition) {
  const TopicPtr topic = find(name);
  if (!topic) return unknown_topic(name);
  PartitionRunner* runner = topic->partition(partition);
  if (!runner) return unknown_partition(*topic, partition);
  auto report = runner->reopen();
  if (report.ok() || report.code() != Errc::partition_offline) return report;
  // It never opened: try again from the files, and put the new runner in the old one's place.
  const auto index = static_cast<std::size_t>(partition.value());
  PartitionSpec spec = spec_of(*topic, index);
  spec.config = config_in_force(*topic);
  LOGCASK_ASSIGN(auto opened, factory_.open(spec));
  if (opened->marks().state == PartitionMarks::State::offline)
    report = Error{Errc::partition_offline, opened->snapshot().reason};
  else
    report = std::string("opened");
  auto changed = std::make_shared<Topic>(*topic);
  changed->partitions[index] = std::move(opened);
  publish(name, std::move(changed));
  return report;
}

bool Topics::reopen_offline(const std::function<void(const std::string&)>& note) {
  // Whoever holds it may wait for the executor that this runs on.
  const std::unique_lock change(change_mutex_, std::try_to_lock);
  bool left = false;
  for (const auto all = snapshot(); const auto& [name, topic] : *all) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      if (!topic->partitions[i]->may_open_later()) continue;
      if (!change.owns_lock()) return true;
      const auto report = reopen_now(name, PartitionId(static_cast<std::int32_t>(i)));
      if (report.ok())
        note(spec_of(*topic, i).label() + " is no longer offline: " + *report);
      else
        left = true;
    }
  }
  return left;
}

}  // namespace logcask
