// Fetch: record batches as they stand, once there is enough of them or the client has waited long enough.
#include "proto/kafka/fetch.h"

#include <algorithm>

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/leader_epoch.h"
#include "proto/batch_header.h"

namespace logcask {
namespace {

using FetchAnswer = kafka::FetchResponse;

// What a client may be sent, as its request says.
struct Reader {
  bool committed = false;
  bool zstd = false;
};

// Of whole batches.
bool holds_zstd(const std::vector<ByteView>& pieces) {
  for (ByteView piece : pieces)
    while (piece.size() >= kBatchHeaderBytes) {
      const auto header = decode_batch_header(piece);
      if (!header.ok()) break;  // the client meets it
      if (header->compression() == Compression::zstd) return true;
      piece.remove_prefix(std::min(piece.size(), header->total_bytes()));
    }
  return false;
}

void put_part(FetchedPartition& part, Reader reader, FetchAnswer::Partition& out) {
  out.error_code = kafka_code(part.error);
  out.high_watermark = part.data.visible_end.value();
  out.last_stable_offset = part.data.visible_end.value();
  out.log_start_offset = part.data.log_start_offset.value();
  // There are no transactions, so none was aborted.
  if (reader.committed) out.aborted_transactions.emplace();
  if (part.data.pieces.empty()) return;
  if (!reader.zstd && holds_zstd(part.data.pieces)) {
    out.error_code = kafka_code(kafka::ErrorCode::unsupported_compression_type);
    return;
  }
  // Which owner holds which piece is the partition's business: together they hold all.
  const auto owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(part.data.owners));
  for (const ByteView piece : part.data.pieces) out.records.pieces.push_back({piece, owner});
}

class KafkaFetchCall final : public FetchCall {
 public:
  KafkaFetchCall(std::shared_ptr<KafkaCall> call, FetchAnswer response, Reader reader)
      : call_(std::move(call)), response_(std::move(response)), reader_(reader) {}

  void completed(Status status, std::vector<FetchedPartition> partitions) override {
    std::size_t next = 0;
    for (auto& topic : response_.topics)
      for (auto& partition : topic.partitions) {
        if (partition.error_code != 0) continue;  // not asked for
        if (status.ok())
          put_part(partitions[next++], reader_, partition);
        else
          partition.error_code = kafka_code(status);
      }
    call_->answer(response_);
  }

 private:
  const std::shared_ptr<KafkaCall> call_;
  FetchAnswer response_;
  const Reader reader_;
};

std::size_t at_least(std::int32_t wanted, std::size_t least) {
  return wanted <= 0 ? least : std::max(least, static_cast<std::size_t>(wanted));
}

}  // namespace

void handle(KafkaCall call, const kafka::FetchRequest& request) {
  FetchAnswer response;
  std::vector<FetchPosition> positions;
  bool refused = false;
  for (const auto& topic : request.topics) {
    FetchAnswer::Topic& out = response.topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      FetchAnswer::Partition& place = out.partitions.emplace_back();
      place.partition_index = partition.partition;
      const kafka::ErrorCode epoch = check_leader_epoch(
          call.protocol().topics(), topic.topic, PartitionId(partition.partition), partition.current_leader_epoch);
      if (epoch != kafka::ErrorCode::none) {
        place.error_code = kafka_code(epoch);
        refused = true;
        continue;
      }
      // 0 would mean no limit of its own.
      positions.push_back({std::string(topic.topic), PartitionId(partition.partition), Offset(partition.fetch_offset),
                           at_least(partition.partition_max_bytes, 1)});
    }
  }
  if (!FetchService::check(positions).ok()) {
    response.topics.clear();
    response.error_code = kafka_code(kafka::ErrorCode::invalid_request);
    return call.answer(response);
  }
  FetchService::Options options;
  // A refusal does not wait for records of other partitions, and where none is asked for there is nothing to wait for.
  options.max_wait_ms = request.max_wait_ms > 0 && !refused && !positions.empty() && call.may_wait(positions.size())
                            ? request.max_wait_ms
                            : 0;
  options.min_bytes = at_least(request.min_bytes, 0);
  options.max_bytes = at_least(request.max_bytes, 1);
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const std::int16_t call_version = call.version();
  const auto shared = std::make_shared<KafkaCall>(std::move(call));
  auto open = protocol.services().fetch.fetch(
      protocol.context(), std::move(positions), options,
      std::make_unique<KafkaFetchCall>(shared, std::move(response),
                                       Reader{request.isolation_level == 1, call_version >= 10}));
  if (open) shared->open(std::move(open));
}

}  // namespace logcask
