// Compact: a stream of progress, one partition after the other.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void encode_progress(PartitionId partition, const CompactionProgress& progress, v1::CompactResponse& out) {
  out.set_partition(static_cast<std::uint32_t>(partition.value()));
  if (!progress.error.ok()) set_error(out.mutable_error(), progress.error);
  out.set_finished(progress.finished);
  out.set_bytes_read(progress.bytes_read);
  out.set_bytes_written(progress.bytes_written);
  out.set_bytes_before(progress.bytes_before);
  out.set_bytes_after(progress.bytes_after);
  out.set_records_kept(progress.records_kept);
  out.set_records_dropped(progress.records_dropped);
  out.set_tombstones_dropped(progress.tombstones_dropped);
  out.set_rewrites(progress.rewrites);
  out.set_seconds(progress.seconds);
}

}  // namespace

void handle_compact(const NativeRequest& request) {
  if (!may_open_stream(request)) return;
  const v1::CompactRequest& wanted = request.header.compact();
  auto report = [protocol = request.protocol.shared_from_this(), id = request.correlation_id](
                    PartitionId partition, const CompactionProgress& progress, bool last) {
    // Cancelled as a whole: there is no partition to speak of.
    if (partition.value() < 0) return protocol->end_stream(id, progress.error);
    v1::ResponseHeader response;
    response.set_correlation_id(id);
    encode_progress(partition, progress, *response.mutable_compact());
    protocol->send(response);
    if (last) protocol->end_stream(id, {});
  };
  auto open =
      request.services().admin.compact(request.protocol.context(), wanted.topic(),
                                       partition_from_wire(wanted.partition()), wanted.wait(), std::move(report));
  if (!open.ok()) return request.refuse(open.error());
  request.protocol.open(request.correlation_id, std::move(open).value());
}

}  // namespace logcask
