#pragma once
// What members of a group whose partitions the broker shares out (KIP-848) and its coordinator say to each other, free
// of any wire.
//
// A member says that it is alive, and only what has changed since; it hears which partitions it is to hold. Epochs
// count: the group's goes up when who subscribes to what changes, the target's is that of the group for which shares
// were computed last, and a member's is that of the target it has come to.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/services/group_types.h"

namespace logcask {

using TopicPartitions = std::map<TopicId, std::set<PartitionId>>;

using GroupEpoch = StrongNumber<struct GroupEpochTag, std::int32_t>;
inline constexpr GroupEpoch kJoins{0};
inline constexpr GroupEpoch kLeaves{-1};
inline constexpr GroupEpoch kLeavesForAWhile{-2};  // a static member, which comes back under its instance id

struct ConsumerHeartbeat {
  std::string group;
  MemberId member_id;  // the member's own choice; empty where it joins and leaves that to the broker
  GroupEpoch epoch = kJoins;
  std::string client_id;
  std::string client_host;
  // Nothing: as it was.
  std::optional<GroupInstanceId> instance_id;
  std::optional<std::string> rack_id;
  std::optional<std::int32_t> rebalance_timeout_ms;
  std::optional<std::set<std::string>> topics;
  std::optional<std::string> topic_regex;  // RE2's; empty: none
  std::optional<std::string> assignor;
  std::optional<TopicPartitions> owned;
};

struct ConsumerHeartbeatAnswer {
  Status status;
  MemberId member_id;
  GroupEpoch epoch;
  std::int32_t interval_ms = 0;               // until the next one; 0 for whoever leaves
  std::optional<TopicPartitions> assignment;  // nothing: as it was
};
using ConsumerHeartbeatDone = std::function<void(ConsumerHeartbeatAnswer)>;

// As of the last heartbeat: stable has what it is to have, the others wait; for itself to give up what it was told to,
// or for other members to.
enum class ConsumerMemberState : std::int8_t { stable = 0, unrevoked_partitions = 1, unreleased_partitions = 2 };

struct ConsumerMember {
  MemberId id;
  std::optional<GroupInstanceId> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = -1;
  std::set<std::string> topics;
  std::string topic_regex;  // empty: none
  std::optional<std::string> assignor;

  GroupEpoch epoch{0};
  GroupEpoch previous_epoch{0};
  ConsumerMemberState state = ConsumerMemberState::stable;
  TopicPartitions assigned;
  TopicPartitions pending_revocation;  // nobody else may have them yet
  // Of each of both: from which epoch on the member has it. What it commits for it at an epoch between that and its own
  // is right, however late it comes (KIP-1251).
  std::map<TopicId, std::map<PartitionId, GroupEpoch>> had_since;

  friend bool operator==(const ConsumerMember&, const ConsumerMember&) = default;
  std::size_t kept_bytes() const;
};

struct ConsumerGroupDescription {
  std::string group;
  GroupState state = GroupState::empty;
  GroupEpoch epoch;
  GroupEpoch target_epoch;
  std::string assignor;
  struct Member {
    ConsumerMember member;
    TopicPartitions target;
  };
  std::vector<Member> members;
};

}  // namespace logcask
