#include "broker/services/groups_service.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/mutant.h"
#include "base/utf8.h"
#include "broker/door/committed_records.h"
#include "broker/log.h"
#include "broker/services/authorized_topic.h"
#include "broker/services/committed_values.h"
#include "broker/services/consumer_group_codec.h"
#include "broker/services/counted.h"
#include "broker/topics/topic_name.h"

namespace logcask {
namespace {

constexpr std::size_t kGroupNameBytesMax = 255;
constexpr std::size_t kMetadataBytesMax = 4096;
// Deletions in one batch: with the longest names they stay below the limit of a batch.
constexpr std::size_t kForgottenAtATime = 1000;

Status check_group_name(const std::string& group) {
  if (group.empty() || group.size() > kGroupNameBytesMax)
    return Error{Errc::invalid_group_id, "a group name has 1 to " + std::to_string(kGroupNameBytesMax) + " bytes"};
  return {};
}

// Deletions only: of a group that was kept before its name had to be text, too.
bool deletes(const CommitRequest& request) {
  return std::all_of(request.commits.begin(), request.commits.end(),
                     [](const OffsetCommit& commit) { return commit.offset == kNoOffset; });
}

// With the topic's id and the run of the offset, so that it is not taken for one of a later topic of that name.
OffsetCommitValue value_to_keep(const Topics& topics, const OffsetCommit& commit, Offset offset, TimestampMs now) {
  OffsetCommitValue value;
  value.offset = offset;
  value.leader_epoch = commit.leader_epoch;
  value.metadata = commit.metadata;
  value.commit_timestamp = now;
  value.run = commit.run;
  const TopicPtr topic = topics.find(commit.topic);
  if (!topic) return value;
  value.topic_id = topic->record.id;
  const PartitionRunner* runner = topic->partition(commit.partition);
  const auto runs = runner && value.run == kNoRun ? runner->runs() : nullptr;
  // A position that Kafka's clients commit beyond the end is of no run yet.
  if (runs && offset <= runner->marks().next_offset) value.run = runs->of(offset);
  return value;
}

Status same_log(const Topics& topics, const CommittedOffset& committed) {
  const TopicPtr topic = topics.find(committed.topic);
  const PartitionRunner* runner = topic ? topic->partition(committed.partition) : nullptr;
  if (!runner || !committed.value || mutant(Mutant::position_of_any_log)) return {};
  if (committed.value->topic_id && *committed.value->topic_id != topic->record.id)
    return Error{Errc::topic_changed, "offset " + std::to_string(committed.value->offset.value()) +
                                          " was committed for an earlier topic '" + committed.topic +
                                          "'; it is not used"};
  return runner->check_position(committed.value->run, committed.value->offset);
}

// In the words of health. Whoever was in a lost group joins anew, and what was committed there is missing: better than
// no group at all.
void told_of_lost_groups(const PartitionRunner& offsets, std::int64_t lost, const Error& why) {
  std::string where = why.to_string();
  for (const PartitionProblem& problem : offsets.snapshot().problems)
    if (problem.kind == "damaged") {
      where = problem.reason;
      break;
    }
  log_warn(
      "'" + std::string(kOffsetsTopic) + "' is damaged (" + where + "): " + std::to_string(lost) +
      " of its offsets cannot be read, and what consumer groups had committed there is lost. Such a group goes on "
      "from the newest commit that can be read, or begins as a new one; its next commit is kept, and 'logcask group "
      "reset' makes one by hand. The topic is not compacted until, while the broker is stopped, the damaged file is "
      "restored as it was and 'logcask verify DIR --repair' finds it whole, or an older copy of the whole directory is "
      "put in its place");
}

}  // namespace

void GroupsService::commit(const Principal& principal, CommitRequest request, CommitDone done) {
  const std::int64_t started_ns = parts_.clock.monotonic_ns();
  CommitDone counted = [this, started_ns, done = std::move(done)](Result<std::vector<Status>> statuses) {
    parts_.metrics.service(ServiceName::groups).finished(started_ns, parts_.clock.monotonic_ns(), statuses.ok());
    done(std::move(statuses));
  };
  if (!wait_for_replay(principal, request, counted)) return commit_now(principal, request, std::move(counted));
}

// Commits that come before the replay is over keep their order, behind it.
bool GroupsService::wait_for_replay(const Principal& principal, CommitRequest& request, CommitDone& done) {
  {
    const std::lock_guard lock(index_mutex_);
    if (open_) return false;
    waiting_.push_back({principal, std::move(request), std::move(done)});
    if (waiting_.size() > 1) return true;
  }
  parts_.background.post([this] {
    if (const Status ready = load(); !ready.ok()) refuse_waiting(ready.error());
  });
  return true;
}

void GroupsService::refuse_waiting(const Error& error) {
  std::vector<WaitingCommit> refused;
  {
    const std::lock_guard lock(index_mutex_);
    refused.swap(waiting_);
  }
  for (WaitingCommit& one : refused) one.done(error);
}

// Whoever comes meanwhile waits behind them.
void GroupsService::commit_waiting() {
  while (true) {
    std::vector<WaitingCommit> ready;
    {
      const std::lock_guard lock(index_mutex_);
      open_ = waiting_.empty();
      if (open_) return;
      ready.swap(waiting_);
    }
    for (WaitingCommit& one : ready) commit_now(one.principal, one.request, std::move(one.done));
  }
}

Result<std::vector<CommittedOffset>> GroupsService::fetch(const Principal& principal, const std::string& group,
                                                          std::vector<std::pair<std::string, PartitionId>> wanted) {
  return counted(parts_, ServiceName::groups, [&] { return fetch_now(principal, group, std::move(wanted)); });
}

// What to record for `commit`: its offset, or log start when that lies above it.
Result<Offset> GroupsService::check(const Principal& principal, const OffsetCommit& commit, bool any_offset) const {
  LOGCASK_TRY(check_topic_name(commit.topic));
  const auto topic = authorized_topic(parts_, principal, Operation::read, commit.topic);
  if (!topic.ok() && topic.code() != Errc::unknown_topic) return topic.error();
  if (commit.offset == kNoOffset) {
    // Deleting the commit of a topic that is gone must work.
    if (topic.ok() && !(*topic)->partition(commit.partition)) return unknown_partition(**topic, commit.partition);
    if (commit.partition.value() < 0)
      return Error{Errc::unknown_partition, "no partition has the number " + std::to_string(commit.partition.value())};
    return kNoOffset;
  }
  if (!topic.ok()) return topic.error();
  const PartitionRunner* runner = (*topic)->partition(commit.partition);
  if (!runner) return unknown_partition(**topic, commit.partition);
  if (commit.offset < Offset(0))
    return Error{Errc::invalid_argument, "offset " + std::to_string(commit.offset.value()) + " cannot be committed"};
  if (commit.metadata.size() > kMetadataBytesMax)
    return Error{Errc::commit_metadata_too_large,
                 "commit metadata has at most " + std::to_string(kMetadataBytesMax) + " bytes"};
  if (any_offset && !mutant(Mutant::kafka_commit_judged)) return commit.offset;
  LOGCASK_TRY(runner->check_position(commit.run, commit.offset));
  const PartitionMarks marks = runner->marks();
  // Where the log ends cannot be told.
  if (marks.state == PartitionMarks::State::offline) return commit.offset;
  if (commit.offset > marks.next_offset && !mutant(Mutant::commit_beyond_end))
    return Error{Errc::offset_out_of_range, "offset " + std::to_string(commit.offset.value()) +
                                                " lies beyond the end " + std::to_string(marks.next_offset.value()) +
                                                " of '" + commit.topic + "' partition " +
                                                std::to_string(commit.partition.value()) +
                                                ": the records up to it would be skipped when they come"};
  return std::max(commit.offset, marks.log_start_offset);
}

// Of whichever kind the group is.
Status GroupsService::check_member(const std::string& group, const CommitRequest& request) {
  const GroupMemberClaim& member = request.member;
  if (!consumers_.knows(group)) return coordinator_.validate_commit(group, member);
  ConsumerGroupCoordinator::NamedPartitions partitions;
  for (const OffsetCommit& commit : request.commits) partitions.emplace_back(commit.topic, commit.partition);
  return consumers_.check_commit(group, member.member_id, GroupEpoch(member.generation.value()), partitions);
}

void GroupsService::commit_now(const Principal& principal, const CommitRequest& request, CommitDone done) {
  const bool only_deletes = deletes(request);
  const std::string group = only_deletes ? meant_by(request.group) : request.group;
  Status allowed = check_group_name(group);
  if (allowed.ok() && !only_deletes) allowed = check_group_is_text(group);
  if (allowed.ok()) allowed = parts_.authorizer.authorize(principal, Operation::write, {ResourceKind::group, group});
  if (allowed.ok()) allowed = check_member(group, request);
  if (!allowed.ok()) return done(std::move(allowed).error());
  std::vector<Status> statuses(request.commits.size());
  std::vector<Record> records;
  std::vector<std::size_t> positions;
  const TimestampMs now = parts_.clock.wall_ms();
  for (std::size_t i = 0; i < request.commits.size(); ++i) {
    const OffsetCommit& commit = request.commits[i];
    const Result<Offset> offset = check(principal, commit, request.any_offset);
    if (!offset.ok()) {
      statuses[i] = offset.error();
      continue;
    }
    positions.push_back(i);
    Record& record = records.emplace_back();
    record.key = {group, commit.topic, commit.partition};
    if (*offset != kNoOffset) record.value = value_to_keep(parts_.topics, commit, *offset, now);
  }
  if (records.empty()) return done(std::move(statuses));
  write(std::move(records), [statuses = std::move(statuses), positions = std::move(positions),
                             done = std::move(done)](const Status& written) mutable {
    for (const std::size_t position : positions) statuses[position] = written;
    done(std::move(statuses));
  });
}

// One batch: all of it or nothing.
void GroupsService::write(std::vector<Record> records, std::function<void(Status)> done) {
  std::vector<InternalRecord> encoded;
  encoded.reserve(records.size());
  for (const Record& record : records) {
    InternalRecord& one = encoded.emplace_back();
    one.key = encode_offset_commit_key(record.key);
    if (record.value) one.value = encode_offset_commit_value(*record.value);
  }
  offsets_.append(std::move(encoded),
                  [this, records = std::move(records), done = std::move(done)](const Result<Offset>& base) {
                    if (!base.ok()) return done(base.error());
                    for (std::size_t i = 0; i < records.size(); ++i)
                      index_commit(records[i].key, *base + static_cast<std::int64_t>(i), !records[i].value.has_value());
                    done({});
                  });
}

Offset GroupsService::commits_end() const {
  const auto partition = offsets_.partition();
  return partition ? partition->marks().next_offset : Offset(0);
}

Status GroupsService::forget_topic(const std::string& name, Offset end) {
  if (!offsets_.partition()) return {};
  LOGCASK_TRY(load());
  std::vector<OffsetCommitKey> keys;
  {
    const std::lock_guard lock(index_mutex_);
    for (const auto& [group, partitions] : index_)
      for (auto place = partitions.lower_bound({name, PartitionId(0)});
           place != partitions.end() && place->first.first == name; ++place)
        if (place->second < end) keys.push_back({group, name, place->first.second});
  }
  const auto deleted = std::make_shared<std::promise<Status>>();
  delete_all(std::make_shared<const std::vector<OffsetCommitKey>>(std::move(keys)), 0,
             [deleted](Status status) { deleted->set_value(std::move(status)); });
  return deleted->get_future().get();
}

void GroupsService::forget_group(const std::string& group, Offset end, std::function<void(Status)> done) {
  if (Status ready = load(); !ready.ok()) return done(std::move(ready));
  std::vector<OffsetCommitKey> keys;
  {
    const std::lock_guard lock(index_mutex_);
    if (const auto found = index_.find(group); found != index_.end())
      for (const auto& [place, offset] : found->second)
        if (offset < end) keys.push_back({group, place.first, place.second});
  }
  delete_all(std::make_shared<const std::vector<OffsetCommitKey>>(std::move(keys)), 0, std::move(done));
}

void GroupsService::expire(const std::string& group, TimestampMs time, std::function<void(Status)> done) {
  const auto offsets = offsets_.partition();
  if (!offsets) return done({});
  if (Status ready = load(); !ready.ok()) return done(std::move(ready));
  std::vector<OffsetCommitKey> keys;
  {
    const std::lock_guard lock(index_mutex_);
    if (const auto found = index_.find(group); found != index_.end())
      for (const auto& [place, offset] : found->second) keys.push_back({group, place.first, place.second});
  }
  const auto values = read_values(*offsets, keys);
  if (!values.ok()) return done(values.error());
  std::vector<OffsetCommitKey> old;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const auto& value = (*values)[i]; value && value->commit_timestamp < time) old.push_back(keys[i]);
  delete_all(std::make_shared<const std::vector<OffsetCommitKey>>(std::move(old)), 0, std::move(done));
}

void GroupsService::delete_all(std::shared_ptr<const std::vector<OffsetCommitKey>> keys, std::size_t from,
                               std::function<void(Status)> done) {
  if (from >= keys->size()) return done({});
  const std::size_t to = std::min(keys->size(), from + kForgottenAtATime);
  std::vector<Record> records;
  for (std::size_t i = from; i < to; ++i) records.push_back({(*keys)[i], std::nullopt});
  write(std::move(records), [this, keys = std::move(keys), to, done = std::move(done)](Status written) {
    if (!written.ok()) return done(std::move(written));
    delete_all(keys, to, done);
  });
}

void GroupsService::forget(const std::string& group, const std::vector<std::pair<std::string, PartitionId>>& partitions,
                           std::function<void(Status)> done) {
  std::vector<Record> records;
  for (const auto& [topic, partition] : partitions)
    if (check_topic_name(topic).ok()) records.push_back({{group, topic, partition}, std::nullopt});
  if (records.empty()) return done({});
  write(std::move(records), std::move(done));
}

// Those with commits are found here, those with members alone by the coordinator.
std::string GroupsService::meant_by(const std::string& name) const {
  if (name.find(utf8_text("\xff")) == std::string::npos || coordinator_.knows(name) || consumers_.knows(name))
    return name;
  const auto is_shown_so = [&](const std::string& group) { return !valid_utf8(group) && utf8_text(group) == name; };
  {
    const std::lock_guard lock(index_mutex_);
    if (index_.count(name) > 0) return name;
    for (const auto& [group, partitions] : index_)
      if (is_shown_so(group)) return group;
  }
  return coordinator_.find_name(is_shown_so).value_or(name);
}

std::optional<Error> GroupsService::load_failure() const {
  const std::lock_guard lock(index_mutex_);
  return load_failure_;
}

bool GroupsService::has_commits(const std::string& group) const {
  const std::lock_guard lock(index_mutex_);
  return index_.count(group) > 0;
}

Result<std::map<std::string, std::size_t>> GroupsService::groups() {
  LOGCASK_TRY(load());
  const std::lock_guard lock(index_mutex_);
  std::map<std::string, std::size_t> groups;
  for (const auto& [name, partitions] : index_) groups[name] = partitions.size();
  return groups;
}

// Later records win, whichever order the replay and the commits bring them in. Before the replay has been done, a
// deletion must be remembered, or the replay would bring the older commit back.
void GroupsService::index_commit(const OffsetCommitKey& key, Offset record_offset, bool deleted) {
  const std::lock_guard lock(index_mutex_);
  Partitions& partitions = index_[key.group];
  const std::pair<std::string, PartitionId> place(key.topic, key.partition);
  const auto found = partitions.find(place);
  if (found != partitions.end()) {
    const std::int64_t known = found->second.value();
    if ((known >= 0 ? known : -1 - known) > record_offset.value()) return;
  }
  if (!deleted) {
    partitions.insert_or_assign(place, record_offset);
  } else if (!indexed_) {
    partitions.insert_or_assign(place, Offset(-1 - record_offset.value()));
  } else {
    partitions.erase(place);
    if (partitions.empty()) index_.erase(key.group);
  }
}

Result<Offset> GroupsService::newest_readable(const OffsetCommitKey& key) {
  LOGCASK_TRY(load());
  const std::lock_guard lock(index_mutex_);
  const auto group = index_.find(key.group);
  if (group == index_.end()) return kNoOffset;
  const auto found = group->second.find({key.topic, key.partition});
  return found == group->second.end() ? kNoOffset : found->second;
}

Result<std::vector<std::optional<OffsetCommitValue>>> GroupsService::read_values(
    PartitionRunner& offsets, const std::vector<OffsetCommitKey>& keys) {
  return read_committed_values(offsets, keys, [this](const OffsetCommitKey& key) { return newest_readable(key); });
}

bool GroupsService::loaded() const {
  const std::lock_guard lock(index_mutex_);
  return indexed_;
}

Status GroupsService::load() {
  const std::lock_guard load(load_mutex_);
  if (loaded()) return {};
  LoadedGroups groups;
  if (const auto partition = offsets_.partition()) {
    if (Status read = load_records(*partition, groups); !read.ok()) {
      coordinator_.load_failed(read.error());
      consumers_.load_failed(read.error());
      const std::lock_guard lock(index_mutex_);
      load_failure_ = read.error();
      return read;
    }
  }
  {
    const std::lock_guard lock(index_mutex_);
    indexed_ = true;
    load_failure_.reset();
    for (auto group = index_.begin(); group != index_.end();) {
      std::erase_if(group->second, [](const auto& entry) { return entry.second < Offset(0); });
      group = group->second.empty() ? index_.erase(group) : std::next(group);
    }
  }
  coordinator_.loaded(std::move(groups.classic));
  consumers_.loaded(std::move(groups.consumer));
  commit_waiting();
  return {};
}

Status GroupsService::load_records(PartitionRunner& offsets, LoadedGroups& groups) {
  std::int64_t lost = 0;
  Error why{Errc::ok, {}};
  LOGCASK_TRY(for_each_readable_record(
      offsets,
      [&](const RecordView& record) {
        if (record.key) load_record(record, groups);
      },
      [&](Offset from, Offset to, const Error& error) {
        if (lost == 0) why = error;
        lost += to - from;
      }));
  if (lost > 0) told_of_lost_groups(offsets, lost, why);
  return {};
}

// Records of other kinds are another version's business. A group that cannot be read begins anew: its members join
// again.
void GroupsService::load_record(const RecordView& record, LoadedGroups& groups) {
  if (const auto commit = decode_offset_commit_key(*record.key); commit.ok() && *commit)
    return index_commit(**commit, record.offset, record.tombstone());
  const auto of_consumers = take_consumer_group_record(
      *record.key, record.tombstone() ? std::nullopt : std::optional<ByteView>(*record.value), groups.consumer);
  if (!of_consumers.ok())
    log_warn("a record of a consumer group cannot be read, and is left out: " + of_consumers.error().message);
  if (!of_consumers.ok() || *of_consumers) return;
  const auto group = decode_group_metadata_key(*record.key);
  if (!group.ok() || !*group) return;
  groups.classic.erase(**group);
  if (record.tombstone()) return;
  auto value = decode_group_metadata_value(*record.value);
  if (value.ok())
    groups.classic.emplace(**group, std::move(value).value());
  else
    log_warn("group '" + **group + "' cannot be read and begins anew: " + value.error().message);
}

Result<std::vector<CommittedOffset>> GroupsService::fetch_now(const Principal& principal, const std::string& name,
                                                              std::vector<std::pair<std::string, PartitionId>> wanted) {
  if (wanted.empty()) LOGCASK_TRY(load());
  const std::string group = meant_by(name);
  LOGCASK_TRY(check_group_name(group));
  LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::read, {ResourceKind::group, group}));
  const auto may_describe = [&](const std::string& topic) {
    return parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::topic, topic});
  };
  if (wanted.empty()) {
    const std::lock_guard lock(index_mutex_);
    if (const auto found = index_.find(group); found != index_.end())
      for (const auto& [place, offset] : found->second) wanted.push_back(place);
    std::erase_if(wanted, [&](const auto& place) { return !may_describe(place.first).ok(); });
  } else {
    for (const auto& [topic_name, partition] : wanted) LOGCASK_TRY(may_describe(topic_name));
  }
  std::vector<CommittedOffset> committed;
  std::vector<OffsetCommitKey> keys;
  std::vector<std::size_t> places;  // of each key
  for (auto& [topic_name, partition] : wanted) {
    // For a name that no topic can have nothing is committed.
    if (check_topic_name(topic_name).ok()) {
      keys.push_back({group, topic_name, partition});
      places.push_back(committed.size());
    }
    CommittedOffset& one = committed.emplace_back();
    if (const TopicPtr topic = parts_.topics.find(topic_name))
      if (const PartitionRunner* runner = topic->partition(partition)) {
        const PartitionMarks marks = runner->marks();
        if (marks.state != PartitionMarks::State::offline) {
          one.committed_end = marks.committed_end;
          one.log_start_offset = marks.log_start_offset;
        }
      }
    one.topic = std::move(topic_name);
    one.partition = partition;
  }
  const auto offsets = offsets_.partition();
  if (!offsets || keys.empty()) return committed;
  LOGCASK_ASSIGN(auto values, read_values(*offsets, keys));
  for (std::size_t i = 0; i < keys.size(); ++i) committed[places[i]].value = std::move(values[i]);
  for (CommittedOffset& one : committed) one.changed = same_log(parts_.topics, one);
  return committed;
}

}  // namespace logcask
