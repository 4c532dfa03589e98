// ConsumerGroupDescribe: groups whose partitions the broker shares out, and who has what in them.
#include "proto/kafka/consumer_group_describe.h"

#include <map>
#include <set>

#include "broker/kafka/apis/allowed_operations.h"
#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

using DescribedConsumers = kafka::ConsumerGroupDescribeResponse;
using TopicNames = std::map<TopicId, std::string>;

constexpr std::int8_t kConsumerMember = 1;

// Topics that are gone are left out.
DescribedConsumers::Assignment to_assignment(const TopicPartitions& all, const TopicNames& names) {
  DescribedConsumers::Assignment assignment;
  for (const auto& [topic, partitions] : all) {
    const auto name = names.find(topic);
    if (name == names.end()) continue;
    auto& out = assignment.topic_partitions.emplace_back();
    out.topic_id = topic;
    out.topic_name = name->second;
    for (const PartitionId partition : partitions) out.partitions.push_back(partition.value());
  }
  return assignment;
}

DescribedConsumers::Member to_member(const ConsumerGroupDescription::Member& described, const TopicNames& names) {
  const ConsumerMember& member = described.member;
  DescribedConsumers::Member out;
  out.member_id = member.id.text();
  out.instance_id = to_text(member.instance_id);
  out.rack_id = member.rack_id;
  out.member_epoch = member.epoch.value();
  out.client_id = member.client_id;
  out.client_host = member.client_host;
  out.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  out.subscribed_topic_regex = member.topic_regex;
  out.assignment = to_assignment(member.assigned, names);
  out.target_assignment = to_assignment(described.target, names);
  out.member_type = kConsumerMember;
  return out;
}

DescribedConsumers::Group to_described_consumers(const std::string& name,
                                                 const Result<ConsumerGroupDescription>& described,
                                                 const TopicNames& names) {
  DescribedConsumers::Group out;
  out.group_id = name;
  if (!described.ok()) {
    out.error_code = kafka_group_code(described.error());
    out.error_message = described.error().message;
    return out;
  }
  out.group_state = group_state_name(described->state);
  out.group_epoch = described->epoch.value();
  out.assignment_epoch = described->target_epoch.value();
  out.assignor_name = described->assignor;
  for (const auto& member : described->members) out.members.push_back(to_member(member, names));
  return out;
}

}  // namespace

void handle(KafkaCall call, const kafka::ConsumerGroupDescribeRequest& request) {
  GroupAdmin& admin = call.services().group_admin;
  const Principal& principal = call.protocol().principal();
  const TopicNames names = admin.topic_names(principal);
  kafka::ConsumerGroupDescribeResponse response;
  // One that is named again would be copied again, with all its members.
  std::set<std::string_view> named;
  for (const std::string_view group : request.group_ids) {
    if (!named.insert(group).second) continue;
    const std::string name(group);
    response.groups.push_back(to_described_consumers(name, admin.describe_consumers(principal, name), names));
    if (request.include_authorized_operations && response.groups.back().error_code == 0)
      response.groups.back().authorized_operations = kGroupOperations;
  }
  call.answer(response);
}

}  // namespace logcask
