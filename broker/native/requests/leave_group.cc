// LeaveGroup: members go, and the others share their work.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_leave_group(const NativeRequest& request) {
  constexpr int kLeavingMax = 100'000;
  const v1::LeaveGroupRequest& wire = request.header.leave_group();
  if (wire.members_size() > kLeavingMax)
    return request.refuse(Error{Errc::invalid_argument, std::to_string(wire.members_size()) + " members leave group '" +
                                                            wire.group() + "' at once; " + std::to_string(kLeavingMax) +
                                                            " may"});
  std::vector<LeavingMember> members;
  for (const auto& one : wire.members()) {
    const GroupMemberClaim claim = member_from_wire(&one);
    members.push_back({claim.member_id, claim.instance_id});
  }
  const auto left = request.services().coordinator.leave(request.protocol.principal(), wire.group(), members);
  if (!left.ok()) return request.refuse(left.error());
  v1::ResponseHeader response;
  response.set_correlation_id(request.correlation_id);
  v1::LeaveGroupResponse& body = *response.mutable_leave_group();
  for (const Status& status : *left) set_error(body.add_errors(), status);
  request.protocol.send(response);
}

}  // namespace logcask
