// The course of a rebalance: members join, the leader shares out, the assignments reach the disk and then the members.
#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/log.h"
#include "broker/services/group_entry.h"

namespace logcask {

void GroupCoordinator::rebalance_or_complete(Turn& turn, Entry& entry) {
  if (entry.group.can_rebalance())
    prepare_rebalance(turn, entry);
  else
    complete_if_all_joined(turn, entry);
}

void GroupCoordinator::prepare_rebalance(Turn& turn, Entry& entry) {
  Group& group = entry.group;
  if (group.is(GroupState::completing_rebalance))
    answer_syncs(turn, entry,
                 Error{Errc::rebalance_in_progress, "group '" + group.name() + "' shares out anew: join it again"});
  group.not_synced().clear();
  entry.sync_due_ms = kNeverMs;
  entry.storing_assignments = false;
  entry.initial_delay = group.is(GroupState::empty) && limits_.initial_rebalance_delay_ms > 0;
  entry.new_member_added = false;
  group.transition(GroupState::preparing_rebalance, turn.wall());
  const std::int64_t timeout_ms = group.rebalance_timeout_ms();
  if (entry.initial_delay) {
    entry.join_due_ms = turn.now_ms() + limits_.initial_rebalance_delay_ms;
    entry.delay_left_ms = std::max<std::int64_t>(timeout_ms - limits_.initial_rebalance_delay_ms, 0);
  } else {
    entry.join_due_ms = turn.now_ms() + timeout_ms;
  }
  wake_by(entry, entry.join_due_ms);
  complete_if_all_joined(turn, entry);
}

void GroupCoordinator::complete_if_all_joined(Turn& turn, Entry& entry) {
  const Group& group = entry.group;
  if (!group.is(GroupState::preparing_rebalance) || entry.initial_delay) return;
  if (group.all_joined()) complete_join(turn, entry);
}

// A group that has never had a generation waits longer while members go on coming.
void GroupCoordinator::initial_delay_over(Turn& turn, Entry& entry) {
  const bool first_ever = entry.group.generation() == GroupGeneration(0);
  if (!entry.new_member_added || !first_ever || entry.delay_left_ms == 0) return complete_join(turn, entry);
  const std::int64_t longer_ms = std::min(limits_.initial_rebalance_delay_ms, entry.delay_left_ms);
  entry.delay_left_ms -= longer_ms;
  entry.new_member_added = false;
  entry.join_due_ms = turn.now_ms() + longer_ms;
  wake_by(entry, entry.join_due_ms);
}

void GroupCoordinator::complete_join(Turn& turn, Entry& entry) {
  Group& group = entry.group;
  entry.join_due_ms = kNeverMs;
  entry.initial_delay = false;
  std::vector<MemberId> late;
  for (const auto& [id, member] : group.members())
    if (!member.join_waiter && !member.instance_id) late.push_back(id);
  for (const MemberId& id : late) drop_member(turn, entry, id, "it did not join again within the rebalance timeout");
  if (!group.members().empty() && !group.elect_waiting_leader()) {
    // Static members alone, none of which has come: until one does, or their sessions end.
    entry.join_due_ms = turn.now_ms() + group.rebalance_timeout_ms();
    return wake_by(entry, entry.join_due_ms);
  }
  group.next_generation(turn.wall());
  ++rebalances_;
  if (group.members().empty()) return save_group(turn, entry, nullptr, nullptr);
  std::vector<MemberId> ids;
  for (const auto& [id, member] : group.members()) ids.push_back(id);
  for (const MemberId& id : ids) {
    GroupMember& member = *group.find(id);
    turn.answer(group.take_join_waiter(member), current_generation(group, id));
    member.is_new = false;
    heard_of(entry, member, turn.now_ms());
    group.not_synced().insert(id);
  }
  entry.sync_due_ms = turn.now_ms() + group.rebalance_timeout_ms();
  wake_by(entry, entry.sync_due_ms);
}

void GroupCoordinator::sync_group(Turn& turn, Entry& entry, SyncRequest& request, SyncDone done) {
  Group& group = entry.group;
  const MemberId& id = request.member.member_id;
  const auto check = [&]() -> Status {
    if (group.is(GroupState::dead))
      return Error{Errc::coordinator_not_available, "group '" + group.name() + "' is being deleted; try again"};
    LOGCASK_TRY(group.check_member(id, request.member.instance_id));
    if (!mutant(Mutant::sync_of_any_generation)) LOGCASK_TRY(group.check_generation(request.member.generation));
    if ((request.protocol_type && *request.protocol_type != group.protocol_type()) ||
        (request.protocol && *request.protocol != group.protocol()))
      return Error{Errc::inconsistent_group_protocol, "member '" + id.text() +
                                                          "' syncs under another protocol than group '" + group.name() +
                                                          "', which has '" + group.protocol() + "' of type '" +
                                                          group.protocol_type() + "': join it again"};
    if (group.is(GroupState::preparing_rebalance))
      return Error{Errc::rebalance_in_progress,
                   "group '" + group.name() + "' shares out anew: member '" + id.text() + "' has to join again"};
    return check_memory(group, request);
  };
  Status checked = check();
  if (!checked.ok()) return turn.refuse(std::move(done), std::move(checked).error());
  GroupMember& member = *group.find(id);
  synced(entry, id);
  if (group.is(GroupState::stable)) {
    heard_of(entry, member, turn.now_ms());
    return turn.answer(std::move(done), SyncAnswer{{}, group.protocol_type(), group.protocol(), member.assignment});
  }
  turn.refuse(std::exchange(member.sync_waiter, std::move(done)),
              Error{Errc::rebalance_in_progress,
                    "member '" + id.text() + "' of group '" + group.name() + "' has synced once more since"});
  if (group.leads(id) && !entry.storing_assignments) store_assignments(turn, entry, std::move(request.assignments));
}

// Of what a leader shares out; other members send nothing.
Status GroupCoordinator::check_memory(const Group& group, const SyncRequest& request) const {
  std::size_t asked = 0;
  std::size_t has = 0;
  for (const auto& [id, assignment] : request.assignments) asked += assignment.size();
  for (const auto& [id, member] : group.members()) has += member.assignment.size();
  if (asked <= has || fits_memory(has, asked)) return {};
  return Error{Errc::group_max_size_reached, "assignments of " + std::to_string(asked) + " bytes for group '" +
                                                 group.name() + "' would pass the " +
                                                 std::to_string(limits_.members_max_bytes) +
                                                 " bytes of group.members.max.bytes, of which members of groups keep " +
                                                 std::to_string(kept_bytes_) + ": stop members, or raise it"};
}

void GroupCoordinator::synced(Entry& entry, const MemberId& id) {
  entry.group.not_synced().erase(id);
  if (entry.group.not_synced().empty()) entry.sync_due_ms = kNeverMs;
}

void GroupCoordinator::store_assignments(Turn& turn, Entry& entry, std::map<MemberId, std::string> assignments) {
  entry.storing_assignments = true;
  if (mutant(Mutant::assigned_before_stored))
    assignments_stored(turn, entry, entry.group.generation(), assignments, {});
  // What the record says is what it is once it can be read.
  save_group(
      turn, entry, &assignments,
      [this, generation = entry.group.generation(), assignments](Turn& after, Entry& later, const Status& stored) {
        assignments_stored(after, later, generation, assignments, stored);
      });
}

// Another rebalance may have begun meanwhile; it has told the members.
void GroupCoordinator::assignments_stored(Turn& turn, Entry& entry, GroupGeneration generation,
                                          const std::map<MemberId, std::string>& assignments, const Status& stored) {
  Group& group = entry.group;
  if (!group.is(GroupState::completing_rebalance) || group.generation() != generation) return;
  entry.storing_assignments = false;
  if (!stored.ok()) {
    answer_syncs(turn, entry, stored);
    return prepare_rebalance(turn, entry);
  }
  group.assign(assignments);
  group.transition(GroupState::stable, turn.wall());
  answer_syncs(turn, entry, {});
}

void GroupCoordinator::answer_syncs(Turn& turn, Entry& entry, const Status& status) {
  Group& group = entry.group;
  std::vector<MemberId> waiting;
  for (const auto& [id, member] : group.members())
    if (member.sync_waiter) waiting.push_back(id);
  for (const MemberId& id : waiting) {
    GroupMember& member = *group.find(id);
    SyncDone waiter = std::exchange(member.sync_waiter, nullptr);
    heard_of(entry, member, turn.now_ms());
    if (status.ok())
      turn.answer(std::move(waiter), SyncAnswer{{}, group.protocol_type(), group.protocol(), member.assignment});
    else
      turn.refuse(std::move(waiter), status.error());
  }
}

void GroupCoordinator::sync_time_over(Turn& turn, Entry& entry) {
  Group& group = entry.group;
  entry.sync_due_ms = kNeverMs;
  if (!group.is(GroupState::completing_rebalance) && !group.is(GroupState::stable)) return;
  const std::vector<MemberId> late(group.not_synced().begin(), group.not_synced().end());
  for (const MemberId& id : late) drop_member(turn, entry, id, "it did not sync within the rebalance timeout");
  if (!late.empty()) prepare_rebalance(turn, entry);
}

// What that means for the group is the caller's affair. Whoever waits joins anew, when it is alive.
void GroupCoordinator::drop_member(Turn& turn, Entry& entry, const MemberId& id, const char* why) {
  Group& group = entry.group;
  if (log_enabled(LogLevel::debug))
    log_debug("group '" + group.name() + "': member '" + id.text() + "' is dropped: " + why);
  GroupMember gone = group.remove(id);
  const Error error{Errc::unknown_member_id, "member '" + id.text() + "' of group '" + group.name() +
                                                 "' was dropped: " + why + "; join anew without an id"};
  turn.refuse(std::move(gone.join_waiter), MemberId(), error);
  turn.refuse(std::move(gone.sync_waiter), error);
}

}  // namespace logcask
