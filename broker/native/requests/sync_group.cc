// SyncGroup: waits until the leader has said who reads what.
#include <utility>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/waiting_for_group.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_sync_group(const NativeRequest& request) {
  const v1::SyncGroupRequest& wire = request.header.sync_group();
  SyncRequest sync;
  sync.group = wire.group();
  sync.member = member_from_wire(wire.has_member() ? &wire.member() : nullptr);
  if (!wire.protocol_type().empty()) sync.protocol_type = wire.protocol_type();
  if (!wire.protocol().empty()) sync.protocol = wire.protocol();
  for (const auto& one : wire.assignments()) sync.assignments[MemberId(one.member_id())] = one.assignment();
  const auto call = WaitingForGroup::open(request);
  request.services().coordinator.sync({request.protocol.principal(), request.protocol.loop()}, std::move(sync),
                                      [call](const SyncAnswer& synced) {
                                        call->answer(synced.status, [&](v1::ResponseHeader& out) {
                                          v1::SyncGroupResponse& body = *out.mutable_sync_group();
                                          body.set_protocol_type(synced.protocol_type);
                                          body.set_protocol(synced.protocol);
                                          body.set_assignment(synced.assignment);
                                        });
                                      });
}

}  // namespace logcask
