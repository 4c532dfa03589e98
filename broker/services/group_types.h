#pragma once
// What members of a consumer group and its coordinator say to each other, free of any wire.
//
// The words are Kafka's: a member joins, the leader among the members shares the work out, and everybody syncs to get a
// share (its assignment). Metadata and assignments are the members' own affair: opaque bytes here.

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

// A text with a name of its own: none converts to another, or from a bare string, silently.
template <class Tag>
class GroupName {
 public:
  GroupName() = default;
  explicit GroupName(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const GroupName&, const GroupName&) = default;

 private:
  std::string text_;
};

// Made by the coordinator, new at each first join. Empty: none yet.
using MemberId = GroupName<struct MemberIdTag>;
// Chosen by a member that keeps its place over a restart (a static member, KIP-345).
using GroupInstanceId = GroupName<struct GroupInstanceIdTag>;
// Counts the rebalances of a group, from 1.
using GroupGeneration = StrongNumber<struct GroupGenerationTag, std::int32_t>;
inline constexpr GroupGeneration kNoGeneration{-1};

// empty: no members. preparing_rebalance: members are asked to join anew. completing_rebalance: all have the new
// generation, the leader's assignment is awaited. stable: assigned. dead: being deleted. assigning and reconciling are
// groups' whose partitions the broker shares out: shares are still to be computed; members are on their way to them.
enum class GroupState : std::uint8_t {
  empty,
  preparing_rebalance,
  completing_rebalance,
  stable,
  dead,
  assigning,
  reconciling
};
// Who shares the partitions out: one of the members, or the broker (KIP-848).
enum class GroupKind : std::uint8_t { classic, consumer };
// "classic", "consumer".
std::string_view group_kind_name(GroupKind kind);
// "Empty", "PreparingRebalance": what Kafka's tools print.
std::string_view group_state_name(GroupState state);

// Whoever joins a group or commits for it needs a name that every protocol can tell: invalid_group_id.
Status check_group_is_text(const std::string& group);

// One way of sharing out that a member can do ("range"), and what it tells the leader for that.
struct GroupProtocol {
  std::string name;
  std::string metadata;
  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

// What keeping them takes, roughly.
std::size_t kept_bytes(const std::vector<GroupProtocol>& protocols);

struct JoinRequest {
  std::string group;
  MemberId member_id;  // empty at first
  std::optional<GroupInstanceId> instance_id;
  std::string client_id;
  std::string client_host;
  std::int64_t session_timeout_ms = 0;
  std::int64_t rebalance_timeout_ms = 0;  // who has none (JoinGroup version 0) hands in its session timeout
  std::string protocol_type;              // "consumer"
  std::vector<GroupProtocol> protocols;   // the one it likes best first
  // Whoever has no member id yet is given one and told to come again (KIP-394): member_id_required.
  bool require_known_member_id = false;
  // A leader that comes back to a stable group under its instance id is told so, and to leave the assignment as it is
  // (KIP-814). Where it does not understand that, it is not told that it leads.
  bool supports_skipping_assignment = false;
};

// Of one member, for the leader.
struct JoinedMember {
  MemberId member_id;
  std::optional<GroupInstanceId> instance_id;
  std::string metadata;  // of the protocol that was chosen
  friend bool operator==(const JoinedMember&, const JoinedMember&) = default;
};

struct JoinAnswer {
  Status status;
  MemberId member_id;  // with member_id_required: the one to come again with
  GroupGeneration generation = kNoGeneration;
  std::string protocol_type;
  std::string protocol;
  MemberId leader;
  bool skip_assignment = false;
  std::vector<JoinedMember> members;  // the leader's answer only
};
using JoinDone = std::function<void(JoinAnswer)>;

// What a member says of itself in every later call.
struct GroupMemberClaim {
  MemberId member_id;
  std::optional<GroupInstanceId> instance_id = std::nullopt;
  GroupGeneration generation = kNoGeneration;
};

struct SyncRequest {
  std::string group;
  GroupMemberClaim member;
  // Checked when given.
  std::optional<std::string> protocol_type = std::nullopt;
  std::optional<std::string> protocol = std::nullopt;
  std::map<MemberId, std::string> assignments = {};  // the leader's; members it leaves out get an empty one
};
struct SyncAnswer {
  Status status;
  std::string protocol_type;
  std::string protocol;
  std::string assignment;
};
using SyncDone = std::function<void(SyncAnswer)>;

// By member id, or by instance id alone, for whoever removes another one.
struct LeavingMember {
  MemberId member_id;
  std::optional<GroupInstanceId> instance_id = std::nullopt;
};

struct GroupMemberDescription {
  MemberId member_id;
  std::optional<GroupInstanceId> instance_id;
  std::string client_id;
  std::string client_host;
  std::string metadata;    // of the protocol; empty unless the group is stable
  std::string assignment;  // empty unless the group is stable
  std::int32_t epoch = 0;  // of a group of kind consumer
};
struct GroupDescription {
  std::string group;
  GroupState state = GroupState::empty;
  std::string protocol_type;  // empty: nobody has joined yet
  std::string protocol;       // empty unless the group is stable
  std::vector<GroupMemberDescription> members;
  GroupKind kind = GroupKind::classic;
  std::int32_t epoch = 0;         // of kind consumer
  std::int32_t target_epoch = 0;  // of the shares that its members are brought to
};
struct GroupListing {
  std::string group;
  std::string protocol_type;
  GroupState state = GroupState::empty;
  GroupKind kind = GroupKind::classic;
};

}  // namespace logcask
