// Replay: a stream of live (or all) records, the marker, then the tail.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

class NativeReplaySink final : public ReplaySink {
 public:
  explicit NativeReplaySink(const NativeRequest& request)
      : protocol_(request.protocol.shared_from_this()), correlation_id_(request.correlation_id) {}

  void chunk(ReplayChunk chunk) override {
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(correlation_id_);
    v1::ReplayResponse& body = *response->mutable_replay();
    body.set_partition(static_cast<std::uint32_t>(chunk.partition.value()));
    body.set_caught_up(chunk.caught_up);
    body.set_caught_up_offset(chunk.caught_up_offset.value());
    body.set_position(chunk.position.value());
    body.set_snapshot_end(chunk.snapshot_end.value());
    body.set_resume_token(std::move(chunk.token));
    body.set_tombstone_horizon(chunk.tombstone_horizon.value());
    std::vector<NativeProtocol::Piece> pieces;
    add_pieces(pieces, chunk.pieces, std::move(chunk.owners));
    protocol_->send(*response, std::move(pieces));
  }
  void ended(Status status) override { protocol_->end_stream(correlation_id_, status); }

 private:
  const std::shared_ptr<NativeProtocol> protocol_;
  const std::uint64_t correlation_id_;
};

}  // namespace

void handle_replay(const NativeRequest& request) {
  if (!may_open_stream(request)) return;
  const v1::ReplayRequest& replay = request.header.replay();
  ReplayOptions options;
  for (const std::uint32_t partition : replay.partitions())
    options.partitions.push_back(partition_from_wire(partition));
  options.filter.live_only = replay.live_only();
  options.filter.keys_only = replay.keys_only();
  options.filter.key_prefix = replay.key_prefix();
  options.resume_token = replay.resume_token();
  options.stop_at_caught_up = replay.stop_at_caught_up();
  const std::uint64_t lent = request.protocol.first_loan(replay.credit_bytes());
  options.credit_bytes = lent;
  auto open = request.services().replay.replay(request.protocol.context(), replay.topic(), std::move(options),
                                               std::make_unique<NativeReplaySink>(request));
  if (!open.ok()) return request.refuse(open.error());
  request.protocol.open_stream(request.correlation_id, std::move(open).value(), replay.credit_bytes(), lent);
}

}  // namespace logcask
