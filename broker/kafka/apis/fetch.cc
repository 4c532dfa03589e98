// Fetch: record batches as they stand, once there is enough of them or the client has waited long enough. What is read,
// and what the answer may leave out, is the fetch session's business (fetch_sessions.h). A topic that is named by its
// id is looked up anew each time: made anew it has another one.
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

std::int16_t fetched_code(const Status& status) {
  // The id has led to a name, and the name to another topic, made in between.
  if (status.code() == Errc::topic_changed) return kafka_code(kafka::ErrorCode::inconsistent_topic_id);
  return kafka_code(status);
}

// Kafka sends no offsets with an error and, of what it knows nothing of, an empty list of aborted transactions.
void put_refusal(std::int16_t code, FetchAnswer::Partition& out) {
  using enum kafka::ErrorCode;
  out.error_code = code;
  if (code == kafka_code(unknown_topic_or_partition) || code == kafka_code(unknown_topic_id) ||
      code == kafka_code(topic_authorization_failed))
    out.aborted_transactions.emplace();
}

void put_part(FetchedPartition& part, Reader reader, FetchAnswer::Partition& out) {
  if (!part.error.ok()) return put_refusal(fetched_code(part.error), out);
  if (!reader.zstd && holds_zstd(part.data.pieces))
    return put_refusal(kafka_code(kafka::ErrorCode::unsupported_compression_type), out);
  out.high_watermark = part.data.visible_end.value();
  out.last_stable_offset = part.data.visible_end.value();
  out.log_start_offset = part.data.log_start_offset.value();
  // There are no transactions, so none was aborted.
  if (reader.committed) out.aborted_transactions.emplace();
  // Which owner holds which piece is the partition's business: together they hold all.
  const auto owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(part.data.owners));
  for (const ByteView piece : part.data.pieces) out.records.pieces.push_back({piece, owner});
}

class KafkaFetchCall final : public FetchCall {
 public:
  KafkaFetchCall(std::shared_ptr<KafkaCall> call, FetchContext session, FetchAnswer response, Reader reader)
      : call_(std::move(call)), session_(std::move(session)), response_(std::move(response)), reader_(reader) {}

  void completed(Status status, std::vector<FetchedPartition> partitions) override {
    std::size_t next = 0;
    for (auto& topic : response_.topics)
      for (auto& partition : topic.partitions) {
        if (partition.error_code != 0) continue;  // not asked for
        if (status.ok())
          put_part(partitions[next++], reader_, partition);
        else
          put_refusal(fetched_code(status), partition);
      }
    call_->services().fetch_sessions.finish(session_, response_);
    call_->answer(response_);
  }

 private:
  const std::shared_ptr<KafkaCall> call_;
  FetchContext session_;
  FetchAnswer response_;
  const Reader reader_;
};

std::size_t at_least(std::int32_t wanted, std::size_t least) {
  return wanted <= 0 ? least : std::max(least, static_cast<std::size_t>(wanted));
}

// What a place of the answer is to be filled with: nothing, with an error in it.
std::optional<FetchPosition> position_of(KafkaCall& call, const std::string& topic, const FetchParams& wanted,
                                         FetchAnswer::Partition& place) {
  const PartitionId partition(place.partition_index);
  TopicView& topics = call.protocol().topics();
  const kafka::ErrorCode epoch = check_leader_epoch(topics, topic, partition, wanted.leader_epoch);
  // 0 would mean no limit of its own.
  if (epoch == kafka::ErrorCode::none)
    return FetchPosition{topic, partition, Offset(wanted.offset), at_least(wanted.max_bytes, 1)};
  put_refusal(kafka_code(epoch), place);
  if (epoch == kafka::ErrorCode::fenced_leader_epoch && call.version() >= kafka::kFetchLeadersSince)
    place.current_leader = {call.services().settings.node_id, leader_epoch_of(topics, topic, partition)};
  return std::nullopt;
}

// Of all places in their order, but for those that have an error.
std::vector<FetchPosition> positions_of(KafkaCall& call, const FetchContext& session, FetchAnswer& response) {
  std::vector<FetchPosition> positions;
  positions.reserve(session.params.size());
  auto params = session.params.begin();
  for (auto& topic : response.topics) {
    const TopicPtr known = session.by_id ? call.protocol().topics().find(topic.topic_id) : nullptr;
    const std::string& name = known ? known->record.name : topic.topic;
    for (auto& place : topic.partitions) {
      const FetchParams& wanted = *params++;
      if (session.by_id && !known) {
        put_refusal(kafka_code(kafka::ErrorCode::unknown_topic_id), place);
      } else if (auto position = position_of(call, name, wanted, place)) {
        if (known) position->topic_id = topic.topic_id;
        positions.push_back(std::move(*position));
      }
    }
  }
  return positions;
}

void put_endpoints(const KafkaCall& call, FetchAnswer& response) {
  for (const auto& topic : response.topics)
    for (const auto& place : topic.partitions)
      if (place.current_leader != FetchAnswer::LeaderIdAndEpoch()) {
        const SocketAddress address = call.protocol().reachable_at();
        response.node_endpoints.push_back({call.services().settings.node_id, address.host, address.port, std::nullopt});
        return;
      }
}

}  // namespace

void handle(KafkaCall call, const kafka::FetchRequest& request) {
  FetchAnswer response;
  const bool by_id = call.version() >= kafka::kFetchTopicIdsSince;
  FetchContext session = call.services().fetch_sessions.begin(request, by_id, response);
  if (session.error != kafka::ErrorCode::none) {
    response.error_code = kafka_code(session.error);
    return call.answer(response);
  }
  std::vector<FetchPosition> positions = positions_of(call, session, response);
  const bool refused = positions.size() < session.params.size();
  put_endpoints(call, response);
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
      std::make_unique<KafkaFetchCall>(shared, std::move(session), std::move(response),
                                       Reader{request.isolation_level == 1, call_version >= 10}));
  if (open) shared->open(std::move(open));
}

}  // namespace logcask
