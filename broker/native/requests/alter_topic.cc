// AlterTopic: sets and unsets settings.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_alter_topic(const NativeRequest& request) {
  AdminService& admin = request.services().admin;
  const v1::AlterTopicRequest wanted = request.header.alter_topic();
  in_background(
      request,
      [&admin, principal = request.protocol.principal(), wanted] {
        return admin.alter_topic(principal, wanted.name(), to_settings(wanted.set()),
                                 std::vector<std::string>(wanted.unset().begin(), wanted.unset().end()));
      },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Status altered) {
        if (!altered.ok()) return protocol.send_error(correlation_id, altered.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        response.mutable_alter_topic();
        protocol.send(response);
      });
}

}  // namespace logcask
