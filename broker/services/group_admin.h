#pragma once
// Groups as those who look after them see them: with members, which the coordinator knows, or with nothing but
// committed offsets, of consumers that assign partitions themselves.
//
// Threads: any.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/services/groups_service.h"

namespace logcask {

struct GroupSummary {
  std::string name;
  std::size_t partitions = 0;  // with commits
  GroupState state = GroupState::empty;
  std::string protocol_type;  // empty: nobody has joined it
  GroupKind kind = GroupKind::classic;
};

// A group with what it reads.
struct GroupOverview {
  GroupDescription group;
  // Of each member, in their order; nothing where the group's type is not "consumer".
  std::vector<std::map<std::string, std::vector<PartitionId>>> assigned;
  // All that is committed, and every partition of topics that are committed for or assigned. By topic and partition.
  std::vector<CommittedOffset> offsets;
};

// Names of groups are what GroupsService::meant_by() takes.
class GroupAdmin {
 public:
  // All outlive it.
  GroupAdmin(const ServiceParts& parts, GroupsService& groups, GroupCoordinator& coordinator,
             ConsumerGroupCoordinator& consumers)
      : parts_(parts), groups_(groups), coordinator_(coordinator), consumers_(consumers) {}

  // Those the caller may describe, in any of `states`; all when it is empty. Blocks on the disk once, after a start.
  Result<std::vector<GroupSummary>> list(const Principal& principal, const std::set<GroupState>& states = {});
  // group_id_not_found when it has neither members nor commits, and when the broker shares its partitions out. Does not
  // block.
  Result<GroupDescription> describe(const Principal& principal, const std::string& group);
  // group_id_not_found for every other group.
  Result<ConsumerGroupDescription> describe_consumers(const Principal& principal, const std::string& group);
  // Of the topics the caller may describe.
  std::map<TopicId, std::string> topic_names(const Principal& principal) const;
  // The same with offsets, of topics the caller may describe. Blocks on the disk.
  Result<GroupOverview> overview(const Principal& principal, const std::string& group);
  // With all it has committed. non_empty_group while it has members, group_id_not_found. `done` runs on the caller's
  // loop.
  void remove(const GroupCaller& caller, const std::string& group, std::function<void(Status)> done);
  // One status for each: group_subscribed_to_topic where a member reads the topic or, while the group shares out, may.
  // Needs the right to remove the group. `done` runs on any thread, possibly before this returns.
  using ForgetDone = std::function<void(Result<std::vector<Status>>)>;
  void forget(const Principal& principal, const std::string& group,
              const std::vector<std::pair<std::string, PartitionId>>& partitions, ForgetDone done);

 private:
  const ServiceParts& parts_;
  GroupsService& groups_;
  GroupCoordinator& coordinator_;
  ConsumerGroupCoordinator& consumers_;
};

}  // namespace logcask
