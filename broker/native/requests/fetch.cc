// Fetch: raw batches of several partitions, once or as a stream that follows.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void encode_part(const FetchedPartition& part, v1::FetchResponse::Partition& out) {
  if (!part.error.ok()) set_error(out.mutable_error(), part.error);
  out.set_committed_end(part.data.visible_end.value());
  out.set_log_start_offset(part.data.log_start_offset.value());
  out.set_next_fetch_offset(part.data.next_fetch_offset.value());
  out.set_tombstone_horizon(part.data.tombstone_horizon.value());
  out.set_records_bytes(static_cast<std::uint32_t>(part.data.bytes));
  out.set_leader_epoch(part.data.leader_epoch.value());
  out.set_run(part.data.run.value());
}

class NativeFetchCall final : public FetchCall {
 public:
  explicit NativeFetchCall(const NativeRequest& request)
      : unanswered_(request.protocol, request.correlation_id, request.frame_bytes) {}

  void completed(Status status, std::vector<FetchedPartition> partitions) override {
    NativeProtocol& protocol = unanswered_.protocol();
    if (status.ok()) {
      ArenaMessage<v1::ResponseHeader> response;
      response->set_correlation_id(unanswered_.correlation_id());
      v1::FetchResponse& body = *response->mutable_fetch();
      std::vector<NativeProtocol::Piece> pieces;
      for (FetchedPartition& part : partitions) {
        encode_part(part, *body.add_partitions());
        add_pieces(pieces, part.data.pieces, std::move(part.data.owners));
      }
      protocol.send(*response, std::move(pieces));
    } else {
      protocol.send_error(unanswered_.correlation_id(), status.error());
    }
    protocol.closed(unanswered_.correlation_id());
  }

 private:
  const Unanswered unanswered_;
};

class NativeFollowSink final : public FollowSink {
 public:
  NativeFollowSink(const NativeRequest& request, std::vector<FetchPosition> positions)
      : protocol_(request.protocol.shared_from_this()),
        correlation_id_(request.correlation_id),
        positions_(std::move(positions)) {}

  void news(std::size_t position_index, FetchedPartition part) override {
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(correlation_id_);
    v1::FetchResponse::Partition& out = *response->mutable_fetch()->add_partitions();
    out.set_topic(positions_[position_index].topic);
    out.set_partition(static_cast<std::uint32_t>(positions_[position_index].partition.value()));
    encode_part(part, out);
    std::vector<NativeProtocol::Piece> pieces;
    add_pieces(pieces, part.data.pieces, std::move(part.data.owners));
    protocol_->send(*response, std::move(pieces));
  }
  void ended(Status status) override { protocol_->end_stream(correlation_id_, status); }

 private:
  const std::shared_ptr<NativeProtocol> protocol_;
  const std::uint64_t correlation_id_;
  const std::vector<FetchPosition> positions_;
};

}  // namespace

void handle_fetch(const NativeRequest& request) {
  const v1::FetchRequest& fetch = request.header.fetch();
  std::vector<FetchPosition> positions;
  positions.reserve(static_cast<std::size_t>(fetch.partitions_size()));
  for (const auto& wire : fetch.partitions())
    positions.push_back({wire.topic(), partition_from_wire(wire.partition()), Offset(wire.offset()), wire.max_bytes(),
                         RunId(wire.run())});
  if (auto checked = FetchService::check(positions); !checked.ok()) return request.refuse(std::move(checked).error());
  FetchService& service = request.services().fetch;
  if (fetch.follow()) {
    if (!may_open_stream(request)) return;
    auto sink = std::make_unique<NativeFollowSink>(request, positions);
    const std::uint64_t lent = request.protocol.first_loan(fetch.credit_bytes());
    request.protocol.open_stream(
        request.correlation_id, service.follow(request.protocol.context(), std::move(positions), lent, std::move(sink)),
        fetch.credit_bytes(), lent);
    return;
  }
  FetchService::Options options;
  options.max_wait_ms = fetch.max_wait_ms();
  options.min_bytes = fetch.min_bytes();
  options.max_bytes = fetch.max_bytes();
  if (auto open = service.fetch(request.protocol.context(), std::move(positions), options,
                                std::make_unique<NativeFetchCall>(request)))
    request.protocol.open(request.correlation_id, std::move(open));
}

}  // namespace logcask
