#include "broker/services/admin_service.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/log.h"
#include "broker/services/authorized_topic.h"
#include "broker/services/counted.h"
#include "sizing/verdict.h"

namespace logcask {
namespace {

// Ten seconds in all, less than clients wait for an answer; a look is how soon a stop is heard of.
constexpr int kReopenLooks = 100;
constexpr std::int64_t kReopenLookMs = 100;
// Of one deletion of records, so that its line stays short.
constexpr std::size_t kPartitionsNamed = 100;

// A topic whose keys do not repeat is called out once it has so many records, and so many of them brought a new key.
constexpr std::uint64_t kRecordsThatTell = 100'000;
constexpr double kKeysThatNeverRepeat = 0.95;

std::string never_repeat_text(double keys_per_record) {
  return std::to_string(static_cast<int>(keys_per_record * 100)) +
         "% of its records so far brought a new key: RAM grows with every record, and compaction finds nothing to "
         "remove. "
         "If that is what they are, a topic with cleanup.policy=delete holds them without a keydir; else delete the "
         "keys "
         "that are done with (docs/SIZING.md)";
}

// How many keys a topic's records brought, told from its partitions.
class KeysOfRecords {
 public:
  void add(const PartitionSnapshot& partition) {
    if (partition.state == PartitionSnapshot::State::loading || partition.state == PartitionSnapshot::State::offline)
      known_ = false;
    keys_ += partition.live_keys + partition.deleted_keys;
    records_ += static_cast<std::uint64_t>(partition.committed_end.value() - partition.log_start_offset.value());
  }
  std::optional<double> per_record() const {
    if (!known_ || records_ == 0) return std::nullopt;
    return static_cast<double>(keys_) / static_cast<double>(records_);
  }
  std::string note() const {
    const auto ratio = per_record();
    return ratio && records_ >= kRecordsThatTell && *ratio >= kKeysThatNeverRepeat ? never_repeat_text(*ratio) : "";
  }

 private:
  bool known_ = true;
  std::uint64_t keys_ = 0, records_ = 0;
};

std::string tight_text(const KeydirUse& use) {
  return "keydirs take " + std::to_string(use.limit_used_bytes) + " of " + std::to_string(use.limit_bytes) +
         " bytes of " + use.limit +
         "; above it new keys are refused. Raise it if the machine has the RAM, or remove keys (docs/SIZING.md)";
}

// For whoever asks later who did what: one line for each act that changed something, however many there are, since each
// has waited for the disk. Names of topics that are there hold no control characters.
void note_change(const Principal& principal, const std::string& what) {
  log_info(what + " by " + principal.name + (principal.address.empty() ? "" : " from " + principal.address));
}

std::string listed(const SettingMap& set, const std::vector<std::string>& unset) {
  std::string text;
  for (const auto& [name, value] : set) text += " " + name + "=" + value;
  for (const std::string& name : unset) text += " " + name + "=(default)";
  return text;
}

// Which partitions lost records: "2 of 4 partitions (log start 0:17 3:20)", and what failed beside them. Empty when
// none did: a deletion that finds nothing changes nothing, costs nothing, and could be asked for without end.
std::string deletions(const std::vector<Offset>& starts_before, const std::vector<PerPartition<Offset>>& results) {
  std::size_t changed = 0, failed = 0;
  std::string starts, failure;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string number = std::to_string(results[i].partition.value());
    if (!results[i].result.ok()) {
      if (failed++ == 0) failure = "partition " + number + ": " + results[i].result.error().to_string();
    } else if (*results[i].result > starts_before[i] && changed++ < kPartitionsNamed) {
      starts += " " + number + ":" + std::to_string(results[i].result->value());
    }
  }
  if (changed == 0) return {};
  if (changed > kPartitionsNamed) starts += " and " + std::to_string(changed - kPartitionsNamed) + " more";
  std::string text =
      std::to_string(changed) + " of " + std::to_string(results.size()) + " partitions (log start" + starts + ")";
  if (failed > 0) text += ", failed in " + std::to_string(failed) + " (" + failure + ")";
  return text;
}

}  // namespace

Result<std::vector<PartitionId>> AdminService::partitions_of(const Topic& topic, PartitionId partition) const {
  if (partition != kAllPartitions) {
    if (!topic.partition(partition)) return unknown_partition(topic, partition);
    return std::vector<PartitionId>{partition};
  }
  std::vector<PartitionId> all;
  for (std::size_t p = 0; p < topic.partitions.size(); ++p) all.push_back(PartitionId(static_cast<std::int32_t>(p)));
  return all;
}

Result<Topics::Created> AdminService::create_topic(const Principal& principal, const std::string& name,
                                                   std::int64_t partitions, const SettingMap& settings,
                                                   bool if_not_exists, bool only_check) {
  return counted(parts_, ServiceName::topics, [&]() -> Result<Topics::Created> {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::create, {ResourceKind::topic, name}));
    if (only_check) return parts_.topics.create(name, partitions, settings, if_not_exists, true);
    // A crash may have come between a deletion and the end of its commits. The order matters: commits for a topic that
    // somebody else makes meanwhile are recorded behind `end`.
    const Offset end = groups_.commits_end();
    if (!parts_.topics.find(name)) {
      Status forgotten = groups_.forget_topic(name, end);
      // What cannot be read misleads nobody, and is no reason to be without new topics.
      const bool unreadable = forgotten.code() == Errc::corrupt_range || forgotten.code() == Errc::partition_offline;
      if (!forgotten.ok() && !unreadable) return std::move(forgotten).error().in("commits of a topic of that name");
    }
    auto created = parts_.topics.create(name, partitions, settings, if_not_exists);
    if (created.ok() && !created->existed)
      note_change(principal, "topic '" + name + "' with " + std::to_string(created->topic->partitions.size()) +
                                 " partitions" + listed(settings, {}) + " made");
    return created;
  });
}

Status AdminService::alter_topic(const Principal& principal, const std::string& name, const SettingMap& set,
                                 const std::vector<std::string>& unset, bool only_check) {
  return counted(parts_, ServiceName::topics, [&]() -> Status {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::alter, {ResourceKind::topic, name}));
    LOGCASK_TRY(parts_.topics.alter(name, set, unset, only_check, [this]() -> Status {
      if (stopping_.load(std::memory_order_relaxed)) return Error{Errc::shutting_down, "the broker stops"};
      return {};
    }));
    if (only_check) return {};
    if (!set.empty() || !unset.empty())
      note_change(principal, "settings of topic '" + name + "' changed:" + listed(set, unset));
    return {};
  });
}

Status AdminService::grow_topic(const Principal& principal, const std::string& name, std::int64_t partitions,
                                bool only_check) {
  return counted(parts_, ServiceName::topics, [&]() -> Status {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::alter, {ResourceKind::topic, name}));
    LOGCASK_TRY(parts_.topics.grow(name, partitions, only_check));
    if (!only_check)
      note_change(principal, "topic '" + name + "' has " + std::to_string(partitions) + " partitions now");
    return {};
  });
}

Status AdminService::delete_topic(const Principal& principal, const std::string& name) {
  return counted(parts_, ServiceName::topics, [&]() -> Status {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::remove, {ResourceKind::topic, name}));
    const Offset end = groups_.commits_end();
    LOGCASK_TRY(
        parts_.topics.remove(name, [this](std::function<void()> work) { parts_.background.post(std::move(work)); }));
    note_change(principal, "topic '" + name + "' deleted");
    auto forgotten = groups_.forget_topic(name, end);
    if (forgotten.ok()) return {};
    return std::move(forgotten).error().in(
        "the topic is deleted; the offsets that groups have committed for it go when one of its name is made");
  });
}

Result<TopicPtr> AdminService::describe_topic(const Principal& principal, const std::string& name) const {
  return authorized_topic(parts_, principal, Operation::describe, name);
}

std::vector<TopicPtr> AdminService::list_topics(const Principal& principal, bool include_internal) const {
  std::vector<TopicPtr> topics;
  for (const auto all = parts_.topics.snapshot(); const auto& [name, topic] : *all) {
    if (topic->internal && !include_internal) continue;
    if (parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::topic, name}).ok())
      topics.push_back(topic);
  }
  std::sort(topics.begin(), topics.end(),
            [](const TopicPtr& a, const TopicPtr& b) { return a->record.name < b->record.name; });
  return topics;
}

Result<std::vector<PerPartition<Offset>>> AdminService::delete_records(const Principal& principal,
                                                                       const std::string& topic_name,
                                                                       PartitionId partition, Offset before) {
  return counted(parts_, ServiceName::admin, [&]() -> Result<std::vector<PerPartition<Offset>>> {
    LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, principal, Operation::remove, topic_name));
    if (topic->internal) return Error{Errc::permission_denied, "'" + topic_name + "' is the broker's own topic"};
    LOGCASK_ASSIGN(const auto partitions, partitions_of(*topic, partition));
    std::vector<Offset> starts_before;
    std::vector<PerPartition<Offset>> results;
    for (const PartitionId p : partitions) {
      starts_before.push_back(topic->partition(p)->marks().log_start_offset);
      results.push_back({p, topic->partition(p)->delete_records(before)});
    }
    if (const std::string where = deletions(starts_before, results); !where.empty())
      note_change(principal, (before == kNoOffset
                                  ? "all records of topic '" + topic_name + "'"
                                  : "records of topic '" + topic_name + "' below " + std::to_string(before.value())) +
                                 " deleted in " + where);
    return results;
  });
}

// Who is told that a partition is open again looks something up next. A load that takes long is told of instead.
void AdminService::wait_for_keys(const std::string& topic_name, std::vector<PerPartition<std::string>>& reopened) {
  const bool first = !waits_for_keys_.exchange(true);
  const bool may_wait = first || mutant(Mutant::every_reopen_waits);
  int looks = 0;
  for (auto& one : reopened) {
    const TopicPtr topic = parts_.topics.find(topic_name);
    PartitionRunner* const runner = topic ? topic->partition(one.partition) : nullptr;
    if (!one.result.ok() || !runner) continue;
    const auto loads = [&] { return runner->marks().state == PartitionMarks::State::loading; };
    while (may_wait && loads() && !stopping_.load(std::memory_order_relaxed) && looks++ < kReopenLooks)
      runner->wait_loaded(kReopenLookMs);
    if (loads())
      one.result = *one.result + "; its keys are still being loaded: lookups answer 'loading' until they are";
  }
  if (first) waits_for_keys_.store(false);
}

Result<std::vector<PerPartition<std::string>>> AdminService::reopen(const Principal& principal,
                                                                    const std::string& topic_name,
                                                                    PartitionId partition) {
  return counted(parts_, ServiceName::admin, [&]() -> Result<std::vector<PerPartition<std::string>>> {
    LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, principal, Operation::alter, topic_name));
    LOGCASK_ASSIGN(const auto partitions, partitions_of(*topic, partition));
    std::vector<PerPartition<std::string>> results;
    // All of the topic: those that have something to mend. The partition itself says when there is nothing to do.
    for (const PartitionId p : partitions)
      if (partition != kAllPartitions || !topic->partition(p)->snapshot().problems.empty())
        results.push_back({p, parts_.topics.reopen(topic_name, p)});
    wait_for_keys(topic_name, results);
    return results;
  });
}

Result<std::vector<PerPartition<std::vector<SegmentReport>>>> AdminService::segments(const Principal& principal,
                                                                                     const std::string& topic_name,
                                                                                     PartitionId partition) const {
  return counted(parts_, ServiceName::admin, [&]() -> Result<std::vector<PerPartition<std::vector<SegmentReport>>>> {
    LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, principal, Operation::describe, topic_name));
    LOGCASK_ASSIGN(const auto partitions, partitions_of(*topic, partition));
    std::vector<PerPartition<std::vector<SegmentReport>>> results;
    for (const PartitionId p : partitions) results.push_back({p, topic->partition(p)->segments()});
    return results;
  });
}

// The requests of one `compact` call, one per partition.
class AdminService::Compaction final : public OpenCall, public std::enable_shared_from_this<Compaction> {
 public:
  using Report = std::function<void(PartitionId, const CompactionProgress&, bool)>;
  Compaction(CompactionControl& control, EventLoop& loop, TopicPtr topic, Report report)
      : control_(control), loop_(loop), topic_(std::move(topic)), report_(std::move(report)) {}
  ~Compaction() override { stop(); }

  void start(const std::vector<PartitionId>& partitions, bool wait) {
    open_ = partitions.size();
    for (const PartitionId p : partitions) {
      const auto weak = weak_from_this();
      ids_.push_back(control_.request(topic_->partitions[static_cast<std::size_t>(p.value())], wait,
                                      [weak, p, &loop = loop_](const CompactionProgress& progress) {
                                        loop.post([weak, p, progress] {
                                          if (const auto self = weak.lock()) self->heard(p, progress);
                                        });
                                      }));
    }
  }

  void cancel(const Error& reason) override {
    if (!report_) return;
    stop();
    CompactionProgress progress;
    progress.error = reason;
    progress.finished = true;
    std::exchange(report_, nullptr)(PartitionId(-1), progress, true);
  }

 private:
  void heard(PartitionId partition, const CompactionProgress& progress) {
    if (!report_) return;
    const bool last = progress.finished && --open_ == 0;
    const Report report = report_;
    if (last) report_ = nullptr;
    report(partition, progress, last);
  }
  void stop() {
    for (const auto id : ids_) control_.cancel(id);
    ids_.clear();
  }

  CompactionControl& control_;
  EventLoop& loop_;
  const TopicPtr topic_;
  Report report_;  // null once ended
  std::vector<CompactionControl::RequestId> ids_;
  std::size_t open_ = 0;
};

Result<std::shared_ptr<OpenCall>> AdminService::compact(
    const CallContext& context, const std::string& topic_name, PartitionId partition, bool wait,
    std::function<void(PartitionId, const CompactionProgress&, bool last)> progress) {
  LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, context.principal, Operation::alter, topic_name));
  if (!compaction_) return Error{Errc::unsupported, "this broker runs without a compactor"};
  if (!topic->config.partition.compacted)
    return Error{Errc::unsupported, "topic '" + topic_name + "' has no cleanup.policy compact"};
  LOGCASK_ASSIGN(const auto partitions, partitions_of(*topic, partition));
  auto compaction = std::make_shared<Compaction>(*compaction_, context.loop, topic, std::move(progress));
  compaction->start(partitions, wait);
  return std::shared_ptr<OpenCall>(std::move(compaction));
}

TopicSizing AdminService::sizing_of(const Topic& topic, std::span<const PartitionSnapshot> partitions) const {
  TopicSizing sizing;
  if (!topic.config.partition.compacted) return sizing;
  if (facts_.keydir_use) sizing.use = facts_.keydir_use(&topic.record.id);
  KeysOfRecords keys;
  for (const PartitionSnapshot& partition : partitions) keys.add(partition);
  sizing.keys_per_record = keys.per_record();
  sizing.note = keys.note();
  return sizing;
}

Result<BrokerDescription> AdminService::describe_broker(const Principal& principal) const {
  LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::broker, ""}));
  BrokerDescription description;
  description.uptime_ms = (parts_.clock.monotonic_ns() - facts_.started_ns) / 1'000'000;
  double progress = 0;
  std::size_t partitions = 0;
  for (const auto all = parts_.topics.snapshot(); const auto& [name, topic] : *all) {
    if (!topic->internal) ++description.topics;
    KeysOfRecords keys;
    for (std::size_t p = 0; p < topic->partitions.size(); ++p) {
      const PartitionSnapshot state = topic->partitions[p]->snapshot();
      ++partitions;
      keys.add(state);
      if (!topic->internal) ++description.partitions;
      progress += state.loading_progress;
      // Internal topics have a budget of their own, without a limit.
      if (!topic->internal) description.keydir_entries += state.live_keys + state.deleted_keys;
      if (!topic->internal) description.keydir_bytes += state.keydir_bytes;
      const PartitionId id(static_cast<std::int32_t>(p));
      if (state.state == PartitionSnapshot::State::loading) ++description.partitions_loading;
      for (const PartitionProblem& problem : state.problems)
        description.problems.push_back({name, id, problem.kind, problem.reason});
    }
    if (topic->internal || !topic->config.partition.compacted) continue;
    if (std::string note = keys.note(); !note.empty())
      description.notes.push_back({name, kAllPartitions, kKeysNeverRepeat, std::move(note)});
  }
  if (partitions > 0) description.loading_progress = progress / static_cast<double>(partitions);
  if (facts_.list_problems) facts_.list_problems(description.problems);
  if (facts_.list_notes) facts_.list_notes(description.notes);
  if (facts_.keydir_use) description.keydir_use = facts_.keydir_use(nullptr);
  description.keydir_verdict = sizing::verdict_text(description.keydir_use.verdict);
  if (description.keydir_use.verdict == sizing::Verdict::tight)
    description.notes.push_back({"", PartitionId(0), kKeydirTight, tight_text(description.keydir_use)});
  return description;
}

}  // namespace logcask
