#include "client/producer_impl.h"

#include <chrono>

#include "base/clock.h"
#include "base/random.h"
#include "client/blocking.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kNsPerMs = 1000000;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t now_ns() { return system_clock().monotonic_ns(); }

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

AccumulatorConfig accumulator_config(const ProducerOptions& options) {
  AccumulatorConfig config;
  config.batch_bytes = options.batch_bytes;
  config.max_record_bytes = options.max_record_bytes;
  config.buffer_bytes = options.buffer_bytes;
  config.linger_ns = options.linger_ms * kNsPerMs;
  config.delivery_timeout_ns = options.delivery_timeout_ms * kNsPerMs;
  config.retry_backoff_ns = options.retry_backoff_ms * kNsPerMs;
  config.max_in_flight = static_cast<std::size_t>(options.max_in_flight);
  config.idempotent = options.idempotent;
  return config;
}

// A sending thread holds the lock most of the time, but never for long: worth a few microseconds of trying before the
// kernel is asked, which costs both sides a system call.
std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  for (int tries = 0; tries < 200; ++tries) {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (lock) return lock;
    for (int pause = 0; pause < 8; ++pause) relax();
  }
  return std::unique_lock(mutex);
}

int random_below(int bound) {
  std::uint64_t seed;
  secure_random_bytes(&seed, sizeof seed);
  return static_cast<int>(seed % static_cast<std::uint64_t>(bound));
}

}  // namespace

Producer::Impl::Impl(std::shared_ptr<Core> shared_core, std::string topic_name, int partition_count, Partitioner by,
                     const ProducerOptions& given, ProducerId producer_id, std::int16_t epoch)
    : core(std::move(shared_core)),
      topic(std::move(topic_name)),
      partitions(partition_count),
      partitioner(by),
      options(given),
      accumulator(accumulator_config(given), partition_count, producer_id, epoch),
      sticky_partition(random_below(partition_count)),
      scheduled_ns(kNever) {}

// ---- taking records -----------------------------------------------------------------------------------------------

Result<PartitionId> Producer::Impl::choose_partition(const OutRecord& record) {
  if (record.partition) {
    if (record.partition->value() >= 0 && record.partition->value() < partitions) return *record.partition;
    return Error{Errc::unknown_partition, "topic '" + topic + "' has partitions 0 to " +
                                              std::to_string(partitions - 1) + ", not " +
                                              std::to_string(record.partition->value())};
  }
  if (record.key) return partition_for_key(partitioner, *record.key, partitions);
  return PartitionId(sticky_partition);
}

// Waits for space up to block_ms; while it waits nothing lingers.
Result<RecordAccumulator::Appended> Producer::Impl::append(std::unique_lock<std::mutex>& lock, const OutRecord& record,
                                                           PartitionId partition, DeliveryCallback& callback) {
  const TimestampMs timestamp = record.timestamp ? *record.timestamp : system_clock().wall_ms();
  std::int64_t give_up_ns = 0;
  while (true) {
    if (closed) return Error{Errc::cancelled, "the producer of '" + topic + "' is closed"};
    auto appended = accumulator.append(record, partition, timestamp, system_clock(), callback);
    if (appended.ok() || appended.code() != Errc::limit_exceeded) return appended;
    if (give_up_ns == 0) give_up_ns = now_ns() + options.block_ms * kNsPerMs;
    const std::int64_t left_ns = give_up_ns - now_ns();
    if (left_ns <= 0 || core->on_io_thread()) return appended;
    accumulator.close_open();
    lock.unlock();
    drain();
    lock.lock();
    if (accumulator.buffered_bytes() * 2 > options.buffer_bytes)
      space.wait_for(lock, std::chrono::nanoseconds(left_ns));
  }
}

Result<PartitionId> Producer::Impl::take(std::unique_lock<std::mutex>& lock, const OutRecord& record,
                                         DeliveryCallback& callback, bool hurry) {
  LOGCASK_ASSIGN(const PartitionId partition, choose_partition(record));
  LOGCASK_ASSIGN(const auto appended, append(lock, record, partition, callback));
  // Records without key stay together until their batch is full, then move on.
  if (!record.key && !record.partition && appended.filled_batch) sticky_partition = (sticky_partition + 1) % partitions;
  if (!hurry) wake_for(appended);
  return partition;
}

void Producer::Impl::wake_for(const RecordAccumulator::Appended& appended) {
  if (appended.filled_batch || (appended.opened_batch && options.linger_ms == 0)) return drain_soon();
  if (appended.opened_batch) schedule();
}

Status Producer::Impl::send(const OutRecord& record, DeliveryCallback callback, bool hurry) {
  std::unique_lock lock(mutex);
  LOGCASK_ASSIGN(const PartitionId partition, take(lock, record, callback, hurry));
  if (!hurry) return {};
  accumulator.close_open(partition);
  lock.unlock();
  drain();
  return {};
}

Status Producer::Impl::send_all(std::span<const OutRecord> records, std::size_t* taken) {
  if (taken) *taken = 0;
  DeliveryCallback none;
  std::unique_lock lock(mutex);
  for (const OutRecord& record : records) {
    LOGCASK_TRY(take(lock, record, none, false));
    if (taken) ++*taken;
  }
  return {};
}

Status Producer::Impl::flush(std::int64_t timeout_ms) {
  if (core->on_io_thread()) return blocked_in_callback();
  const std::int64_t wait_ms = timeout_ms > 0 ? timeout_ms : options.delivery_timeout_ms;
  std::unique_lock lock(mutex);
  accumulator.close_open();
  const std::uint64_t last = accumulator.last_serial();
  lock.unlock();
  drain();
  lock.lock();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  if (!finished.wait_until(lock, deadline, [&] { return accumulator.finished_through(last); }))
    return Error{Errc::timed_out, "records of '" + topic + "' were not acknowledged within " + std::to_string(wait_ms) +
                                      " ms; they are still being sent"};
  // Their callbacks have run too when this returns.
  finished.wait_until(lock, deadline, [&, made = outcomes_made] { return outcomes_delivered >= made; });
  return accumulator.take_unseen_error();
}

void Producer::Impl::close(std::int64_t timeout_ms) {
  {
    const std::lock_guard lock(mutex);
    closed = true;
  }
  if (!core->on_io_thread()) static_cast<void>(flush(timeout_ms));
  BatchOutcomes outcomes;
  {
    const std::lock_guard lock(mutex);
    accumulator.give_up_all({Errc::cancelled, "the producer of '" + topic + "' was closed"}, outcomes);
    outcomes_made += outcomes.size();
  }
  space.notify_all();
  finished.notify_all();
  deliver_on_io(std::move(outcomes));
}

// ---- sending ------------------------------------------------------------------------------------------------------

void Producer::Impl::drain_soon() {
  if (std::exchange(drain_posted, true)) return;
  core->post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->drain();
  });
}

void Producer::Impl::schedule() {
  const auto next = accumulator.next_event_ns();
  if (!next || *next >= scheduled_ns) return;
  scheduled_ns = *next;
  const std::int64_t delay_ms = std::max<std::int64_t>((*next - now_ns() + kNsPerMs - 1) / kNsPerMs, 0);
  core->after_ms(delay_ms, [weak = weak_from_this(), at = *next] {
    const auto self = weak.lock();
    if (!self) return;
    {
      const std::lock_guard lock(self->mutex);
      if (self->scheduled_ns == at) self->scheduled_ns = kNever;
    }
    self->drain();
  });
}

void Producer::Impl::drain() {
  std::unique_lock lock = lock_soon(mutex);
  drain_again = true;
  drain_posted = false;
  if (draining) return;
  draining = true;
  while (std::exchange(drain_again, false)) {
    BatchOutcomes outcomes;
    accumulator.expire(now_ns(), outcomes);
    outcomes_made += outcomes.size();
    const auto batches = accumulator.take_ready(now_ns());
    const auto id_requests = accumulator.take_producer_id_requests();
    lock.unlock();
    for (const BatchPtr& batch : batches) submit(batch);
    for (const PartitionId partition : id_requests) ask_producer_id(partition);
    deliver_on_io(std::move(outcomes));
    lock = lock_soon(mutex);
  }
  draining = false;
  schedule();
}

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
  for (const RecordCondition& from : batch->conditions) {
    auto* condition = entry->add_conditions();
    condition->set_record_index(from.index);
    condition->set_kind(static_cast<v1::ProduceRequest::Condition::Kind>(static_cast<int>(from.condition.kind) - 1));
    condition->set_offset(from.condition.offset.value());
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

// ---- answers (I/O thread) -----------------------------------------------------------------------------------------

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
