#include "broker/services/consumer_group.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace logcask {
namespace {

Error no_such_consumer(const std::string& group, const MemberId& id) {
  return {Errc::unknown_member_id, "group '" + group + "' has no member '" + id.text() + "': join with epoch 0"};
}

// `kept` is what both have, `more` what `a` has alone.
void divide(const TopicPartitions& a, const TopicPartitions& b, TopicPartitions& kept, TopicPartitions& more) {
  for (const auto& [topic, partitions] : a) {
    const auto other = b.find(topic);
    for (const PartitionId partition : partitions)
      (other != b.end() && other->second.count(partition) > 0 ? kept : more)[topic].insert(partition);
  }
}

void add_all(TopicPartitions& to, const TopicPartitions& more) {
  for (const auto& [topic, partitions] : more) to[topic].insert(partitions.begin(), partitions.end());
}

std::size_t count(const TopicPartitions& all) {
  std::size_t sum = 0;
  for (const auto& [topic, partitions] : all) sum += partitions.size();
  return sum;
}

std::size_t partitions_bytes(const TopicPartitions& all) {
  constexpr std::size_t kPartitionBytes = 48;
  constexpr std::size_t kTopicBytes = 128;
  return all.size() * kTopicBytes + count(all) * kPartitionBytes;
}

RE2::Options quiet_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return options;
}

// FNV-1a: what it is of matters more than how well it mixes.
void mix(std::uint64_t& hash, std::string_view bytes) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
}

// As far as the heartbeat says; whether it is another subscription than before.
bool update(ConsumerMember& member, const ConsumerHeartbeat& heartbeat) {
  const auto topics = member.topics;
  const auto regex = member.topic_regex;
  const auto assignor = member.assignor;
  const auto rack = member.rack_id;
  member.client_id = heartbeat.client_id;
  member.client_host = heartbeat.client_host;
  if (heartbeat.instance_id) member.instance_id = heartbeat.instance_id;
  if (heartbeat.rack_id) member.rack_id = heartbeat.rack_id;
  if (heartbeat.rebalance_timeout_ms) member.rebalance_timeout_ms = *heartbeat.rebalance_timeout_ms;
  if (heartbeat.topics) member.topics = *heartbeat.topics;
  if (heartbeat.topic_regex) member.topic_regex = *heartbeat.topic_regex;
  if (heartbeat.assignor) member.assignor = *heartbeat.assignor;
  return member.topics != topics || member.topic_regex != regex || member.assignor != assignor ||
         member.rack_id != rack;
}

// What it has kept it has had for as long as before.
void note_since(ConsumerMember& member) {
  const auto before = std::exchange(member.had_since, {});
  const auto note = [&](const TopicPartitions& all) {
    for (const auto& [topic, partitions] : all)
      for (const PartitionId partition : partitions) {
        GroupEpoch since = member.epoch;
        if (const auto known = before.find(topic); known != before.end())
          if (const auto place = known->second.find(partition); place != known->second.end()) since = place->second;
        member.had_since[topic][partition] = since;
      }
  };
  note(member.assigned);
  note(member.pending_revocation);
}

// Whoever has lost an answer says everything again.
bool says_everything(const ConsumerHeartbeat& heartbeat) {
  return heartbeat.rebalance_timeout_ms && (heartbeat.topics || heartbeat.topic_regex) && heartbeat.owned;
}

}  // namespace

bool overlap(const TopicPartitions& a, const TopicPartitions& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& one) {
    const auto other = b.find(one.first);
    return other != b.end() && std::any_of(one.second.begin(), one.second.end(),
                                           [&](PartitionId partition) { return other->second.count(partition) > 0; });
  });
}

bool contains_all(const TopicPartitions& all, const TopicPartitions& some) {
  return std::all_of(some.begin(), some.end(), [&](const auto& one) {
    const auto other = all.find(one.first);
    return other != all.end() &&
           std::includes(other->second.begin(), other->second.end(), one.second.begin(), one.second.end());
  });
}

Status check_topic_regex(const std::string& regex) {
  const RE2 read(regex, quiet_options());
  if (read.ok()) return {};
  return Error{Errc::invalid_regular_expression, "'" + regex + "' is no regular expression of RE2: " + read.error()};
}

std::size_t ConsumerMember::kept_bytes() const {
  constexpr std::size_t kTopicNameBytes = 64;
  std::size_t sum = sizeof *this + 2 * id.text().size() + client_id.size() + client_host.size() + topic_regex.size() +
                    partitions_bytes(assigned) + partitions_bytes(pending_revocation);
  for (const std::string& topic : topics) sum += kTopicNameBytes + topic.size();
  return sum;
}

ConsumerGroup::ConsumerGroup(std::string name, Stored stored)
    : name_(std::move(name)),
      epoch_(stored.epoch),
      target_epoch_(stored.target_epoch),
      topics_hash_(stored.topics_hash) {
  for (auto& [id, member] : stored.members) {
    member.id = id;
    members_[id] = std::make_shared<const ConsumerMember>(std::move(member));
  }
  for (auto& [id, target] : stored.targets)
    if (members_.count(id) > 0) targets_[id] = std::make_shared<const TopicPartitions>(std::move(target));
}

const ConsumerMember* ConsumerGroup::find(const MemberId& id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : found->second.get();
}

const ConsumerMember* ConsumerGroup::find(const GroupInstanceId& instance) const {
  for (const auto& [id, member] : members_)
    if (member->instance_id == instance) return member.get();
  return nullptr;
}

GroupState ConsumerGroup::state() const {
  if (members_.empty()) return GroupState::empty;
  if (epoch_ > target_epoch_) return GroupState::assigning;
  const bool all_there = std::all_of(members_.begin(), members_.end(), [&](const auto& one) {
    return one.second->state == ConsumerMemberState::stable && one.second->epoch == target_epoch_;
  });
  return all_there ? GroupState::stable : GroupState::reconciling;
}

// What most members ask for; the broker's own first choice where nobody does.
std::string ConsumerGroup::assignor() const {
  std::size_t for_range = 0;
  std::size_t for_uniform = 0;
  for (const auto& [id, member] : members_) {
    for_range += member->assignor == kRangeAssignor;
    for_uniform += member->assignor == kUniformAssignor;
  }
  return std::string(for_range > for_uniform ? kRangeAssignor : kUniformAssignor);
}

std::size_t ConsumerGroup::kept_bytes() const {
  std::size_t sum = sizeof *this + name_.size();
  for (const auto& [id, member] : members_) sum += member->kept_bytes();
  for (const auto& [id, target] : targets_) sum += partitions_bytes(*target);
  return sum;
}

ConsumerGroupDescription ConsumerGroup::describe() const {
  ConsumerGroupDescription described{name_, state(), epoch_, target_epoch_, assignor(), {}};
  for (const auto& [id, member] : members_) {
    const auto target = targets_.find(id);
    described.members.push_back({*member, target == targets_.end() ? TopicPartitions() : *target->second});
  }
  return described;
}

// ---- who may, and as whom

Status ConsumerGroup::check_room(std::size_t max_size) const {
  if (members_.size() < max_size) return {};
  return Error{Errc::group_max_size_reached, "group '" + name_ + "' has the " + std::to_string(max_size) +
                                                 " members of group.consumer.max.size: stop one, or raise it"};
}

// Somebody new, or somebody that has lost its place and begins anew with nothing.
Result<ConsumerMember> ConsumerGroup::joining(const ConsumerHeartbeat& heartbeat, std::size_t max_size) {
  if (heartbeat.instance_id) return joining_static(heartbeat, max_size);
  ConsumerMember member;
  if (const ConsumerMember* before = find(heartbeat.member_id))
    member = *before;
  else
    LOGCASK_TRY(check_room(max_size));
  member.id = heartbeat.member_id;
  member.epoch = member.previous_epoch = kJoins;
  member.state = ConsumerMemberState::stable;
  member.assigned.clear();
  member.pending_revocation.clear();
  return member;
}

Result<ConsumerMember> ConsumerGroup::joining_static(const ConsumerHeartbeat& heartbeat, std::size_t max_size) {
  ConsumerMember member;
  const ConsumerMember* before = find(*heartbeat.instance_id);
  if (!before) {
    LOGCASK_TRY(check_room(max_size));
  } else if (before->id != heartbeat.member_id && before->epoch != kLeavesForAWhile) {
    return Error{Errc::unreleased_instance_id, "the instance id '" + heartbeat.instance_id->text() + "' of group '" +
                                                   name_ + "' is with member '" + before->id.text() +
                                                   "', which has not left: stop it, or wait for its session to end"};
  } else {
    member = *before;
    if (member.epoch != kLeavesForAWhile) member.assigned.clear();
    member.previous_epoch = kLeavesForAWhile;
    if (member.id != heartbeat.member_id) {
      const auto target = targets_.find(member.id);
      const auto share = target == targets_.end() ? nullptr : target->second;
      erase(member.id);
      if (share) targets_[heartbeat.member_id] = share;
    }
  }
  member.id = heartbeat.member_id;
  member.epoch = kJoins;
  member.state = ConsumerMemberState::stable;
  member.pending_revocation.clear();
  return member;
}

Result<ConsumerMember> ConsumerGroup::known(const ConsumerHeartbeat& heartbeat) const {
  if (heartbeat.instance_id) {
    const ConsumerMember* of_instance = find(*heartbeat.instance_id);
    if (!of_instance) return no_such_consumer(name_, heartbeat.member_id);
    if (of_instance->id != heartbeat.member_id)
      return Error{Errc::fenced_instance_id, "the instance id '" + heartbeat.instance_id->text() + "' of group '" +
                                                 name_ + "' is with member '" + of_instance->id.text() + "' by now"};
  }
  const ConsumerMember* member = find(heartbeat.member_id);
  if (!member) return no_such_consumer(name_, heartbeat.member_id);
  if (heartbeat.epoch == member->epoch) return *member;
  // The answer that brought it on may have been lost.
  const bool is_late = heartbeat.epoch == member->previous_epoch && heartbeat.epoch < member->epoch &&
                       heartbeat.owned && contains_all(member->assigned, *heartbeat.owned);
  if (is_late) return *member;
  return Error{Errc::fenced_member_epoch, "member '" + member->id.text() + "' of group '" + name_ + "' is at epoch " +
                                              std::to_string(member->epoch.value()) + " and not at " +
                                              std::to_string(heartbeat.epoch.value()) + ": join with epoch 0"};
}

Status ConsumerGroup::check_epoch(const MemberId& id, GroupEpoch epoch) const {
  const ConsumerMember* member = find(id);
  if (!member) return no_such_consumer(name_, id);
  if (member->epoch == epoch) return {};
  return Error{Errc::stale_member_epoch, "member '" + id.text() + "' of group '" + name_ + "' is at epoch " +
                                             std::to_string(member->epoch.value()) + " and not at " +
                                             std::to_string(epoch.value()) + ": ask again after the next heartbeat"};
}

Status ConsumerGroup::check_commit(const MemberId& id, GroupEpoch epoch, const TopicPartitions& partitions) const {
  Status exact = check_epoch(id, epoch);
  if (exact.code() != Errc::stale_member_epoch || epoch > find(id)->epoch) return exact;
  const auto& had_since = find(id)->had_since;
  for (const auto& [topic, numbers] : partitions) {
    const auto known = had_since.find(topic);
    for (const PartitionId number : numbers) {
      if (known == had_since.end()) return exact;
      const auto since = known->second.find(number);
      if (since == known->second.end() || since->second > epoch) return exact;
    }
  }
  return {};
}

// ---- what happens

Result<ConsumerHeartbeatAnswer> ConsumerGroup::heartbeat(const ConsumerHeartbeat& heartbeat, const KnownTopics& topics,
                                                         std::size_t max_size) {
  const bool joins = heartbeat.epoch == kJoins;
  const bool is_new = joins && !find(heartbeat.member_id) && !(heartbeat.instance_id && find(*heartbeat.instance_id));
  LOGCASK_ASSIGN(ConsumerMember member, joins ? joining(heartbeat, max_size) : known(heartbeat));
  const TopicPartitions before = member.assigned;
  const bool changed = update(member, heartbeat) || is_new;
  const MemberId id = member.id;
  const auto keep = [&] {
    auto& place = members_[id];
    if (!place || *place != member) place = std::make_shared<const ConsumerMember>(member);
  };
  keep();
  if (changed) compute_target(true, topics);
  reconcile(member, heartbeat.owned);
  note_since(member);
  keep();
  ConsumerHeartbeatAnswer answer;
  answer.member_id = id;
  answer.epoch = member.epoch;
  if (joins || says_everything(heartbeat) || member.assigned != before) answer.assignment = member.assigned;
  return answer;
}

Status ConsumerGroup::leave(const ConsumerHeartbeat& heartbeat, const KnownTopics& topics) {
  const ConsumerMember* member = heartbeat.instance_id ? find(*heartbeat.instance_id) : find(heartbeat.member_id);
  if (!member) return no_such_consumer(name_, heartbeat.member_id);
  if (member->id != heartbeat.member_id)
    return Error{Errc::fenced_instance_id, "the instance id '" + heartbeat.instance_id->text() + "' of group '" +
                                               name_ + "' is with member '" + member->id.text() + "' by now"};
  if (heartbeat.epoch == kLeaves) {
    remove(MemberId(member->id), topics);
    return {};
  }
  ConsumerMember away = *member;
  away.epoch = kLeavesForAWhile;
  away.pending_revocation.clear();
  away.state = ConsumerMemberState::stable;
  members_[away.id] = std::make_shared<const ConsumerMember>(away);
  return {};
}

void ConsumerGroup::remove(const MemberId& id, const KnownTopics& topics) {
  if (members_.count(id) == 0) return;
  erase(id);
  compute_target(true, topics);
}

void ConsumerGroup::erase(const MemberId& id) {
  const MemberId kept = id;  // it may lie in what goes
  members_.erase(kept);
  targets_.erase(kept);
}

void ConsumerGroup::refresh(const KnownTopics& topics) { compute_target(false, topics); }

// ---- the target

std::set<TopicId> ConsumerGroup::topics_of(const ConsumerMember& member, const KnownTopics& topics) const {
  std::set<TopicId> found;
  for (const std::string& name : member.topics)
    if (const auto known = topics.find(name); known != topics.end()) found.insert(known->second.id);
  if (member.topic_regex.empty()) return found;
  const RE2 regex(member.topic_regex, quiet_options());
  for (const auto& [name, topic] : topics)
    if (RE2::FullMatch(name, regex)) found.insert(topic.id);
  return found;
}

bool ConsumerGroup::subscribes_to(const std::string& topic, const KnownTopics& topics) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& one) {
    if (one.second->topics.count(topic) > 0) return true;
    const auto known = topics.find(topic);
    return known != topics.end() && topics_of(*one.second, topics).count(known->second.id) > 0;
  });
}

std::int64_t ConsumerGroup::hash(const KnownTopics& topics) const {
  std::set<TopicId> subscribed;
  for (const auto& [id, member] : members_) subscribed.merge(topics_of(*member, topics));
  std::uint64_t sum = 0;
  for (const auto& [name, topic] : topics) {
    if (subscribed.count(topic.id) == 0) continue;
    if (sum == 0) sum = 0xcbf29ce484222325;
    mix(sum, name);
    mix(sum, topic.id.to_hex());
    mix(sum, std::to_string(topic.partitions) + "/");
  }
  return static_cast<std::int64_t>(sum);
}

void ConsumerGroup::compute_target(bool changed, const KnownTopics& topics) {
  const std::int64_t now = hash(topics);
  if (!changed && now == topics_hash_ && target_epoch_ == epoch_) return;
  if (changed || now != topics_hash_) epoch_ = GroupEpoch(epoch_.value() + 1);
  topics_hash_ = now;
  Sharing sharing;
  for (const auto& [name, topic] : topics) sharing.partitions[topic.id] = topic.partitions;
  for (const auto& [id, member] : members_) {
    Sharing::Member& one = sharing.members[id];
    one.instance_id = member->instance_id;
    one.topics = topics_of(*member, topics);
    if (const auto target = targets_.find(id); target != targets_.end()) one.has = *target->second;
    one.reads = member->assigned;
  }
  Targets next;
  for (auto& [id, share] : share_out(assignor(), sharing)) {
    const auto before = targets_.find(id);
    const bool same = before != targets_.end() && *before->second == share;
    next[id] = same ? before->second : std::make_shared<const TopicPartitions>(std::move(share));
  }
  targets_ = std::move(next);
  target_epoch_ = epoch_;
}

// ---- the way to it

void ConsumerGroup::reconcile(ConsumerMember& member, const std::optional<TopicPartitions>& owned) const {
  switch (member.state) {
    case ConsumerMemberState::stable:
      if (member.epoch != target_epoch_) bring_on(member, owned);
      return;
    case ConsumerMemberState::unrevoked_partitions:
      // Nothing new until it has let go of all it was told to.
      if (!owned || overlap(*owned, member.pending_revocation)) return;
      member.pending_revocation.clear();
      return bring_on(member, owned);
    case ConsumerMemberState::unreleased_partitions:
      return bring_on(member, owned);
  }
}

bool ConsumerGroup::without_held(TopicPartitions& wanted, const MemberId& by) const {
  if (wanted.empty()) return false;
  TopicPartitions held;
  for (const auto& [id, member] : members_) {
    if (id == by) continue;
    add_all(held, member->assigned);
    add_all(held, member->pending_revocation);
  }
  TopicPartitions waits, free;
  divide(wanted, held, waits, free);
  wanted = std::move(free);
  return !waits.empty();
}

void ConsumerGroup::bring_on(ConsumerMember& member, const std::optional<TopicPartitions>& owned) const {
  const auto target = targets_.find(member.id);
  const TopicPartitions nothing;
  const TopicPartitions& wanted = target == targets_.end() ? nothing : *target->second;
  TopicPartitions kept, to_revoke, same, to_get;
  divide(member.assigned, wanted, kept, to_revoke);
  divide(wanted, member.assigned, same, to_get);
  member.assigned = std::move(kept);
  if (!to_revoke.empty() && (!owned || overlap(*owned, to_revoke))) {
    member.pending_revocation = std::move(to_revoke);
    member.state = ConsumerMemberState::unrevoked_partitions;
    return;
  }
  const bool waits = without_held(to_get, member.id);
  add_all(member.assigned, to_get);
  if (member.epoch != target_epoch_) {
    member.previous_epoch = member.epoch;
    member.epoch = target_epoch_;
  }
  member.state = waits ? ConsumerMemberState::unreleased_partitions : ConsumerMemberState::stable;
}

}  // namespace logcask
