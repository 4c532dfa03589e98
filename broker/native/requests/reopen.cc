// Reopen: recovers read-only and offline partitions anew.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_reopen(const NativeRequest& request) {
  const v1::ReopenRequest& wanted = request.header.reopen();
  in_background(
      request,
      [&admin = request.services().admin, principal = request.protocol.principal(), topic = wanted.topic(),
       partition = partition_from_wire(wanted.partition())] { return admin.reopen(principal, topic, partition); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id,
         Result<std::vector<PerPartition<std::string>>> results) {
        if (!results.ok()) return protocol.send_error(correlation_id, results.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::ReopenResponse& body = *response.mutable_reopen();
        for (const auto& one : *results) {
          v1::ReopenResponse::Partition& out = *body.add_partitions();
          out.set_partition(static_cast<std::uint32_t>(one.partition.value()));
          if (one.result.ok())
            out.set_report(utf8_text(*one.result));
          else
            set_error(out.mutable_error(), one.result.error());
        }
        protocol.send(response);
      });
}

}  // namespace logcask
