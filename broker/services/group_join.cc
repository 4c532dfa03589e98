// What a join means, whoever comes: somebody new, somebody with the id that was handed out, a member that comes again,
// a static member that takes its place over.
#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/services/group_entry.h"
#include "broker/services/group_names.h"

namespace logcask {
namespace {

constexpr std::size_t kSavesMax = 16;

// New members cannot send heartbeats yet, and a connection that ended is not seen while its join waits: without a bound
// those that try again and again would pile up.
constexpr std::int64_t kNewMemberJoinMs = 5 * 60 * 1000;
constexpr std::size_t kClientIdInMemberIdBytes = 255;

Error no_common_protocol(const Group& group, const JoinRequest& request) {
  std::string offered;
  for (const GroupProtocol& one : request.protocols) offered += (offered.empty() ? "" : ", ") + one.name;
  return {Errc::inconsistent_group_protocol,
          "group '" + group.name() + "' (type '" + group.protocol_type() + "') has no protocol that its " +
              std::to_string(group.members().size()) + " members and this one (type '" + request.protocol_type +
              "': " + offered + ") all have: configure one that all share"};
}

}  // namespace

MemberId GroupCoordinator::new_member_id(const JoinRequest& request) const {
  std::string name = request.instance_id ? request.instance_id->text() : request.client_id;
  if (name.size() > kClientIdInMemberIdBytes) {
    std::size_t end = kClientIdInMemberIdBytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;  // not within a character
    name.resize(end);
  }
  return MemberId(name + "-" + parts_.unique_text());
}

JoinAnswer GroupCoordinator::current_generation(const Group& group, const MemberId& id) const {
  JoinAnswer answer;
  answer.member_id = id;
  answer.generation = group.generation();
  answer.protocol_type = group.protocol_type();
  answer.protocol = group.protocol();
  answer.leader = group.leader();
  if (group.leads(id)) answer.members = group.joined_members();
  return answer;
}

// A static member that takes its place over makes the group no larger. While a rebalance waits for members those count
// that have come, so that a group that is too large drops who comes last.
bool GroupCoordinator::has_room(const Group& group, const JoinRequest& request) const {
  const GroupMember* member = group.find(request.member_id);
  if (request.member_id.empty() && request.instance_id && group.static_member(*request.instance_id)) return true;
  switch (group.state()) {
    case GroupState::preparing_rebalance:
      return (member && member->join_waiter) || group.waiting_for_join() < limits_.max_size;
    case GroupState::completing_rebalance:
    case GroupState::stable:
      return member || group.members().size() < limits_.max_size;
    case GroupState::empty:
    case GroupState::dead:
    case GroupState::assigning:
    case GroupState::reconciling:
      break;
  }
  return true;
}

// Whether what somebody keeps may become `asked` bytes instead of `has`.
bool GroupCoordinator::fits_memory(std::size_t has, std::size_t asked) const {
  return kept_bytes_ - std::min(kept_bytes_, has) + asked < limits_.members_max_bytes;
}

// Who asks for no more than it has always may.
bool GroupCoordinator::has_memory(const Group& group, const JoinRequest& request) const {
  const MemberId* known = request.instance_id ? group.static_member(*request.instance_id) : nullptr;
  const GroupMember* member = group.find(known ? *known : request.member_id);
  const std::size_t asked = kept_bytes(request.protocols);
  const std::size_t has = member ? kept_bytes(member->protocols) : 0;
  return (member && asked <= has) || fits_memory(has, asked) || mutant(Mutant::members_without_bound);
}

void GroupCoordinator::join_group(Turn& turn, const JoinRequest& request, JoinDone done) {
  Entry* entry = find(request.group);
  if (!entry && !request.member_id.empty())
    return turn.refuse(std::move(done), request.member_id,
                       Error{Errc::unknown_member_id, "there is no group '" + request.group + "' with a member '" +
                                                          request.member_id.text() + "': join it anew without an id"});
  if (!entry) {
    if (parts_.names && !parts_.names->take(request.group, GroupKind::classic))
      return turn.refuse(
          std::move(done), MemberId(),
          Error{Errc::coordinator_not_available, "group '" + request.group + "' is being joined otherwise; try again"});
    auto& place = groups_[request.group];
    place = std::make_unique<Entry>(Group(request.group));
    entry = place.get();
  }
  Group& group = entry->group;
  if (group.is(GroupState::dead))
    return turn.refuse(
        std::move(done), request.member_id,
        Error{Errc::coordinator_not_available, "group '" + request.group + "' is being deleted; try again"});
  if (!has_room(group, request)) {
    group.pending().erase(request.member_id);
    if (group.find(request.member_id)) drop_member(turn, *entry, request.member_id, "the group is full");
    turn.refuse(std::move(done), MemberId(),
                Error{Errc::group_max_size_reached, "group '" + request.group + "' has the " +
                                                        std::to_string(limits_.max_size) +
                                                        " members that group.max.size allows; stop one, or raise it"});
    complete_if_all_joined(turn, *entry);
    return visited(*entry);
  }
  if (!has_memory(group, request)) {
    group.pending().erase(request.member_id);
    turn.refuse(
        std::move(done), MemberId(),
        Error{Errc::group_max_size_reached,
              "members of consumer groups have sent what takes " + std::to_string(kept_bytes_) +
                  " bytes, and with this one it would be more than the " + std::to_string(limits_.members_max_bytes) +
                  " of group.members.max.bytes: stop members, or raise it"});
    complete_if_all_joined(turn, *entry);
    return visited(*entry);
  }
  if (request.member_id.empty())
    join_new(turn, *entry, request, std::move(done));
  else
    join_known(turn, *entry, request, std::move(done));
  visited(*entry);
}

void GroupCoordinator::join_new(Turn& turn, Entry& entry, const JoinRequest& request, JoinDone done) {
  Group& group = entry.group;
  if (!group.supports(request.protocol_type, request.protocols))
    return turn.refuse(std::move(done), MemberId(), no_common_protocol(group, request));
  const MemberId id = new_member_id(request);
  if (request.instance_id) {
    const MemberId* known = group.static_member(*request.instance_id);
    if (known) return replace_static(turn, entry, MemberId(*known), id, request, std::move(done));
    return add_member(turn, entry, id, request, std::move(done));
  }
  if (!request.require_known_member_id) return add_member(turn, entry, id, request, std::move(done));
  const std::int64_t due_ms = turn.now_ms() + request.session_timeout_ms;
  group.pending()[id] = due_ms;
  wake_by(entry, due_ms);
  turn.refuse(std::move(done), id,
              Error{Errc::member_id_required, "join group '" + request.group + "' again as member '" + id.text() +
                                                  "' within " + std::to_string(request.session_timeout_ms) + " ms"});
}

void GroupCoordinator::join_known(Turn& turn, Entry& entry, const JoinRequest& request, JoinDone done) {
  Group& group = entry.group;
  if (!group.supports(request.protocol_type, request.protocols))
    return turn.refuse(std::move(done), request.member_id, no_common_protocol(group, request));
  if (group.pending().count(request.member_id) > 0) {
    if (!request.instance_id) return add_member(turn, entry, request.member_id, request, std::move(done));
    return turn.refuse(
        std::move(done), request.member_id,
        Error{Errc::unknown_member_id, "in group '" + group.name() + "' the id '" + request.member_id.text() +
                                           "' was given to a member without an instance id: join anew"});
  }
  Status known = group.check_member(request.member_id, request.instance_id);
  if (!known.ok()) return turn.refuse(std::move(done), request.member_id, std::move(known).error());
  GroupMember& member = *group.find(request.member_id);
  const bool unchanged = member.protocols == request.protocols;
  // Whoever comes again unchanged has lost the answer, but for the leader of a stable group: it asks for a rebalance.
  const bool tell_again =
      unchanged && (group.is(GroupState::completing_rebalance) ||
                    (group.is(GroupState::stable) && (!group.leads(member.id) || mutant(Mutant::leader_cannot_ask))));
  if (!tell_again) return update_member(turn, entry, member, request, std::move(done));
  heard_of(entry, member, turn.now_ms());
  turn.answer(std::move(done), current_generation(group, member.id));
}

void GroupCoordinator::add_member(Turn& turn, Entry& entry, const MemberId& id, const JoinRequest& request,
                                  JoinDone done) {
  Group& group = entry.group;
  GroupMember made;
  made.id = id;
  made.instance_id = request.instance_id;
  made.client_id = request.client_id;
  made.client_host = request.client_host;
  made.session_timeout_ms = request.session_timeout_ms;
  made.rebalance_timeout_ms = request.rebalance_timeout_ms;
  made.protocols = request.protocols;
  made.is_new = true;
  made.session_due_ms = turn.now_ms() + kNewMemberJoinMs;
  if (entry.initial_delay) entry.new_member_added = true;
  GroupMember& member = group.add(std::move(made), request.protocol_type);
  wake_by(entry, member.session_due_ms);
  group.wait_for_join(member, std::move(done));
  rebalance_or_complete(turn, entry);
}

void GroupCoordinator::update_member(Turn& turn, Entry& entry, GroupMember& member, const JoinRequest& request,
                                     JoinDone done) {
  Group& group = entry.group;
  group.set_protocols(member, request.protocols);
  member.session_timeout_ms = request.session_timeout_ms;
  member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (member.is_new) member.session_due_ms = turn.now_ms() + kNewMemberJoinMs;
  turn.refuse(group.wait_for_join(member, std::move(done)), member.id,
              Error{Errc::rebalance_in_progress,
                    "member '" + member.id.text() + "' of group '" + group.name() + "' has joined once more since"});
  rebalance_or_complete(turn, entry);
}

void GroupCoordinator::replace_static(Turn& turn, Entry& entry, const MemberId& from, const MemberId& to,
                                      const JoinRequest& request, JoinDone done) {
  Group& group = entry.group;
  // Each return of a static member is written: whoever comes back faster than the disk writes waits.
  if (entry.saves.size() >= kSavesMax)
    return turn.refuse(std::move(done), to,
                       Error{Errc::coordinator_not_available, "group '" + group.name() + "' has " +
                                                                  std::to_string(entry.saves.size()) +
                                                                  " changes on their way to the disk: try again"});
  const MemberId leader_before = group.leader();
  GroupMember old = group.rename(from, to);
  const Error fenced{Errc::fenced_instance_id, "in group '" + group.name() + "' the instance id '" +
                                                   request.instance_id->text() + "' is that of another member since"};
  turn.refuse(std::exchange(old.join_waiter, nullptr), from, fenced);
  turn.refuse(std::exchange(old.sync_waiter, nullptr), fenced);
  GroupMember& member = *group.find(to);
  group.set_protocols(member, request.protocols);
  member.session_timeout_ms = request.session_timeout_ms;
  member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (!member.is_new) heard_of(entry, member, turn.now_ms());
  group.wait_for_join(member, std::move(done));
  const bool goes_on = group.is(GroupState::stable) && group.choose_protocol() == group.protocol();
  if (!goes_on || mutant(Mutant::static_return_rebalances)) return rebalance_or_complete(turn, entry);
  // Nobody else need know. The new id must outlive the broker before its owner hears of it.
  save_group(turn, entry, nullptr,
             [this, from, to, leader_before, old = std::move(old), skips = request.supports_skipping_assignment](
                 Turn& after, Entry& later, const Status& stored) {
               static_returned(after, later, {from, to, leader_before, skips}, old, stored);
             });
}

// A rebalance that has begun meanwhile answers by itself.
void GroupCoordinator::static_returned(Turn& turn, Entry& entry, const StaticReturn& what, const GroupMember& old,
                                       const Status& stored) {
  Group& group = entry.group;
  GroupMember* member = group.find(what.to);
  if (!member || !member->join_waiter || !group.is(GroupState::stable)) return;
  JoinDone waiter = group.take_join_waiter(*member);
  if (stored.ok()) {
    JoinAnswer answer = current_generation(group, what.to);
    if (what.skips_assignment) {
      answer.skip_assignment = group.leads(what.to);
    } else {
      // Told that it leads it would share out, and a stable group hands that to nobody.
      answer.leader = what.leader_before;
      answer.members.clear();
    }
    heard_of(entry, *member, turn.now_ms());
    return turn.answer(std::move(waiter), std::move(answer));
  }
  group.set_protocols(*member, old.protocols);
  member->session_timeout_ms = old.session_timeout_ms;
  member->rebalance_timeout_ms = old.rebalance_timeout_ms;
  GroupMember undone = group.rename(what.to, what.from);
  turn.refuse(std::exchange(undone.sync_waiter, nullptr), stored.error());
  heard_of(entry, *group.find(what.from), turn.now_ms());
  turn.refuse(std::move(waiter), MemberId(), stored.error());
}

}  // namespace logcask
