#include "broker/services/group_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"
#include "base/utf8.h"

namespace logcask {
namespace {

// Of a group, a member, one of its protocols and an id that was handed out, beside what they hold: roughly.
constexpr std::size_t kGroupBytes = 512;
constexpr std::size_t kMemberBytes = 512;
constexpr std::size_t kProtocolBytes = 128;
constexpr std::size_t kPendingMemberBytes = 384;

}  // namespace

std::string_view group_state_name(GroupState state) {
  switch (state) {
    case GroupState::empty:
      return "Empty";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
    case GroupState::dead:
      return "Dead";
    case GroupState::assigning:
      return "Assigning";
    case GroupState::reconciling:
      return "Reconciling";
  }
  return "Dead";
}

std::string_view group_kind_name(GroupKind kind) { return kind == GroupKind::classic ? "classic" : "consumer"; }

Status check_group_is_text(const std::string& group) {
  if (valid_utf8(group)) return {};
  return Error{Errc::invalid_group_id, "the group's name '" + utf8_text(group) + "' is not UTF-8; choose one that is"};
}

const std::string* GroupMember::metadata_of(const std::string& protocol) const {
  for (const GroupProtocol& one : protocols)
    if (one.name == protocol) return &one.metadata;
  return nullptr;
}

std::size_t kept_bytes(const std::vector<GroupProtocol>& protocols) {
  std::size_t bytes = 0;
  for (const GroupProtocol& one : protocols) bytes += kProtocolBytes + one.name.size() + one.metadata.size();
  return bytes;
}

std::size_t GroupMember::kept_bytes() const {
  return kMemberBytes + id.text().size() + client_id.size() + client_host.size() + logcask::kept_bytes(protocols) +
         assignment.size();
}

std::size_t Group::kept_bytes() const {
  return kGroupBytes + name_.size() + member_bytes_ + pending_.size() * kPendingMemberBytes;
}

Group::Group(std::string name, GroupMetadataValue stored)
    : name_(std::move(name)),
      since_(stored.since),
      generation_(stored.generation),
      protocol_type_(std::move(stored.protocol_type)),
      protocol_(stored.protocol.value_or("")) {
  for (StoredGroupMember& one : stored.members) {
    GroupMember member;
    member.id = std::move(one.member_id);
    member.instance_id = std::move(one.instance_id);
    member.client_id = std::move(one.client_id);
    member.client_host = std::move(one.client_host);
    member.session_timeout_ms = one.session_timeout_ms;
    member.rebalance_timeout_ms = one.rebalance_timeout_ms;
    member.protocols.push_back({protocol_, std::move(one.subscription)});
    member.assignment = std::move(one.assignment);
    if (!find(member.id)) add(std::move(member), protocol_type_);
  }
  if (stored.leader && find(*stored.leader)) leader_ = *stored.leader;
  state_ = members_.empty() ? GroupState::empty : GroupState::stable;
}

bool Group::can_rebalance() const {
  return state_ == GroupState::empty || state_ == GroupState::stable || state_ == GroupState::completing_rebalance;
}

void Group::transition(GroupState state, TimestampMs now) {
  state_ = state;
  since_ = now;
}

GroupMember* Group::find(const MemberId& id) {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

const GroupMember* Group::find(const MemberId& id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

const MemberId* Group::static_member(const GroupInstanceId& instance) const {
  const auto found = static_members_.find(instance);
  return found == static_members_.end() ? nullptr : &found->second;
}

Status Group::check_member(const MemberId& id, const std::optional<GroupInstanceId>& instance) const {
  if (instance) {
    const MemberId* known = static_member(*instance);
    if (!known)
      return Error{Errc::unknown_member_id,
                   "group '" + name_ + "' has no member with the instance id '" + instance->text() + "'; join it anew"};
    if (*known != id && !mutant(Mutant::fenced_member_lives))
      return Error{Errc::fenced_instance_id, "in group '" + name_ + "' the instance id '" + instance->text() +
                                                 "' is that of member '" + known->text() + "', not of '" + id.text() +
                                                 "': give each instance an id of its own"};
  }
  if (!find(id))
    return Error{Errc::unknown_member_id, "group '" + name_ + "' has no member '" + id.text() +
                                              "'; it has left, or was not heard of in time: join anew without an id"};
  return {};
}

Status Group::check_generation(GroupGeneration generation) const {
  if (generation == generation_) return {};
  return Error{Errc::illegal_generation, "group '" + name_ + "' is in generation " +
                                             std::to_string(generation_.value()) + ", not in " +
                                             std::to_string(generation.value()) + "; join it again"};
}

bool Group::supports(const std::string& type, const std::vector<GroupProtocol>& protocols) const {
  if (type.empty() || protocols.empty()) return false;
  if (state_ == GroupState::empty || members_.empty()) return true;
  if (type != protocol_type_) return false;
  return std::any_of(protocols.begin(), protocols.end(), [&](const GroupProtocol& one) {
    const auto found = supporters_.find(one.name);
    return found != supporters_.end() && found->second == members_.size();
  });
}

// A name that comes twice counts once.
void Group::count_protocols(const GroupMember& member, int change) {
  for (const GroupProtocol& one : member.protocols) {
    std::size_t& count = supporters_[one.name];
    if (change > 0) ++count;
    if (change < 0 && --count == 0) supporters_.erase(one.name);
  }
}

GroupMember& Group::add(GroupMember member, const std::string& type) {
  if (members_.empty()) protocol_type_ = type;
  std::vector<GroupProtocol> protocols = std::exchange(member.protocols, {});
  if (leader_.empty()) leader_ = member.id;
  if (member.instance_id) static_members_[*member.instance_id] = member.id;
  pending_.erase(member.id);
  const MemberId id = member.id;
  const auto [place, added] = members_.emplace(id, std::move(member));
  LOGCASK_CHECK(added);
  member_bytes_ += place->second.kept_bytes();
  set_protocols(place->second, std::move(protocols));
  return place->second;
}

void Group::set_protocols(GroupMember& member, std::vector<GroupProtocol> protocols) {
  count_protocols(member, -1);
  member_bytes_ -= member.kept_bytes();
  std::set<std::string> seen;
  std::erase_if(protocols, [&](const GroupProtocol& one) { return !seen.insert(one.name).second; });
  member.protocols = std::move(protocols);
  member_bytes_ += member.kept_bytes();
  count_protocols(member, +1);
}

GroupMember Group::remove(const MemberId& id) {
  const auto found = members_.find(id);
  LOGCASK_CHECK(found != members_.end());
  GroupMember member = std::move(found->second);
  members_.erase(found);
  member_bytes_ -= member.kept_bytes();
  count_protocols(member, -1);
  if (member.join_waiter) --joins_;
  if (member.instance_id) static_members_.erase(*member.instance_id);
  not_synced_.erase(id);
  if (leader_ == id) leader_ = members_.empty() ? MemberId() : members_.begin()->first;
  return member;
}

GroupMember Group::rename(const MemberId& from, const MemberId& to) {
  const bool led = leader_ == from;
  const bool had_not_synced = not_synced_.count(from) > 0;
  GroupMember old = remove(from);
  GroupMember member = old;
  member.join_waiter = nullptr;
  member.sync_waiter = nullptr;
  member.id = to;
  add(std::move(member), protocol_type_);
  if (led) leader_ = to;
  if (had_not_synced) not_synced_.insert(to);
  return old;
}

bool Group::all_joined() const {
  return joins_ == members_.size() && (pending_.empty() || mutant(Mutant::handed_out_ids_not_awaited));
}

std::int64_t Group::rebalance_timeout_ms() const {
  std::int64_t longest = 0;
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

JoinDone Group::wait_for_join(GroupMember& member, JoinDone done) {
  if (!member.join_waiter) ++joins_;
  return std::exchange(member.join_waiter, std::move(done));
}

JoinDone Group::take_join_waiter(GroupMember& member) {
  if (member.join_waiter) --joins_;
  return std::exchange(member.join_waiter, nullptr);
}

bool Group::elect_waiting_leader() {
  const GroupMember* leader = find(leader_);
  if (leader && leader->join_waiter) return true;
  for (const auto& [id, member] : members_)
    if (member.join_waiter) {
      leader_ = id;
      return true;
    }
  return false;
}

std::string Group::choose_protocol() const {
  const auto all_have = [&](const std::string& name) {
    const auto found = supporters_.find(name);
    return found != supporters_.end() && found->second == members_.size();
  };
  std::map<std::string, std::size_t> votes;
  for (const auto& [id, member] : members_)
    for (const GroupProtocol& one : member.protocols)
      if (all_have(one.name)) {
        ++votes[one.name];
        break;
      }
  const GroupMember* leader = find(leader_);
  std::string chosen;
  std::size_t most = 0;
  if (leader)
    for (const GroupProtocol& one : leader->protocols)
      if (const auto found = votes.find(one.name); found != votes.end() && found->second > most) {
        most = found->second;
        chosen = one.name;
      }
  return chosen;
}

void Group::next_generation(TimestampMs now) {
  generation_ = GroupGeneration(generation_.value() + 1);
  not_synced_.clear();
  if (members_.empty()) {
    protocol_.clear();
    transition(GroupState::empty, now);
  } else {
    protocol_ = choose_protocol();
    transition(GroupState::completing_rebalance, now);
  }
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> all;
  for (const auto& [id, member] : members_) {
    const std::string* metadata = member.metadata_of(protocol_);
    all.push_back({id, member.instance_id, metadata ? *metadata : std::string()});
  }
  return all;
}

void Group::assign(const std::map<MemberId, std::string>& assignments) {
  for (auto& [id, member] : members_) {
    const auto found = assignments.find(id);
    member_bytes_ -= member.assignment.size();
    member.assignment = found == assignments.end() ? std::string() : found->second;
    member_bytes_ += member.assignment.size();
  }
}

GroupDescription Group::describe() const {
  const bool stable = is(GroupState::stable);
  GroupDescription described{name_, state_, protocol_type_, stable ? protocol_ : std::string(), {}};
  for (const auto& [id, member] : members_) {
    GroupMemberDescription& one = described.members.emplace_back();
    one.member_id = id;
    one.instance_id = member.instance_id;
    one.client_id = member.client_id;
    one.client_host = member.client_host;
    if (!stable) continue;
    if (const std::string* metadata = member.metadata_of(protocol_)) one.metadata = *metadata;
    one.assignment = member.assignment;
  }
  return described;
}

GroupMetadataValue Group::stored(const std::map<MemberId, std::string>* assignments) const {
  GroupMetadataValue value;
  value.protocol_type = protocol_type_;
  value.generation = generation_;
  value.since = since_;
  if (members_.empty()) return value;
  value.protocol = protocol_;
  value.leader = leader_;
  for (const auto& [id, member] : members_) {
    StoredGroupMember& one = value.members.emplace_back();
    one.member_id = id;
    one.instance_id = member.instance_id;
    one.client_id = member.client_id;
    one.client_host = member.client_host;
    one.rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout_ms);
    one.session_timeout_ms = static_cast<std::int32_t>(member.session_timeout_ms);
    if (const std::string* metadata = member.metadata_of(protocol_)) one.subscription = *metadata;
    if (!assignments) {
      one.assignment = member.assignment;
    } else if (const auto found = assignments->find(id); found != assignments->end()) {
      one.assignment = found->second;
    }
  }
  return value;
}

}  // namespace logcask
