// DeleteRecords: moves log start.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_delete_records(const NativeRequest& request) {
  const v1::DeleteRecordsRequest& wanted = request.header.delete_records();
  in_background(
      request,
      [&admin = request.services().admin, principal = request.protocol.principal(), topic = wanted.topic(),
       partition = partition_from_wire(wanted.partition()),
       before = Offset(wanted.before_offset())] { return admin.delete_records(principal, topic, partition, before); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<std::vector<PerPartition<Offset>>> results) {
        if (!results.ok()) return protocol.send_error(correlation_id, results.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::DeleteRecordsResponse& body = *response.mutable_delete_records();
        for (const auto& one : *results) {
          v1::DeleteRecordsResponse::Partition& out = *body.add_partitions();
          out.set_partition(static_cast<std::uint32_t>(one.partition.value()));
          if (one.result.ok())
            out.set_log_start_offset(one.result->value());
          else
            set_error(out.mutable_error(), one.result.error());
        }
        protocol.send(response);
      });
}

}  // namespace logcask
