// Fetch: record batches as they stand, once there is enough of them or the client has waited long enough.
#include "proto/kafka/fetch.h"

#include <algorithm>

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using FetchAnswer = kafka::FetchResponse;

void put_part(FetchedPartition& part, bool read_committed, FetchAnswer::Partition& out) {
  out.error_code = kafka_code(part.error);
  out.high_watermark = part.data.visible_end.value();
  out.last_stable_offset = part.data.visible_end.value();
  out.log_start_offset = part.data.log_start_offset.value();
  // There are no transactions, so none was aborted.
  if (read_committed) out.aborted_transactions.emplace();
  if (part.data.pieces.empty()) return;
  // Which owner holds which piece is the partition's business: together they hold all.
  const auto owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(part.data.owners));
  for (const ByteView piece : part.data.pieces) out.records.pieces.push_back({piece, owner});
}

class KafkaFetchCall final : public FetchCall {
 public:
  KafkaFetchCall(std::shared_ptr<KafkaCall> call, FetchAnswer response, bool read_committed)
      : call_(std::move(call)), response_(std::move(response)), read_committed_(read_committed) {}

  void completed(Status status, std::vector<FetchedPartition> partitions) override {
    std::size_t next = 0;
    for (auto& topic : response_.topics)
      for (auto& partition : topic.partitions) {
        if (status.ok())
          put_part(partitions[next++], read_committed_, partition);
        else
          partition.error_code = kafka_code(status);
      }
    call_->answer(response_);
  }

 private:
  const std::shared_ptr<KafkaCall> call_;
  FetchAnswer response_;
  const bool read_committed_;
};

std::size_t at_least(std::int32_t wanted, std::size_t least) {
  return wanted <= 0 ? least : std::max(least, static_cast<std::size_t>(wanted));
}

}  // namespace

void handle(KafkaCall call, const kafka::FetchRequest& request) {
  FetchAnswer response;
  std::vector<FetchPosition> positions;
  for (const auto& topic : request.topics) {
    FetchAnswer::Topic& out = response.topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition;
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
  options.max_wait_ms = request.max_wait_ms > 0 && call.may_wait(positions.size()) ? request.max_wait_ms : 0;
  options.min_bytes = at_least(request.min_bytes, 0);
  options.max_bytes = at_least(request.max_bytes, 1);
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const auto shared = std::make_shared<KafkaCall>(std::move(call));
  auto open = protocol.services().fetch.fetch(
      protocol.context(), std::move(positions), options,
      std::make_unique<KafkaFetchCall>(shared, std::move(response), request.isolation_level == 1));
  if (open) shared->open(std::move(open));
}

}  // namespace logcask
