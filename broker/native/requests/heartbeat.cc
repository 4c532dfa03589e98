// Heartbeat: a member is alive, and learns whether it has to join anew.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_heartbeat(const NativeRequest& request) {
  const v1::HeartbeatRequest& wire = request.header.heartbeat();
  const Status alive = request.services().coordinator.heartbeat(
      request.protocol.principal(), wire.group(), member_from_wire(wire.has_member() ? &wire.member() : nullptr));
  if (!alive.ok()) return request.refuse(alive.error());
  v1::ResponseHeader response;
  response.set_correlation_id(request.correlation_id);
  response.mutable_heartbeat();
  request.protocol.send(response);
}

}  // namespace logcask
