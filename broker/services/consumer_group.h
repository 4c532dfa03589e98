#pragma once
// One consumer group of KIP-848 as state: its members, what each has and is to have, and how the one becomes the other.
//
// Whenever who subscribes to what changes, or a topic that is subscribed to does, the group's epoch goes up and an
// assignor computes anew what everybody is to have: the target. Each member is brought to it by its own heartbeats.
// What it is to give up it is told first, and has at its old epoch until it says that it has given it up; only then it
// comes to the target's epoch. What it is to get it gets as soon as nobody else has it. So no partition is ever with
// two members.
//
// Pure: no clock, no threads, no disk. A value: a copy is what the group was, and shares its members.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "broker/services/consumer_group_types.h"
#include "broker/services/known_topics.h"
#include "broker/services/partition_assignor.h"

namespace logcask {

class ConsumerGroup {
 public:
  using MemberPtr = std::shared_ptr<const ConsumerMember>;
  using Members = std::map<MemberId, MemberPtr>;
  using Targets = std::map<MemberId, std::shared_ptr<const TopicPartitions>>;

  // As it was written.
  struct Stored {
    GroupEpoch epoch{0};
    std::int64_t topics_hash = 0;
    GroupEpoch target_epoch{0};
    std::map<MemberId, ConsumerMember> members;
    std::map<MemberId, TopicPartitions> targets;
  };

  explicit ConsumerGroup(std::string name) : name_(std::move(name)) {}
  ConsumerGroup(std::string name, Stored stored);

  const std::string& name() const { return name_; }
  GroupEpoch epoch() const { return epoch_; }
  GroupEpoch target_epoch() const { return target_epoch_; }
  std::int64_t topics_hash() const { return topics_hash_; }
  const Members& members() const { return members_; }
  const Targets& targets() const { return targets_; }
  const ConsumerMember* find(const MemberId& id) const;
  const ConsumerMember* find(const GroupInstanceId& instance) const;
  GroupState state() const;
  std::string assignor() const;
  bool subscribes_to(const std::string& topic, const KnownTopics& topics) const;
  ConsumerGroupDescription describe() const;
  std::size_t kept_bytes() const;

  // Joins the member, or brings it on; `epoch` of the heartbeat is not negative. What the answer says is so when the
  // group has been written. unknown_member_id, fenced_member_epoch, fenced_instance_id, unreleased_instance_id,
  // group_max_size_reached: the group stays as it was.
  Result<ConsumerHeartbeatAnswer> heartbeat(const ConsumerHeartbeat& heartbeat, const KnownTopics& topics,
                                            std::size_t max_size);
  // Whoever leaves for a while keeps its place and its partitions.
  Status leave(const ConsumerHeartbeat& heartbeat, const KnownTopics& topics);
  void remove(const MemberId& id, const KnownTopics& topics);
  // New topics and partitions, and those that are gone.
  void refresh(const KnownTopics& topics);
  // Of a member that asks for commits: unknown_member_id, stale_member_epoch.
  Status check_epoch(const MemberId& id, GroupEpoch epoch) const;
  // Of one that commits for `partitions`: an earlier epoch will do, when it has had all of them since.
  Status check_commit(const MemberId& id, GroupEpoch epoch, const TopicPartitions& partitions) const;

 private:
  Result<ConsumerMember> joining(const ConsumerHeartbeat& heartbeat, std::size_t max_size);
  Result<ConsumerMember> joining_static(const ConsumerHeartbeat& heartbeat, std::size_t max_size);
  Result<ConsumerMember> known(const ConsumerHeartbeat& heartbeat) const;
  Status check_room(std::size_t max_size) const;
  void erase(const MemberId& id);
  std::set<TopicId> topics_of(const ConsumerMember& member, const KnownTopics& topics) const;
  // The target anew, when `changed` or what is known of the topics is another.
  void compute_target(bool changed, const KnownTopics& topics);
  // Of all topics that members subscribe to, 0 for none.
  std::int64_t hash(const KnownTopics& topics) const;
  void reconcile(ConsumerMember& member, const std::optional<TopicPartitions>& owned) const;
  void bring_on(ConsumerMember& member, const std::optional<TopicPartitions>& owned) const;
  // Takes those out that another member has, and says whether there were any.
  bool without_held(TopicPartitions& wanted, const MemberId& by) const;

  std::string name_;
  GroupEpoch epoch_{0};
  GroupEpoch target_epoch_{0};
  std::int64_t topics_hash_ = 0;
  Members members_;
  Targets targets_;
};

// ---- sets of partitions
bool overlap(const TopicPartitions& a, const TopicPartitions& b);
bool contains_all(const TopicPartitions& all, const TopicPartitions& some);

// Whether RE2 can read it; invalid_regular_expression.
Status check_topic_regex(const std::string& regex);

}  // namespace logcask
