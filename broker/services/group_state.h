#pragma once
// One consumer group as state: its members, what they can do, who leads, which generation it is.
//
// Pure: no clock, no threads, no disk. Times are handed in; whoever asks the group a question holds the coordinator's
// lock. What the parts of a rebalance are and when they end is group_coordinator.h's affair.

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/services/group_metadata_codec.h"
#include "broker/services/group_types.h"

namespace logcask {

inline constexpr std::int64_t kNeverMs = std::numeric_limits<std::int64_t>::max();

struct GroupMember {
  MemberId id;
  std::optional<GroupInstanceId> instance_id;
  std::string client_id;
  std::string client_host;
  std::int64_t session_timeout_ms = 0;
  std::int64_t rebalance_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // no name twice
  std::string assignment;
  bool is_new = false;                     // its first join has not been answered: it cannot send heartbeats yet
  std::int64_t session_due_ms = kNeverMs;  // when it counts as gone
  JoinDone join_waiter;                    // of the call that waits; Group::wait_for_join sets it
  SyncDone sync_waiter;

  bool waits() const { return join_waiter || sync_waiter; }
  const std::string* metadata_of(const std::string& protocol) const;
  std::size_t kept_bytes() const;
};

class Group {
 public:
  using Members = std::map<MemberId, GroupMember>;

  explicit Group(std::string name) : name_(std::move(name)) {}
  // As it was written: stable, or empty when there are no members. Their sessions never end until someone says when.
  Group(std::string name, GroupMetadataValue stored);

  const std::string& name() const { return name_; }
  GroupState state() const { return state_; }
  bool is(GroupState state) const { return state_ == state; }
  // May a rebalance begin? Not while one is waiting for members, nor in a dead group.
  bool can_rebalance() const;
  void transition(GroupState state, TimestampMs now);

  GroupGeneration generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  const std::string& protocol() const { return protocol_; }
  const MemberId& leader() const { return leader_; }
  bool leads(const MemberId& member) const { return !member.empty() && leader_ == member; }

  TimestampMs since() const { return since_; }  // in its state

  // ---- members
  const Members& members() const { return members_; }
  GroupMember* find(const MemberId& id);
  const GroupMember* find(const MemberId& id) const;
  // Null: nobody has that instance id.
  const MemberId* static_member(const GroupInstanceId& instance) const;
  // unknown_member_id; fenced_instance_id when the instance id is another member's by now.
  Status check_member(const MemberId& id, const std::optional<GroupInstanceId>& instance) const;
  Status check_generation(GroupGeneration generation) const;
  // Whether a member with these could join: the type is the group's, and all members have one of the protocols.
  bool supports(const std::string& type, const std::vector<GroupProtocol>& protocols) const;
  // The first one leads and says of what type the group is.
  GroupMember& add(GroupMember member, const std::string& type);
  void set_protocols(GroupMember& member, std::vector<GroupProtocol> protocols);
  // The member, with whoever waits for it. When it led, another one does.
  GroupMember remove(const MemberId& id);
  // The static member goes on under a new id: its place, assignment and lead. Gives back who waited under the old id.
  GroupMember rename(const MemberId& from, const MemberId& to);
  // Memory of the group with all that its members have sent, roughly.
  std::size_t kept_bytes() const;
  std::int64_t rebalance_timeout_ms() const;  // the longest of all members; 0 without any

  // ---- ids that were handed out to members that have not come with them yet, and until when they are kept
  std::map<MemberId, std::int64_t>& pending() { return pending_; }
  const std::map<MemberId, std::int64_t>& pending() const { return pending_; }

  // ---- joining
  // An earlier call of the same member that still waits is given back.
  JoinDone wait_for_join(GroupMember& member, JoinDone done);
  JoinDone take_join_waiter(GroupMember& member);
  std::size_t waiting_for_join() const { return joins_; }
  // Everybody has come, those included that have only an id.
  bool all_joined() const;
  // Sees to it that a member that waits leads; false when none waits.
  bool elect_waiting_leader();
  // The protocol all members have that most of them like best of those; the leader's order decides between equals.
  std::string choose_protocol() const;
  // One more: completing_rebalance under the protocol they chose, or empty.
  void next_generation(TimestampMs now);
  std::vector<JoinedMember> joined_members() const;
  // Everybody's share; nothing for members that are not named.
  void assign(const std::map<MemberId, std::string>& assignments);

  // ---- syncing: members whose sync of this generation has not come
  std::set<MemberId>& not_synced() { return not_synced_; }

  GroupDescription describe() const;
  // As it is written, with `assignments` for those that members have now, when given.
  GroupMetadataValue stored(const std::map<MemberId, std::string>* assignments) const;

 private:
  void count_protocols(const GroupMember& member, int change);

  std::string name_;
  GroupState state_ = GroupState::empty;
  TimestampMs since_{-1};
  GroupGeneration generation_{0};
  std::string protocol_type_;
  std::string protocol_;
  MemberId leader_;
  Members members_;
  std::map<GroupInstanceId, MemberId> static_members_;
  std::map<std::string, std::size_t> supporters_;  // of each protocol
  std::map<MemberId, std::int64_t> pending_;
  std::set<MemberId> not_synced_;
  std::size_t joins_ = 0;
  std::size_t member_bytes_ = 0;  // kept_bytes() of all members
};

}  // namespace logcask
