// Produce: batches of several partitions, answered together under one ack rule.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

Acks to_acks(v1::ProduceRequest::Acks acks) {
  return acks == v1::ProduceRequest::ACKS_ALL   ? Acks::all
         : acks == v1::ProduceRequest::ACKS_ONE ? Acks::one
                                                : Acks::none;
}

Condition to_condition(const v1::ProduceRequest::Condition& wire) {
  Condition condition;
  condition.record_index = wire.record_index();
  condition.kind = wire.kind() == v1::ProduceRequest::Condition::ABSENT   ? Condition::Kind::absent
                   : wire.kind() == v1::ProduceRequest::Condition::EXISTS ? Condition::Kind::exists
                                                                          : Condition::Kind::offset;
  condition.offset = Offset(wire.offset());
  return condition;
}

Result<std::vector<ProduceEntry>> decode(const v1::ProduceRequest& produce, ByteView attachment) {
  std::vector<ProduceEntry> entries;
  entries.reserve(static_cast<std::size_t>(produce.entries_size()));
  for (const auto& wire : produce.entries()) {
    if (wire.batch_bytes() > attachment.size())
      return Error{Errc::malformed_frame, "the attachment is shorter than its batches"};
    ProduceEntry& entry = entries.emplace_back();
    entry.topic = wire.topic();
    entry.partition = partition_from_wire(wire.partition());
    entry.batch = attachment.substr(0, wire.batch_bytes());
    attachment.remove_prefix(wire.batch_bytes());
    entry.by_key = wire.by_key();
    LOGCASK_ASSIGN(entry.topic_id, topic_id_from_wire(wire.topic_id()));
    for (const auto& condition : wire.conditions()) {
      if (!v1::ProduceRequest::Condition::Kind_IsValid(condition.kind()))
        return Error{Errc::invalid_argument, "a condition of unknown kind"};
      entry.conditions.push_back(to_condition(condition));
    }
  }
  if (!attachment.empty()) return Error{Errc::malformed_frame, "bytes after the last batch"};
  return entries;
}

void encode_appended(const AppendResult& result, v1::ProduceResponse::Result& out) {
  if (!result.error.ok()) set_error(out.mutable_error(), result.error);
  out.set_base_offset(result.base_offset.value());
  out.set_log_append_time_ms(result.append_time.value());
  out.set_log_start_offset(result.log_start_offset.value());
  out.set_duplicate(result.duplicate);
  for (const AppendResult::Elsewhere& from : result.elsewhere) {
    auto* elsewhere = out.add_elsewhere();
    elsewhere->set_record_index(from.record_index);
    elsewhere->set_partition(static_cast<std::uint32_t>(from.partition.value()));
  }
  for (const std::uint32_t index : result.ambiguous_records) out.add_ambiguous_records(index);
  if (result.error.ok()) return;
  out.set_failed_record_index(result.failed_record_index);
  out.set_current_offset(result.current_offset.value());
  out.set_current_is_tombstone(result.current_is_tombstone);
  for (const std::uint32_t index : result.refused_records) out.add_refused_records(index);
}

class NativeProduceCall final : public ProduceCall {
 public:
  NativeProduceCall(const NativeRequest& request, bool answered)
      : unanswered_(request.protocol, request.correlation_id, request.frame_bytes), answered_(answered) {}

  void completed(std::vector<AppendResult>& results) override {
    if (!answered_) return;
    ArenaMessage<v1::ResponseHeader> response;
    response->set_correlation_id(unanswered_.correlation_id());
    v1::ProduceResponse& body = *response->mutable_produce();
    for (const AppendResult& result : results) encode_appended(result, *body.add_results());
    unanswered_.protocol().send(*response);
  }

  std::function<void()> hold_later_calls() override {
    unanswered_.protocol().hold_input();
    return [protocol = unanswered_.protocol().shared_from_this()] { protocol->release_input(); };
  }

 private:
  const Unanswered unanswered_;
  const bool answered_;
};

}  // namespace

void handle_produce(const NativeRequest& request) {
  const v1::ProduceRequest& produce = request.header.produce();
  if (!v1::ProduceRequest::Acks_IsValid(produce.acks()))
    return request.refuse(Error{Errc::invalid_argument, "acks is none of all, one, none"});
  auto entries = decode(produce, request.attachment);
  if (!entries.ok()) return request.refuse(entries.error());
  const Acks acks = to_acks(produce.acks());
  const bool congested =
      request.services().produce.produce(request.protocol.context(), *entries, acks, produce.timeout_ms(),
                                         std::make_unique<NativeProduceCall>(request, acks != Acks::none));
  if (congested) request.protocol.slow_down();
}

}  // namespace logcask
