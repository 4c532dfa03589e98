// JoinGroup: waits until the group has a new generation.
#include "proto/kafka/join_group.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

constexpr std::int16_t kRebalanceTimeout = 1;
constexpr std::int16_t kMemberIdRequired = 4;
constexpr std::int16_t kProtocolMayBeNull = 7;
constexpr std::int16_t kSkipAssignment = 9;

JoinRequest to_join(const KafkaCall& call, const kafka::JoinGroupRequest& request) {
  JoinRequest join;
  join.group = request.group_id;
  join.member_id = to_member_id(request.member_id);
  join.instance_id = to_instance_id(request.group_instance_id);
  join.client_id = utf8_text(call.client_id());
  join.client_host = "/" + call.protocol().principal().address;
  join.session_timeout_ms = request.session_timeout_ms;
  join.rebalance_timeout_ms =
      call.version() < kRebalanceTimeout ? request.session_timeout_ms : request.rebalance_timeout_ms;
  join.protocol_type = utf8_text(request.protocol_type);
  for (const auto& protocol : request.protocols)
    join.protocols.push_back({utf8_text(protocol.name), std::string(protocol.metadata.data)});
  join.require_known_member_id = call.version() >= kMemberIdRequired && !join.instance_id;
  join.supports_skipping_assignment = call.version() >= kSkipAssignment;
  return join;
}

void answer_join(KafkaCall& call, const JoinAnswer& joined) {
  kafka::JoinGroupResponse response;
  response.error_code = kafka_group_code(joined.status);
  response.member_id = joined.member_id.text();
  response.protocol_name = std::string();
  if (joined.status.ok()) {
    response.generation_id = joined.generation.value();
    response.protocol_type = joined.protocol_type;
    response.protocol_name = joined.protocol;
    response.leader = joined.leader.text();
    response.skip_assignment = joined.skip_assignment;
    for (const JoinedMember& member : joined.members)
      response.members.push_back({member.member_id.text(), to_text(member.instance_id), {member.metadata}});
  } else if (call.version() >= kProtocolMayBeNull) {
    response.protocol_name.reset();
  }
  call.answer(response);
}

}  // namespace

void handle(KafkaCall call, const kafka::JoinGroupRequest& request) {
  JoinRequest join = to_join(call, request);
  if (!call.may_wait(0)) {
    JoinAnswer refused;
    refused.status = Error{Errc::coordinator_not_available, "too many requests wait"};
    refused.member_id = join.member_id;
    return answer_join(call, refused);
  }
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const auto shared = std::make_shared<KafkaCall>(std::move(call));
  protocol.services().coordinator.join({protocol.principal(), protocol.loop()}, std::move(join),
                                       [shared](const JoinAnswer& joined) { answer_join(*shared, joined); });
}

}  // namespace logcask
