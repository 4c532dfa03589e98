// ListGroups: every group that has members or has committed something.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_list_groups(const NativeRequest& request) {
  in_background(
      request,
      [&service = request.services().group_admin, principal = request.protocol.principal()] {
        return service.list(principal);
      },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<std::vector<GroupSummary>> groups) {
        if (!groups.ok()) return protocol.send_error(correlation_id, groups.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::ListGroupsResponse& body = *response.mutable_list_groups();
        for (const GroupSummary& group : *groups) {
          v1::ListGroupsResponse::Group& out = *body.add_groups();
          out.set_name(utf8_text(group.name));  // on the disk it may be any bytes
          out.set_partitions(static_cast<std::uint32_t>(group.partitions));
          out.set_state(std::string(group_state_name(group.state)));
          out.set_protocol_type(group.protocol_type);
          out.set_kind(std::string(group_kind_name(group.kind)));
        }
        protocol.send(response);
      });
}

}  // namespace logcask
