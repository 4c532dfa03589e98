// DeleteTopic: answered once the deletion is certain; the files go later.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_delete_topic(const NativeRequest& request) {
  AdminService& admin = request.services().admin;
  in_background(
      request,
      [&admin, principal = request.protocol.principal(), name = request.header.delete_topic().name()] {
        return admin.delete_topic(principal, name);
      },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Status deleted) {
        if (!deleted.ok()) return protocol.send_error(correlation_id, deleted.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        response.mutable_delete_topic();
        protocol.send(response);
      });
}

}  // namespace logcask
