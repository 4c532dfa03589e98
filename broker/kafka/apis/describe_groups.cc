// DescribeGroups: the state of groups and who is in them.
#include "proto/kafka/describe_groups.h"

#include <set>

#include "broker/kafka/apis/allowed_operations.h"
#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

kafka::DescribeGroupsResponse::Group to_group(const std::string& name, const Result<GroupDescription>& described) {
  kafka::DescribeGroupsResponse::Group out;
  out.group_id = name;
  if (!described.ok()) {
    // Up to version 5 a group that is not there is one that is dead.
    if (described.code() == Errc::group_id_not_found)
      out.group_state = group_state_name(GroupState::dead);
    else
      out.error_code = kafka_group_code(described.error());
    return out;
  }
  out.group_state = group_state_name(described->state);
  out.protocol_type = described->protocol_type;
  out.protocol_data = described->protocol;
  for (const GroupMemberDescription& member : described->members)
    out.members.push_back({member.member_id.text(),
                           to_text(member.instance_id),
                           member.client_id,
                           member.client_host,
                           {member.metadata},
                           {member.assignment}});
  return out;
}

}  // namespace

void handle(KafkaCall call, const kafka::DescribeGroupsRequest& request) {
  kafka::DescribeGroupsResponse response;
  // One that is named again would be copied again, with all its members.
  std::set<std::string_view> named;
  for (const std::string_view group : request.groups) {
    if (!named.insert(group).second) continue;
    const std::string name(group);
    response.groups.push_back(to_group(name, call.services().group_admin.describe(call.protocol().principal(), name)));
    if (request.include_authorized_operations && response.groups.back().error_code == 0)
      response.groups.back().authorized_operations = kGroupOperations;
  }
  call.answer(response);
}

}  // namespace logcask
