#include "broker/services/consumer_group_coordinator.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "broker/log.h"
#include "broker/services/consumer_group_codec.h"

namespace logcask {
namespace {

constexpr std::size_t kGroupIdLengthMax = 255;
constexpr std::size_t kMemberTextBytesMax = 4096;
constexpr std::size_t kSubscriptionBytesMax = 1u << 20;
constexpr std::int64_t kSweepMs = 250;

std::string random_member_id() {
  TopicId random;
  secure_random_bytes(random.bytes.data(), random.bytes.size());
  return random.to_hex();
}

Error no_consumer_group(const std::string& group) {
  return {Errc::group_id_not_found, "there is no group '" + group + "' whose partitions the broker shares out"};
}

Error invalid_heartbeat(const ConsumerHeartbeat& heartbeat, const std::string& why) {
  return {Errc::invalid_argument,
          "a heartbeat of member '" + heartbeat.member_id.text() + "' of group '" + heartbeat.group + "': " + why};
}

// What a first heartbeat must say, and what none may.
Status check_complete(const ConsumerHeartbeat& heartbeat) {
  const bool joins = heartbeat.epoch == kJoins;
  if (heartbeat.member_id.empty() && !joins) return invalid_heartbeat(heartbeat, "it has no member id");
  if (heartbeat.instance_id && heartbeat.instance_id->empty())
    return invalid_heartbeat(heartbeat, "its instance id is empty");
  if (heartbeat.rack_id && heartbeat.rack_id->empty()) return invalid_heartbeat(heartbeat, "its rack id is empty");
  if (heartbeat.epoch < kLeavesForAWhile)
    return invalid_heartbeat(heartbeat, "no epoch is " + std::to_string(heartbeat.epoch.value()));
  if (heartbeat.epoch == kLeavesForAWhile && !heartbeat.instance_id)
    return invalid_heartbeat(heartbeat, "who leaves for a while has an instance id");
  if (!joins) return {};
  if (!heartbeat.rebalance_timeout_ms) return invalid_heartbeat(heartbeat, "who joins says its rebalance timeout");
  if (!heartbeat.owned || !heartbeat.owned->empty()) return invalid_heartbeat(heartbeat, "who joins has no partitions");
  if (!heartbeat.topics && !heartbeat.topic_regex)
    return invalid_heartbeat(heartbeat, "who joins says what it subscribes to");
  return {};
}

Status check_sizes(const ConsumerHeartbeat& heartbeat) {
  std::size_t subscription = heartbeat.topic_regex ? heartbeat.topic_regex->size() : 0;
  if (heartbeat.topics)
    for (const std::string& topic : *heartbeat.topics) subscription += topic.size();
  if (subscription > kSubscriptionBytesMax)
    return invalid_heartbeat(heartbeat, "its subscription has " + std::to_string(subscription) + " bytes; " +
                                            std::to_string(kSubscriptionBytesMax) + " are taken");
  const auto fits = [](const std::string& text) { return text.size() <= kMemberTextBytesMax; };
  const bool all_fit = fits(heartbeat.member_id.text()) && fits(heartbeat.client_id) && fits(heartbeat.client_host) &&
                       (!heartbeat.instance_id || fits(heartbeat.instance_id->text())) &&
                       (!heartbeat.rack_id || fits(*heartbeat.rack_id)) &&
                       (!heartbeat.topic_regex || fits(*heartbeat.topic_regex));
  if (all_fit) return {};
  return invalid_heartbeat(heartbeat,
                           "one of its texts is longer than " + std::to_string(kMemberTextBytesMax) + " bytes");
}

}  // namespace

struct ConsumerGroupCoordinator::Entry {
  struct Due {
    std::int64_t session_ms = 0;
    std::optional<std::int64_t> revoked_ms;  // by when it must have given up what it was told to
    GroupEpoch epoch{0};                     // that it gives up at
  };

  explicit Entry(ConsumerGroup of) : group(std::move(of)) {}

  ConsumerGroup group;
  std::map<MemberId, Due> due;
  std::uint64_t topics_generation = 0;  // that the group was refreshed at
  std::deque<Work> waiting;
  bool saving = false;
  bool deleted = false;  // once that is on disk
  std::size_t counted_bytes = 0;
};

// Holds the lock while it lives; what must run without it runs when it ends.
class ConsumerGroupCoordinator::Turn {
 public:
  explicit Turn(ConsumerGroupCoordinator& coordinator)
      : coordinator_(coordinator),
        lock_(coordinator.mutex_),
        now_ms_(coordinator.parts_.clock.monotonic_ns() / 1'000'000) {}
  ~Turn() {
    if (!coordinator_.sweeping_ && !coordinator_.stopped_ && !coordinator_.groups_.empty()) {
      coordinator_.sweeping_ = true;
      later([&coordinator = coordinator_] {
        coordinator.parts_.timers.run([&coordinator] {
          coordinator.parts_.timers.call_after(kSweepMs, [&coordinator] { coordinator.sweep(); });
        });
      });
    }
    lock_.unlock();
    for (const auto& task : tasks_) task();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  std::int64_t now_ms() const { return now_ms_; }
  void later(std::function<void()> task) { tasks_.push_back(std::move(task)); }
  void settle(const Work& work, const Status& status) {
    later([settle = work.settle, status] { settle(status); });
  }

 private:
  ConsumerGroupCoordinator& coordinator_;
  std::unique_lock<std::mutex> lock_;
  const std::int64_t now_ms_;
  std::vector<std::function<void()>> tasks_;
};

ConsumerGroupCoordinator::ConsumerGroupCoordinator(Parts parts, const ConsumerGroupLimits& limits)
    : parts_(std::move(parts)), limits_(limits) {
  if (!parts_.unique_text) parts_.unique_text = random_member_id;
  parts_.names.of_kind(GroupKind::consumer, [this](const std::string& name) -> Status {
    Turn turn(*this);
    Entry* entry = find(name);
    if (!entry || entry->deleted) return {};
    if (!entry->group.members().empty() || !entry->waiting.empty() || entry->saving)
      return Error{Errc::non_empty_group, "group '" + name + "' has " + std::to_string(entry->group.members().size()) +
                                              " members of the consumer protocol (KIP-848); stop them first"};
    remove_empty(turn, *entry, [](const Status&) {});
    return {};
  });
}

ConsumerGroupCoordinator::~ConsumerGroupCoordinator() = default;

// ---- what every call asks first

Status ConsumerGroupCoordinator::check_open() const {
  if (stopped_) return Error{Errc::shutting_down, "the broker stops; the group goes on at its next start"};
  if (loading_) return *loading_;
  return {};
}

Status ConsumerGroupCoordinator::check_call(const Principal& principal, Operation operation,
                                            const std::string& group) const {
  LOGCASK_TRY(parts_.authorizer.authorize(principal, operation, {ResourceKind::group, group}));
  if (group.size() <= kGroupIdLengthMax && !group.empty()) return {};
  return Error{group.empty() ? Errc::invalid_argument : Errc::invalid_group_id,
               "a group's name has 1 to " + std::to_string(kGroupIdLengthMax) + " bytes, this one " +
                   std::to_string(group.size())};
}

Status ConsumerGroupCoordinator::check_heartbeat(const Principal& principal, const ConsumerHeartbeat& heartbeat) const {
  LOGCASK_TRY(check_call(principal, Operation::read, heartbeat.group));
  LOGCASK_TRY(check_group_is_text(heartbeat.group));
  LOGCASK_TRY(check_complete(heartbeat));
  LOGCASK_TRY(check_sizes(heartbeat));
  if (heartbeat.assignor && !is_assignor(*heartbeat.assignor))
    return Error{Errc::unsupported_assignor, "there is no assignor '" + *heartbeat.assignor +
                                                 "' on the broker: " + std::string(kUniformAssignor) + " and " +
                                                 std::string(kRangeAssignor) + " are there"};
  if (heartbeat.topic_regex && !heartbeat.topic_regex->empty()) LOGCASK_TRY(check_topic_regex(*heartbeat.topic_regex));
  if (heartbeat.topics)
    for (const std::string& topic : *heartbeat.topics)
      LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::topic, topic}));
  return {};
}

ConsumerGroupCoordinator::Entry* ConsumerGroupCoordinator::find(const std::string& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.get();
}

const KnownTopics& ConsumerGroupCoordinator::topics() {
  const std::uint64_t now = parts_.topics_generation();
  if (now != topics_generation_) {
    topics_ = parts_.topics();
    topics_generation_ = now;
  }
  return topics_;
}

// ---- members

void ConsumerGroupCoordinator::heartbeat(const GroupCaller& caller, ConsumerHeartbeat heartbeat,
                                         ConsumerHeartbeatDone done) {
  Status refused = check_heartbeat(caller.principal, heartbeat);
  if (heartbeat.member_id.empty()) heartbeat.member_id = MemberId(parts_.unique_text());
  if (refused.ok() && heartbeat.epoch == kJoins) {
    refused = parts_.names.make_way(heartbeat.group, GroupKind::consumer);
    if (refused.code() == Errc::non_empty_group)
      refused = Error{Errc::group_id_not_found,
                      "group '" + heartbeat.group + "' is one of the classic protocol: " + refused.error().message};
  }
  const auto answer = std::make_shared<ConsumerHeartbeatAnswer>();
  answer->member_id = heartbeat.member_id;
  answer->epoch = heartbeat.epoch;
  if (heartbeat.epoch >= kJoins) answer->interval_ms = static_cast<std::int32_t>(limits_.heartbeat_interval_ms);
  Work work;
  work.settle = [answer, &loop = caller.loop, done = std::move(done)](const Status& status) {
    if (answer->status.ok()) answer->status = status;
    loop.run([done, answer] { done(*answer); });
  };
  Turn turn(*this);
  if (refused.ok()) refused = check_open();
  if (!refused.ok()) return turn.settle(work, refused);
  const Result<Entry*> entry = entry_for(heartbeat);
  if (!entry.ok()) return turn.settle(work, entry.error());
  work.apply = [this, answer, heartbeat = std::move(heartbeat)](Entry& to, std::int64_t now_ms) {
    answer->status = apply(to, heartbeat, now_ms, *answer);
  };
  (*entry)->waiting.push_back(std::move(work));
  advance(turn, **entry);
}

Result<ConsumerGroupCoordinator::Entry*> ConsumerGroupCoordinator::entry_for(const ConsumerHeartbeat& heartbeat) {
  if (Entry* entry = find(heartbeat.group)) return entry;
  if (heartbeat.epoch != kJoins) return no_consumer_group(heartbeat.group);
  if (!parts_.names.take(heartbeat.group, GroupKind::consumer))
    return Error{Errc::coordinator_not_available,
                 "group '" + heartbeat.group + "' is being joined otherwise; try again"};
  auto& place = groups_[heartbeat.group];
  place = std::make_unique<Entry>(ConsumerGroup(heartbeat.group));
  return place.get();
}

Status ConsumerGroupCoordinator::check_memory(const ConsumerHeartbeat& heartbeat) const {
  std::size_t asked = heartbeat.topic_regex ? heartbeat.topic_regex->size() : 0;
  if (heartbeat.topics)
    for (const std::string& topic : *heartbeat.topics) asked += topic.size();
  if (heartbeat.epoch != kJoins && asked == 0) return {};
  if (kept_bytes_ + asked <= limits_.members_max_bytes) return {};
  return Error{Errc::group_max_size_reached, "members of consumer groups keep " + std::to_string(kept_bytes_) +
                                                 " of the " + std::to_string(limits_.members_max_bytes) +
                                                 " bytes of group.members.max.bytes: stop members, or raise it"};
}

Status ConsumerGroupCoordinator::apply(Entry& entry, const ConsumerHeartbeat& heartbeat, std::int64_t now_ms,
                                       ConsumerHeartbeatAnswer& answer) {
  if (entry.deleted)
    return Error{Errc::coordinator_not_available, "group '" + heartbeat.group + "' is being deleted; try again"};
  if (heartbeat.epoch < kJoins) return entry.group.leave(heartbeat, topics_);
  LOGCASK_TRY(check_memory(heartbeat));
  LOGCASK_ASSIGN(auto brought, entry.group.heartbeat(heartbeat, topics_, limits_.max_size));
  answer.epoch = brought.epoch;
  answer.assignment = std::move(brought.assignment);
  heard_of(entry, heartbeat.member_id, now_ms);
  return {};
}

void ConsumerGroupCoordinator::heard_of(Entry& entry, const MemberId& id, std::int64_t now_ms) {
  const ConsumerMember& member = *entry.group.find(id);
  Entry::Due& due = entry.due[id];
  due.session_ms = now_ms + limits_.session_timeout_ms;
  if (member.state != ConsumerMemberState::unrevoked_partitions) {
    due.revoked_ms.reset();
  } else if (!due.revoked_ms || due.epoch != member.epoch) {
    due.revoked_ms = now_ms + std::max(member.rebalance_timeout_ms, 0);
    due.epoch = member.epoch;
  }
}

Status ConsumerGroupCoordinator::check_commit(const std::string& group, const MemberId& id, GroupEpoch epoch,
                                              const NamedPartitions& partitions) {
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  const Entry* entry = find(group);
  if (!entry || (epoch < kJoins && entry->group.members().empty())) return {};
  if (epoch < kJoins && id.empty())
    return Error{Errc::unknown_member_id, "group '" + group + "' has members (" +
                                              std::to_string(entry->group.members().size()) +
                                              "): only they commit offsets. Stop them first, or join it"};
  TopicPartitions wanted;
  for (const auto& [name, partition] : partitions) {
    const auto topic = topics().find(name);
    wanted[topic == topics_.end() ? TopicId() : topic->second.id].insert(partition);
  }
  return entry->group.check_commit(id, epoch, wanted);
}

Status ConsumerGroupCoordinator::check_fetch(const std::string& group, const MemberId& id, GroupEpoch epoch) {
  if (id.empty() && epoch < kJoins) return {};
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  const Entry* entry = find(group);
  return entry ? entry->group.check_epoch(id, epoch) : Status();
}

// ---- one write at a time

void ConsumerGroupCoordinator::advance(Turn& turn, Entry& entry) {
  if (entry.saving || entry.waiting.empty()) return;
  const ConsumerGroup before = entry.group;
  const KnownTopics& known = topics();
  if (entry.topics_generation != topics_generation_) {
    entry.topics_generation = topics_generation_;
    entry.group.refresh(known);
  }
  std::vector<Work> works(std::make_move_iterator(entry.waiting.begin()), std::make_move_iterator(entry.waiting.end()));
  entry.waiting.clear();
  for (const Work& work : works) work.apply(entry, turn.now_ms());
  auto records = changed_records(before, entry.group);
  if (entry.deleted)
    for (InternalRecord& record : deleted_records(entry.group)) records.push_back(std::move(record));
  if (records.empty()) {
    for (const Work& work : works) turn.settle(work, {});
    return visited(entry);
  }
  entry.saving = true;
  turn.later(
      [this, name = entry.group.name(), before, works = std::move(works), records = std::move(records)]() mutable {
        parts_.store.save_all(std::move(records), [this, name, before, works = std::move(works)](const Status& status) {
          saved(name, before, works, status);
        });
      });
}

void ConsumerGroupCoordinator::saved(const std::string& name, const ConsumerGroup& before,
                                     const std::vector<Work>& works, const Status& status) {
  Turn turn(*this);
  Entry* entry = find(name);
  if (!entry) return;
  entry->saving = false;
  Status answer;
  if (!status.ok()) {
    answer = Error{Errc::coordinator_not_available,
                   "group '" + name + "' could not be written (" + status.error().to_string() + "): try again"};
    log_warn(answer.error().message);
    entry->group = before;
    entry->topics_generation = 0;
    entry->deleted = false;
  }
  for (const Work& work : works) turn.settle(work, answer);
  if (!entry->deleted) return entry->waiting.empty() ? visited(*entry) : advance(turn, *entry);
  const Error gone{Errc::coordinator_not_available, "group '" + name + "' was being deleted; try again"};
  for (const Work& work : entry->waiting) turn.settle(work, gone);
  forget(*entry);
}

// Counts what the group keeps, and forgets one that has never been.
void ConsumerGroupCoordinator::visited(Entry& entry) {
  std::erase_if(entry.due, [&](const auto& one) { return !entry.group.find(one.first); });
  const std::size_t bytes = entry.group.kept_bytes();
  kept_bytes_ += bytes - entry.counted_bytes;
  entry.counted_bytes = bytes;
  const bool never_was = entry.group.members().empty() && entry.group.epoch() == GroupEpoch(0);
  if (never_was && !entry.saving && entry.waiting.empty()) forget(entry);
}

void ConsumerGroupCoordinator::forget(Entry& entry) {
  const std::string name = entry.group.name();
  kept_bytes_ -= entry.counted_bytes;
  groups_.erase(name);
  parts_.names.release(name);
}

// ---- time

void ConsumerGroupCoordinator::sweep() {
  Turn turn(*this);
  sweeping_ = false;
  if (stopped_) return;
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    Entry& one = *entry->second;
    ++entry;  // it may be forgotten
    sweep_group(turn, one);
  }
}

void ConsumerGroupCoordinator::sweep_group(Turn& turn, Entry& entry) {
  for (auto& [id, due] : entry.due) {
    const bool session_over = due.session_ms <= turn.now_ms();
    const bool too_slow = due.revoked_ms && *due.revoked_ms <= turn.now_ms();
    if (!session_over && !too_slow) continue;
    if (log_enabled(LogLevel::debug))
      log_debug("group '" + entry.group.name() + "': member '" + id.text() + "' is removed: " +
                (session_over ? "nothing was heard of it for group.consumer.session.timeout.ms"
                              : "it did not give up what it was told to within its rebalance timeout"));
    // Once is enough, even where the write fails: then it is due again.
    due.session_ms = turn.now_ms() + limits_.session_timeout_ms;
    due.revoked_ms.reset();
    entry.waiting.push_back(
        {[this, gone = id](Entry& of, std::int64_t) { of.group.remove(gone, topics_); }, [](const Status&) {}});
  }
  advance(turn, entry);
}

void ConsumerGroupCoordinator::loaded(std::map<std::string, ConsumerGroup::Stored> groups) {
  Turn turn(*this);
  for (auto& [name, stored] : groups) {
    if (!parts_.names.take(name, GroupKind::consumer)) {
      log_warn("group '" + name + "' is on the disk as one of the classic protocol, too, and goes on as that");
      continue;
    }
    // Damage has taken what they subscribe to: they join anew.
    std::erase_if(stored.members, [](const auto& one) { return one.second.rebalance_timeout_ms < 0; });
    auto& place = groups_[name];
    place = std::make_unique<Entry>(ConsumerGroup(name, std::move(stored)));
    for (const auto& [id, member] : place->group.members()) heard_of(*place, id, turn.now_ms());
    visited(*place);
  }
  loading_.reset();
}

void ConsumerGroupCoordinator::load_failed(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (loading_) loading_->message = "the groups cannot be read, which is tried again: " + why.to_string();
}

void ConsumerGroupCoordinator::stop() {
  Turn turn(*this);
  stopped_ = true;
  const Error stopping{Errc::shutting_down, "the broker stops; the group goes on at its next start"};
  for (auto& [name, entry] : groups_) {
    for (const Work& work : entry->waiting) turn.settle(work, stopping);
    entry->waiting.clear();
  }
}

// ---- administration

Result<ConsumerGroupDescription> ConsumerGroupCoordinator::describe(const Principal& principal,
                                                                    const std::string& name) {
  LOGCASK_TRY(check_call(principal, Operation::describe, name));
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  const Entry* entry = find(name);
  if (!entry || entry->deleted) return no_consumer_group(name);
  return entry->group.describe();
}

Result<std::vector<GroupListing>> ConsumerGroupCoordinator::list(const Principal& principal) {
  std::vector<GroupListing> all;
  {
    Turn turn(*this);
    LOGCASK_TRY(check_open());
    for (const auto& [name, entry] : groups_)
      all.push_back({name, "consumer", entry->group.state(), GroupKind::consumer});
  }
  std::erase_if(all, [&](const GroupListing& one) {
    return !parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::group, one.group}).ok();
  });
  return all;
}

void ConsumerGroupCoordinator::delete_group(const GroupCaller& caller, const std::string& name,
                                            std::function<void(Status)> done) {
  const auto answer = [&loop = caller.loop, done = std::move(done)](const Status& status) {
    loop.run([done, status] { done(status); });
  };
  Status refused = check_call(caller.principal, Operation::remove, name);
  Turn turn(*this);
  if (refused.ok()) refused = check_open();
  Entry* entry = refused.ok() ? find(name) : nullptr;
  if (refused.ok() && (!entry || entry->deleted)) refused = no_consumer_group(name);
  if (!refused.ok()) return turn.later([answer, refused] { answer(refused); });
  remove_empty(turn, *entry, answer);
}

void ConsumerGroupCoordinator::expire_group(const std::string& name, std::function<void(Status)> done) {
  Turn turn(*this);
  Entry* entry = find(name);
  Status refused = check_open();
  if (refused.ok() && !entry) refused = no_consumer_group(name);
  if (!refused.ok()) return turn.later([done = std::move(done), refused] { done(refused); });
  remove_empty(turn, *entry, std::move(done));
}

void ConsumerGroupCoordinator::remove_empty(Turn& turn, Entry& entry, std::function<void(const Status&)> done) {
  const auto refused = std::make_shared<Status>();
  Work work;
  work.apply = [refused](Entry& of, std::int64_t) {
    if (of.group.members().empty())
      of.deleted = true;
    else
      *refused =
          Error{Errc::non_empty_group, "group '" + of.group.name() + "' has " +
                                           std::to_string(of.group.members().size()) + " members; stop them first"};
  };
  work.settle = [refused, done = std::move(done)](const Status& status) { done(refused->ok() ? status : *refused); };
  entry.waiting.push_back(std::move(work));
  advance(turn, entry);
}

bool ConsumerGroupCoordinator::knows(const std::string& group) {
  Turn turn(*this);
  return find(group) != nullptr;
}

bool ConsumerGroupCoordinator::has_members(const std::string& group) {
  Turn turn(*this);
  const Entry* entry = find(group);
  return entry && !entry->group.members().empty();
}

bool ConsumerGroupCoordinator::subscribes_to(const std::string& group, const std::string& topic) {
  Turn turn(*this);
  const Entry* entry = find(group);
  return entry && entry->group.subscribes_to(topic, topics());
}

std::vector<std::string> ConsumerGroupCoordinator::empty_groups() {
  std::vector<std::string> names;
  Turn turn(*this);
  if (!check_open().ok()) return names;
  for (const auto& [name, entry] : groups_)
    if (entry->group.members().empty()) names.push_back(name);
  return names;
}

void ConsumerGroupCoordinator::add_numbers(Metrics::Numbers& numbers) {
  std::size_t members = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : groups_) members += entry->group.members().size();
  numbers.emplace_back("groups.consumer", static_cast<double>(groups_.size()));
  numbers.emplace_back("groups.consumer_members", static_cast<double>(members));
}

}  // namespace logcask
