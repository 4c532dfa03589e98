// Heartbeat: a member is alive, and learns whether it has to join anew.
#include "proto/kafka/heartbeat.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {

void handle(KafkaCall call, const kafka::HeartbeatRequest& request) {
  const Status alive = call.services().coordinator.heartbeat(call.protocol().principal(), std::string(request.group_id),
                                                             to_claim(request));
  kafka::HeartbeatResponse response;
  // As Kafka answers before it knows its groups.
  if (alive.code() != Errc::coordinator_loading) response.error_code = kafka_group_code(alive);
  call.answer(response);
}

}  // namespace logcask
