// Heartbeat: a member is alive, and learns whether it has to join anew.
#include "proto/kafka/heartbeat.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {

void handle(KafkaCall call, const kafka::HeartbeatRequest& request) {
  kafka::HeartbeatResponse response;
  response.error_code = kafka_group_code(call.services().coordinator.heartbeat(
      call.protocol().principal(), std::string(request.group_id), to_claim(request)));
  call.answer(response);
}

}  // namespace logcask
