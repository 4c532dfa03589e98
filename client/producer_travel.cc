// The journeys of a producer's batches: requests out, answers and new producer ids in, deliveries told.

#include "client/lock_soon.h"
#include "client/producer_impl.h"
#include "client/steady_time.h"

namespace logcask::client {

void Producer::Impl::submit(const BatchPtr& batch) {
  const Status sealed = batch->buffer.seal(options.compression, batch->identity);
  if (!sealed.ok()) {
    BatchAnswer answer;
    answer.status = sealed;
    core->post([self = shared_from_this(), batch, answer] { self->on_answer(batch, answer); });
    return;
  }
  if (options.acks == Acks::none) return submit_unanswered(batch);
  v1::RequestHeader request;
  auto* produce = request.mutable_produce();
  produce->set_acks(options.acks == Acks::all ? v1::ProduceRequest::ACKS_ALL : v1::ProduceRequest::ACKS_ONE);
  produce->set_timeout_ms(core->broker_timeout_ms(0));
  auto* entry = produce->add_entries();
  entry->set_topic(topic);
  entry->set_partition(static_cast<std::uint32_t>(batch->partition.value()));
  entry->set_batch_bytes(static_cast<std::uint32_t>(batch->buffer.wire().size()));
  entry->set_by_key(batch->by_key);
  for (const RecordCondition& from : batch->conditions) {
    auto* condition = entry->add_conditions();
    condition->set_record_index(from.index);
    condition->set_kind(static_cast<v1::ProduceRequest::Condition::Kind>(static_cast<int>(from.condition.kind) - 1));
    condition->set_offset(from.condition.offset.value());
    if (from.condition.kind == Condition::Kind::offset) entry->set_topic_id(topic_id);
  }
  CallSpec spec;
  spec.on_lost = OnLost::fail;  // repeated by the accumulator, in order
  core->call(request, {{}, batch->buffer.wire(), batch}, spec,
             [weak = weak_from_this(), batch](Result<Response> response) {
               if (const auto self = weak.lock()) self->on_response(batch, std::move(response));
             });
}

void Producer::Impl::submit_unanswered(const BatchPtr& batch) {
  v1::RequestHeader request;
  auto* produce = request.mutable_produce();
  produce->set_acks(v1::ProduceRequest::ACKS_NONE);
  auto* entry = produce->add_entries();
  entry->set_topic(topic);
  entry->set_partition(static_cast<std::uint32_t>(batch->partition.value()));
  entry->set_batch_bytes(static_cast<std::uint32_t>(batch->buffer.wire().size()));
  core->send_only(Lane::requests, request, {{}, batch->buffer.wire(), batch}, true,
                  [weak = weak_from_this(), batch](Status status) {
                    const auto self = weak.lock();
                    if (!self) return;
                    BatchAnswer answer;
                    answer.status = std::move(status);
                    self->on_answer(batch, answer);
                  });
}

// ---- answers (I/O thread)

void Producer::Impl::on_response(const BatchPtr& batch, Result<Response> response) {
  BatchAnswer answer;
  if (!response.ok()) {
    answer.status = std::move(response).error();
    answer.fate_unknown = answer.status.code() != Errc::throttled;
    return on_answer(batch, answer);
  }
  const auto& results = response->header.produce().results();
  if (results.size() != 1) {
    answer.status =
        Error{Errc::connection_lost, "the broker answered a batch with " + std::to_string(results.size()) + " results"};
    answer.fate_unknown = true;
    return on_answer(batch, answer);
  }
  const auto& result = results[0];
  answer.base_offset = Offset(result.base_offset());
  answer.log_append_time = TimestampMs(result.log_append_time_ms());
  answer.duplicate = result.duplicate();
  for (const auto& from : result.elsewhere()) {
    if (from.record_index() >= batch->buffer.count() || from.partition() >= static_cast<std::uint32_t>(partitions)) {
      answer = {};
      answer.status = Error{Errc::connection_lost, "the broker names a record or a partition that is not there"};
      answer.fate_unknown = true;
      return on_answer(batch, answer);
    }
    answer.elsewhere.emplace_back(from.record_index(), PartitionId(static_cast<std::int32_t>(from.partition())));
  }
  answer.ambiguous.assign(result.ambiguous_records().begin(), result.ambiguous_records().end());
  if (result.error().code() != 0) {
    answer.status = Error{errc_from_wire(result.error().code()), result.error().message()};
    answer.base_offset = kNoOffset;
    answer.log_append_time = TimestampMs(-1);
    answer.fate_unknown = answer.status.code() == Errc::timed_out || answer.status.code() == Errc::shutting_down;
    answer.refused.assign(result.refused_records().begin(), result.refused_records().end());
    if (answer.status.code() == Errc::condition_failed) {
      answer.refused = {result.failed_record_index()};
      answer.current_offset = Offset(result.current_offset());
      answer.current_is_tombstone = result.current_is_tombstone();
    }
  }
  on_answer(batch, answer);
}

void Producer::Impl::on_answer(const BatchPtr& batch, const BatchAnswer& answer) {
  BatchOutcomes outcomes;
  {
    const std::unique_lock lock = lock_soon(mutex);
    accumulator.answered(batch, answer, now_ns(), outcomes);
    outcomes_made += outcomes.size();
  }
  if (!outcomes.empty()) space.notify_all();
  drain();
  deliver(std::move(outcomes));
}

void Producer::Impl::ask_producer_id(PartitionId partition) {
  v1::RequestHeader request;
  request.mutable_init_producer_id()->set_producer_id(-1);
  request.mutable_init_producer_id()->set_producer_epoch(-1);
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  core->call(request, {}, spec, [weak = weak_from_this(), partition](Result<Response> response) {
    const auto self = weak.lock();
    if (!self) return;
    BatchOutcomes outcomes;
    {
      const std::lock_guard lock(self->mutex);
      if (response.ok()) {
        const auto& answer = response->header.init_producer_id();
        self->accumulator.give_producer_id(partition, ProducerId(answer.producer_id()),
                                           static_cast<std::int16_t>(answer.producer_epoch()), outcomes);
      } else if (response.code() == Errc::cancelled) {
        self->accumulator.give_up_all(response.error(), outcomes);
      } else {
        self->accumulator.producer_id_failed(partition, now_ns());
      }
      self->outcomes_made += outcomes.size();
    }
    self->space.notify_all();
    self->drain();
    self->deliver(std::move(outcomes));
  });
}

// One for all partitions; what was sent meanwhile waits in the accumulator.
void Producer::Impl::ask_first_producer_id() {
  v1::RequestHeader request;
  request.mutable_init_producer_id()->set_producer_id(-1);
  request.mutable_init_producer_id()->set_producer_epoch(-1);
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  core->call(request, {}, spec, [weak = weak_from_this()](Result<Response> response) {
    if (const auto self = weak.lock()) self->on_first_producer_id(std::move(response));
  });
}

void Producer::Impl::on_first_producer_id(Result<Response> response) {
  const bool again = !response.ok() && errc_retriable(response.code());
  BatchOutcomes outcomes;
  {
    const std::lock_guard lock(mutex);
    if (response.ok()) {
      const auto& answer = response->header.init_producer_id();
      for (int i = 0; i < partitions; ++i)
        accumulator.give_producer_id(PartitionId(i), ProducerId(answer.producer_id()),
                                     static_cast<std::int16_t>(answer.producer_epoch()), outcomes);
    } else if (!again) {
      accumulator.give_up_all(response.error(), outcomes);
      first_id_wanted = true;  // the next record tries anew
    }
    outcomes_made += outcomes.size();
  }
  if (again)
    core->after_ms(options.retry_backoff_ms, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      {
        const std::lock_guard lock(self->mutex);
        self->first_id_wanted = true;
      }
      self->drain();
    });
  space.notify_all();
  drain();
  deliver(std::move(outcomes));
}

void Producer::Impl::deliver(BatchOutcomes outcomes) {
  for (const BatchOutcome& outcome : outcomes) {
    if (options.on_batch) options.on_batch(outcome.batch);
    for (const auto& [callback, delivery] : outcome.deliveries) callback(delivery);
  }
  if (outcomes.empty()) return;
  {
    const std::unique_lock lock = lock_soon(mutex);
    outcomes_delivered += outcomes.size();
  }
  finished.notify_all();
}

void Producer::Impl::deliver_on_io(BatchOutcomes outcomes) {
  if (outcomes.empty()) return;
  if (core->on_io_thread()) return deliver(std::move(outcomes));
  core->post([self = shared_from_this(), shared = std::make_shared<BatchOutcomes>(std::move(outcomes))] {
    self->deliver(std::move(*shared));
  });
}

}  // namespace logcask::client
