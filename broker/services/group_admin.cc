#include "broker/services/group_admin.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

#include "base/coding.h"
#include "base/utf8.h"
#include "broker/services/counted.h"
#include "proto/kafka/consumer_protocol.h"

namespace logcask {
namespace {

// The topics in a consumer's metadata: version i16 | count i32 | strings. Nothing when it is something else.
std::optional<std::set<std::string>> subscribed_topics(ByteView metadata) {
  constexpr std::size_t kHead = 6;
  if (metadata.size() < kHead) return std::nullopt;
  const auto count = load_be<std::int32_t>(metadata.data() + 2);
  metadata.remove_prefix(kHead);
  std::set<std::string> topics;
  for (std::int32_t i = 0; i < count; ++i) {
    if (metadata.size() < 2) return std::nullopt;
    const auto size = load_be<std::uint16_t>(metadata.data());
    metadata.remove_prefix(2);
    if (metadata.size() < size) return std::nullopt;
    topics.emplace(metadata.substr(0, size));
    metadata.remove_prefix(size);
  }
  return topics;
}

bool may_read(const GroupDescription& group, const std::string& topic) {
  if (group.state == GroupState::empty) return false;
  if (group.state != GroupState::stable || group.protocol_type != "consumer") return true;
  return std::any_of(group.members.begin(), group.members.end(), [&](const GroupMemberDescription& member) {
    const auto topics = subscribed_topics(member.metadata);
    return !topics || topics->count(topic) > 0;
  });
}

// What a leader has sent that no consumer can read counts as nothing.
std::map<std::string, std::vector<PartitionId>> assigned_to(const GroupMemberDescription& member) {
  std::map<std::string, std::vector<PartitionId>> assigned;
  const auto decoded = kafka::decode_assignment(member.assignment);
  if (!decoded.ok()) return assigned;
  for (const auto& [topic, partitions] : decoded->assigned_partitions)
    for (const std::int32_t partition : partitions) assigned[utf8_text(topic)].emplace_back(partition);
  return assigned;
}

void describe_as_any_other(const ConsumerGroupDescription& described, const std::map<TopicId, std::string>& names,
                           GroupOverview& all) {
  all.group.group = described.group;
  all.group.state = described.state;
  all.group.protocol_type = "consumer";
  all.group.protocol = described.assignor;
  all.group.kind = GroupKind::consumer;
  all.group.epoch = described.epoch.value();
  all.group.target_epoch = described.target_epoch.value();
  for (const auto& [member, target] : described.members) {
    GroupMemberDescription& out = all.group.members.emplace_back();
    out.member_id = member.id;
    out.instance_id = member.instance_id;
    out.client_id = member.client_id;
    out.client_host = member.client_host;
    out.epoch = member.epoch.value();
    auto& assigned = all.assigned.emplace_back();
    for (const auto& [topic, partitions] : member.assigned)
      if (const auto name = names.find(topic); name != names.end())
        assigned[name->second].assign(partitions.begin(), partitions.end());
  }
}

}  // namespace

Result<std::vector<GroupSummary>> GroupAdmin::list(const Principal& principal, const std::set<GroupState>& states) {
  return counted(parts_, ServiceName::groups, [&]() -> Result<std::vector<GroupSummary>> {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::broker, ""}));
    LOGCASK_ASSIGN(auto commits, groups_.groups());
    LOGCASK_ASSIGN(auto with_members, coordinator_.list(principal));
    LOGCASK_ASSIGN(const auto of_consumers, consumers_.list(principal));
    with_members.insert(with_members.end(), of_consumers.begin(), of_consumers.end());
    std::vector<GroupSummary> all;
    for (const GroupListing& group : with_members) {
      const auto found = commits.find(group.group);
      all.push_back(
          {group.group, found == commits.end() ? 0 : found->second, group.state, group.protocol_type, group.kind});
      if (found != commits.end()) commits.erase(found);
    }
    for (const auto& [name, partitions] : commits)
      if (parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::group, name}).ok())
        all.push_back({name, partitions, GroupState::empty, {}});
    std::erase_if(all, [&](const GroupSummary& group) { return !states.empty() && states.count(group.state) == 0; });
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
  });
}

Result<GroupDescription> GroupAdmin::describe(const Principal& principal, const std::string& name) {
  const std::string group = groups_.meant_by(name);
  auto described = coordinator_.describe(principal, group);
  const bool only_commits = described.code() == Errc::group_id_not_found && groups_.has_commits(group);
  if (!only_commits || consumers_.knows(group)) return described;
  GroupDescription empty;
  empty.group = group;
  return empty;
}

Result<ConsumerGroupDescription> GroupAdmin::describe_consumers(const Principal& principal, const std::string& group) {
  return consumers_.describe(principal, group);
}

std::map<TopicId, std::string> GroupAdmin::topic_names(const Principal& principal) const {
  std::map<TopicId, std::string> names;
  for (const auto& [name, topic] : *parts_.topics.snapshot())
    if (parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::topic, name}).ok())
      names[topic->record.id] = name;
  return names;
}

Result<GroupOverview> GroupAdmin::overview(const Principal& principal, const std::string& group) {
  GroupOverview all;
  LOGCASK_ASSIGN(all.offsets, groups_.fetch(principal, group, {}));
  if (consumers_.knows(group)) {
    LOGCASK_ASSIGN(const auto described, describe_consumers(principal, group));
    describe_as_any_other(described, topic_names(principal), all);
  } else {
    LOGCASK_ASSIGN(all.group, describe(principal, group));
    for (const GroupMemberDescription& member : all.group.members) {
      auto& assigned = all.assigned.emplace_back();
      if (all.group.protocol_type == "consumer") assigned = assigned_to(member);
    }
  }
  std::set<std::string> topics;
  std::set<std::pair<std::string, PartitionId>> committed;
  for (const CommittedOffset& one : all.offsets) {
    topics.insert(one.topic);
    committed.emplace(one.topic, one.partition);
  }
  for (const auto& assigned : all.assigned)
    for (const auto& [topic, partitions] : assigned) topics.insert(topic);
  std::vector<std::pair<std::string, PartitionId>> others;
  for (const std::string& name : topics) {
    const TopicPtr topic = parts_.topics.find(name);
    if (!topic || !parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::topic, name}).ok())
      continue;
    for (std::int32_t p = 0; p < static_cast<std::int32_t>(topic->partitions.size()); ++p)
      if (committed.count({name, PartitionId(p)}) == 0) others.emplace_back(name, PartitionId(p));
  }
  if (others.empty()) return all;
  LOGCASK_ASSIGN(auto uncommitted, groups_.fetch(principal, group, std::move(others)));
  std::move(uncommitted.begin(), uncommitted.end(), std::back_inserter(all.offsets));
  std::sort(all.offsets.begin(), all.offsets.end(), [](const CommittedOffset& a, const CommittedOffset& b) {
    return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  });
  return all;
}

void GroupAdmin::remove(const GroupCaller& caller, const std::string& name, std::function<void(Status)> done) {
  const std::string group = groups_.meant_by(name);
  const Offset end = groups_.commits_end();
  const auto forget_commits = [this, &loop = caller.loop, group, end, done = std::move(done)](Status gone) {
    const bool only_commits = gone.code() == Errc::group_id_not_found && groups_.has_commits(group);
    if (!gone.ok() && !only_commits) return done(std::move(gone));
    // Moved, so that it ends on the loop.
    parts_.background.post([this, &loop, group, end, done]() mutable {
      groups_.forget_group(group, end, [&loop, done = std::move(done)](const Status& forgotten) mutable {
        loop.run([done = std::move(done), forgotten] { done(forgotten); });
      });
    });
  };
  if (consumers_.knows(group)) return consumers_.delete_group(caller, group, forget_commits);
  coordinator_.delete_group(caller, group, forget_commits);
}

void GroupAdmin::forget(const Principal& principal, const std::string& name,
                        const std::vector<std::pair<std::string, PartitionId>>& partitions, ForgetDone done) {
  const std::string group = groups_.meant_by(name);
  if (Status allowed = parts_.authorizer.authorize(principal, Operation::remove, {ResourceKind::group, group});
      !allowed.ok())
    return done(std::move(allowed).error());
  GroupDescription described;
  const bool of_consumers = consumers_.knows(group);
  if (!of_consumers) {
    auto found = describe(principal, group);
    if (!found.ok()) return done(std::move(found).error());
    described = std::move(found).value();
  }
  std::vector<Status> statuses(partitions.size());
  std::vector<std::pair<std::string, PartitionId>> unread;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const std::string& topic = partitions[i].first;
    if (of_consumers ? consumers_.subscribes_to(group, topic) : may_read(described, topic))
      statuses[i] = Error{Errc::group_subscribed_to_topic,
                          "members of group '" + group + "' read topic '" + topic + "'; stop them first"};
    else
      unread.push_back(partitions[i]);
  }
  groups_.forget(group, unread, [statuses = std::move(statuses), done = std::move(done)](const Status& gone) mutable {
    for (Status& status : statuses)
      if (status.ok()) status = gone;
    done(std::move(statuses));
  });
}

}  // namespace logcask
