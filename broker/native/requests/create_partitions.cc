// CreatePartitions: a plain topic gets more.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_create_partitions(const NativeRequest& request) {
  const v1::CreatePartitionsRequest wanted = request.header.create_partitions();
  in_background(
      request,
      [&admin = request.services().admin, principal = request.protocol.principal(), wanted] {
        return admin.grow_topic(principal, wanted.name(), wanted.partitions(), false);
      },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, const Status& grown) {
        if (!grown.ok()) return protocol.send_error(correlation_id, grown.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        response.mutable_create_partitions();
        protocol.send(response);
      });
}

}  // namespace logcask
