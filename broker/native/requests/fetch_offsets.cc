// FetchOffsets: what a consumer group has committed, with the ends of the partitions for its lag.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_fetch_offsets(const NativeRequest& request) {
  const v1::FetchOffsetsRequest& wanted = request.header.fetch_offsets();
  std::vector<std::pair<std::string, PartitionId>> places;
  for (const auto& wire : wanted.entries()) places.emplace_back(wire.topic(), partition_from_wire(wire.partition()));
  in_background(
      request,
      [&service = request.services().groups, principal = request.protocol.principal(), group = wanted.group(),
       places = std::move(places)] { return service.fetch(principal, group, places); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<std::vector<CommittedOffset>> committed) {
        if (!committed.ok()) return protocol.send_error(correlation_id, committed.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::FetchOffsetsResponse& body = *response.mutable_fetch_offsets();
        for (const CommittedOffset& one : *committed) {
          v1::FetchOffsetsResponse::Entry& out = *body.add_entries();
          out.set_topic(one.topic);
          out.set_partition(static_cast<std::uint32_t>(one.partition.value()));
          out.set_committed_end(one.committed_end.value());
          out.set_log_start_offset(one.log_start_offset.value());
          out.set_offset(-1);
          if (!one.changed.ok()) set_error(out.mutable_error(), one.changed);
          if (!one.value || !one.changed.ok()) continue;
          out.set_run(one.value->run.value());
          out.set_offset(one.value->offset.value());
          out.set_leader_epoch(one.value->leader_epoch.value());
          out.set_metadata(one.value->metadata);
          out.set_commit_timestamp_ms(one.value->commit_timestamp.value());
        }
        protocol.send(response);
      });
}

}  // namespace logcask
