// Backup: a stream of the files that are a partition's log.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

class NativeBackupSink final : public BackupSink {
 public:
  explicit NativeBackupSink(const NativeRequest& request)
      : protocol_(request.protocol.shared_from_this()), correlation_id_(request.correlation_id) {}

  void started(const Topic& topic, std::shared_ptr<const std::string> manifest) override {
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(correlation_id_);
    v1::BackupResponse::Topic& body = *response->mutable_backup()->mutable_topic();
    body.set_topic_id(id_bytes(topic.record.id));
    body.set_partitions(topic.record.partitions);
    for (const auto& [name, value] : topic.record.settings) (*body.mutable_settings())[name] = value;
    body.set_created_ms(topic.record.created.value());
    body.set_internal(topic.internal);
    send(*response, std::move(manifest));
  }
  void chunk(std::size_t segment, std::uint64_t position, std::shared_ptr<const ByteBuffer> bytes) override {
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(correlation_id_);
    response->mutable_backup()->set_segment(static_cast<std::uint32_t>(segment));
    response->mutable_backup()->set_position(position);
    send(*response, std::move(bytes));
  }
  void ended(Status status) override { protocol_->end_stream(correlation_id_, status); }

 private:
  template <class Bytes>
  void send(const v1::ResponseHeader& response, std::shared_ptr<const Bytes> bytes) {
    std::vector<NativeProtocol::Piece> pieces;
    pieces.push_back({*bytes, bytes});
    protocol_->send(response, std::move(pieces));
  }

  const std::shared_ptr<NativeProtocol> protocol_;
  const std::uint64_t correlation_id_;
};

}  // namespace

void handle_backup(const NativeRequest& request) {
  if (!may_open_stream(request)) return;
  const v1::BackupRequest& backup = request.header.backup();
  BackupOptions options;
  options.partition = partition_from_wire(backup.partition());
  for (const auto& file : backup.have())
    options.have.push_back(
        {{Offset(file.base_offset()), Generation(file.generation())}, file.size_bytes(), file.digest()});
  const std::uint64_t lent = request.protocol.first_loan(backup.credit_bytes());
  options.credit_bytes = lent;
  auto open = request.services().backup.backup(request.protocol.context(), backup.topic(), std::move(options),
                                               std::make_unique<NativeBackupSink>(request));
  if (!open.ok()) return request.refuse(open.error());
  request.protocol.open_stream(request.correlation_id, std::move(open).value(), backup.credit_bytes(), lent);
}

}  // namespace logcask
