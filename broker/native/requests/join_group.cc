// JoinGroup: waits until the group has a new generation.
#include <utility>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/waiting_for_group.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

JoinRequest to_native_join(const NativeRequest& request) {
  const v1::JoinGroupRequest& wire = request.header.join_group();
  const GroupMemberClaim member = member_from_wire(wire.has_member() ? &wire.member() : nullptr);
  JoinRequest join;
  join.group = wire.group();
  join.member_id = member.member_id;
  join.instance_id = member.instance_id;
  join.client_id = request.protocol.client_name();
  join.client_host = "/" + request.protocol.principal().address;  // as Kafka's tools show it
  join.session_timeout_ms = wire.session_timeout_ms();
  join.rebalance_timeout_ms = wire.rebalance_timeout_ms() > 0 ? wire.rebalance_timeout_ms() : wire.session_timeout_ms();
  join.protocol_type = wire.protocol_type();
  for (const auto& protocol : wire.protocols()) join.protocols.push_back({protocol.name(), protocol.metadata()});
  join.require_known_member_id = !join.instance_id;
  join.supports_skipping_assignment = true;
  return join;
}

void encode_join(const JoinAnswer& joined, v1::JoinGroupResponse& out) {
  out.set_member_id(joined.member_id.text());
  if (joined.status.code() == Errc::member_id_required) return out.set_join_again(true);
  out.set_generation(joined.generation.value());
  out.set_protocol_type(joined.protocol_type);
  out.set_protocol(joined.protocol);
  out.set_leader(joined.leader.text());
  out.set_skip_assignment(joined.skip_assignment);
  for (const JoinedMember& member : joined.members) {
    auto& one = *out.add_members();
    one.set_member_id(member.member_id.text());
    if (member.instance_id) one.set_instance_id(member.instance_id->text());
    one.set_metadata(member.metadata);
  }
}

}  // namespace

void handle_join_group(const NativeRequest& request) {
  JoinRequest join = to_native_join(request);
  const auto call = WaitingForGroup::open(request);
  request.services().coordinator.join(
      {request.protocol.principal(), request.protocol.loop()}, std::move(join), [call](const JoinAnswer& joined) {
        const bool again = joined.status.code() == Errc::member_id_required;
        call->answer(again ? Status() : joined.status,
                     [&](v1::ResponseHeader& out) { encode_join(joined, *out.mutable_join_group()); });
      });
}

}  // namespace logcask
