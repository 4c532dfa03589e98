// LeaveGroup: members go, and the others share their work.
#include "proto/kafka/leave_group.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {

void handle(KafkaCall call, const kafka::LeaveGroupRequest& request) {
  constexpr std::int16_t kSeveralMembers = 3;
  constexpr std::size_t kMembersMax = 100'000;
  const bool several = call.version() >= kSeveralMembers;
  if (request.members.size() > kMembersMax) {
    kafka::LeaveGroupResponse refused;
    refused.error_code = kafka_code(kafka::ErrorCode::invalid_request);
    return call.answer(refused);
  }
  std::vector<LeavingMember> members;
  for (const auto& member : request.members)
    members.push_back({to_member_id(member.member_id), to_instance_id(member.group_instance_id)});
  if (!several) members.push_back({to_member_id(request.member_id)});
  const auto left =
      call.services().coordinator.leave(call.protocol().principal(), std::string(request.group_id), members);
  kafka::LeaveGroupResponse response;
  if (!left.ok()) {
    response.error_code = kafka_group_code(left.error());
    return call.answer(response);
  }
  if (!several) response.error_code = kafka_group_code(left->front());
  for (std::size_t i = 0; several && i < members.size(); ++i)
    response.members.push_back(
        {members[i].member_id.text(), to_text(members[i].instance_id), kafka_group_code((*left)[i])});
  call.answer(response);
}

}  // namespace logcask
