// Segments: what the files of a topic hold and why they are (not) due for compaction.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void encode_segment(PartitionId partition, const SegmentReport& segment, v1::SegmentsResponse::Segment& out) {
  out.set_partition(static_cast<std::uint32_t>(partition.value()));
  out.set_base_offset(segment.base_offset.value());
  out.set_generation(segment.generation.value());
  out.set_next_offset(segment.next_offset.value());
  out.set_state(segment.state);
  out.set_records(segment.records);
  out.set_live_values(segment.live_values);
  out.set_live_tombstones(segment.live_tombstones);
  out.set_due_tombstones(segment.due_tombstones);
  out.set_size_bytes(segment.size_bytes);
  out.set_dead_bytes_estimate(segment.dead_bytes_estimate);
  out.set_has_hint(segment.has_hint);
  out.set_readers(segment.readers);
  out.set_compacted_through(segment.compacted_through.value());
  out.set_first_append_ms(segment.first_append.value());
  out.set_last_append_ms(segment.last_append.value());
  out.set_due(segment.due);
  out.set_why(segment.why);
}

}  // namespace

void handle_segments(const NativeRequest& request) {
  const v1::SegmentsRequest& wanted = request.header.segments();
  using Reports = std::vector<PerPartition<std::vector<SegmentReport>>>;
  in_background(
      request,
      [&admin = request.services().admin, principal = request.protocol.principal(), topic = wanted.topic(),
       partition = partition_from_wire(wanted.partition())] { return admin.segments(principal, topic, partition); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<Reports> reports) {
        if (!reports.ok()) return protocol.send_error(correlation_id, reports.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::SegmentsResponse& body = *response.mutable_segments();
        for (const auto& one : *reports)
          for (const SegmentReport& segment : *one.result) encode_segment(one.partition, segment, *body.add_segments());
        protocol.send(response);
      });
}

}  // namespace logcask
