// Produce: batches of several partitions, answered together under one ack rule.
#include "proto/kafka/produce.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using kafka::ErrorCode;
using kafka::ProduceRequest;
using ProduceAnswer = kafka::ProduceResponse;

// The answer with a place for each partition of the request.
ProduceAnswer outline(const ProduceRequest& request) {
  ProduceAnswer response;
  for (const auto& topic : request.topics) {
    ProduceAnswer::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) out.partitions.emplace_back().index = partition.index;
  }
  return response;
}

void refuse_all(KafkaCall& call, ProduceAnswer response, ErrorCode code, const std::string& why) {
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions) {
      partition.error_code = kafka_code(code);
      partition.error_message = why;
    }
  call.answer(response);
}

void put_appended(const AppendResult& result, ProduceAnswer::Partition& out) {
  out.log_start_offset = result.log_start_offset.value();
  if (!result.error.ok()) {
    out.error_code = kafka_code(result.error);
    out.error_message = result.error.error().message;
    for (const std::uint32_t index : result.refused_records)
      out.record_errors.push_back({static_cast<std::int32_t>(index), std::nullopt});
    return;
  }
  out.base_offset = result.base_offset.value();
  out.log_append_time_ms = result.append_time.value();
}

class KafkaProduceCall final : public ProduceCall {
 public:
  KafkaProduceCall(KafkaCall call, ProduceAnswer response, bool answered)
      : call_(std::move(call)), response_(std::move(response)), answered_(answered) {}

  void completed(std::vector<AppendResult>& results) override {
    std::size_t next = 0;
    bool failed = false;
    for (auto& topic : response_.topics)
      for (auto& partition : topic.partitions) {
        failed = failed || !results[next].error.ok();
        put_appended(results[next++], partition);
      }
    if (answered_) return call_.answer(response_);
    call_.answer_nothing();
    // As Kafka does: the only way to tell a producer that takes no answers.
    if (failed) call_.protocol().fail(Error{Errc::invalid_record, "a batch sent with acks=0 was refused"});
  }

  std::function<void()> hold_later_calls() override {
    call_.protocol().hold_input();
    return [protocol = call_.protocol().shared_from_this()] { protocol->release_input(); };
  }

 private:
  KafkaCall call_;
  ProduceAnswer response_;
  const bool answered_;
};

}  // namespace

void handle(KafkaCall call, const ProduceRequest& request) {
  ProduceAnswer response = outline(request);
  if (request.acks < -1 || request.acks > 1)
    return refuse_all(call, std::move(response), ErrorCode::invalid_required_acks, "acks is none of -1, 0 and 1");
  if (request.transactional_id)
    return refuse_all(call, std::move(response), ErrorCode::transactional_id_authorization_failed,
                      "this broker has no transactions; produce without a transactional id");
  std::vector<ProduceEntry> entries;
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      ProduceEntry& entry = entries.emplace_back();
      entry.topic = topic.name;
      entry.partition = PartitionId(partition.index);
      entry.batch = partition.records.view();
    }
  if (entries.empty()) return request.acks == 0 ? call.answer_nothing() : call.answer(response);
  const Acks acks = request.acks == 0 ? Acks::none : request.acks == 1 ? Acks::one : Acks::all;
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const bool congested = protocol.services().produce.produce(
      protocol.context(), entries, acks, request.timeout_ms,
      std::make_unique<KafkaProduceCall>(std::move(call), std::move(response), acks != Acks::none));
  if (congested) protocol.slow_down();
}

}  // namespace logcask
