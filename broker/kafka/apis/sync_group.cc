// SyncGroup: waits until the leader has said who reads what.
#include "proto/kafka/sync_group.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

constexpr std::int16_t kProtocolRequired = 5;

void answer_sync(KafkaCall& call, const SyncAnswer& synced) {
  kafka::SyncGroupResponse response;
  response.error_code = kafka_group_code(synced.status);
  // As Kafka answers before it knows its groups: Java's consumer fails for good at the other code.
  if (synced.status.code() == Errc::coordinator_loading)
    response.error_code = kafka_code(kafka::ErrorCode::rebalance_in_progress);
  if (synced.status.ok()) {
    response.protocol_type = synced.protocol_type;
    response.protocol_name = synced.protocol;
    response.assignment = {synced.assignment};
  }
  call.answer(response);
}

void refuse_sync(KafkaCall& call, Errc code, const char* why) {
  SyncAnswer refused;
  refused.status = Error{code, why};
  answer_sync(call, refused);
}

}  // namespace

void handle(KafkaCall call, const kafka::SyncGroupRequest& request) {
  if (call.version() >= kProtocolRequired && (!request.protocol_type || !request.protocol_name))
    return refuse_sync(call, Errc::inconsistent_group_protocol, "a sync names the group's protocol");
  if (!call.may_wait(0)) return refuse_sync(call, Errc::coordinator_not_available, "too many requests wait");
  SyncRequest sync;
  sync.group = request.group_id;
  sync.member = to_claim(request);
  if (request.protocol_type) sync.protocol_type = utf8_text(*request.protocol_type);
  if (request.protocol_name) sync.protocol = utf8_text(*request.protocol_name);
  for (const auto& one : request.assignments) sync.assignments[to_member_id(one.member_id)] = one.assignment.data;
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const auto shared = std::make_shared<KafkaCall>(std::move(call));
  protocol.services().coordinator.sync({protocol.principal(), protocol.loop()}, std::move(sync),
                                       [shared](const SyncAnswer& synced) { answer_sync(*shared, synced); });
}

}  // namespace logcask
