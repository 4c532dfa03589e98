#include "client/producer_impl.h"

#include <chrono>

#include "base/random.h"
#include "client/blocking.h"
#include "client/lock_soon.h"
#include "client/steady_time.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

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

int random_below(int bound) {
  std::uint64_t seed;
  secure_random_bytes(&seed, sizeof seed);
  return static_cast<int>(seed % static_cast<std::uint64_t>(bound));
}

}  // namespace

Producer::Impl::Impl(std::shared_ptr<Core> shared_core, std::string topic_name, const TopicId& id, int partition_count,
                     Partitioner by, const ProducerOptions& given, ProducerId producer_id, std::int16_t epoch)
    : core(std::move(shared_core)),
      topic(std::move(topic_name)),
      topic_id(id == TopicId() ? "" : std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size())),
      partitions(partition_count),
      partitioner(by),
      options(given),
      accumulator(accumulator_config(given), partition_count, producer_id, epoch),
      first_id_wanted(given.idempotent && producer_id == kNoProducer),
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
  // The first producer id is asked for while the first batch still lingers.
  if (first_id_wanted || appended.filled_batch || (appended.opened_batch && options.linger_ms == 0))
    return drain_soon();
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
    if (core->closed()) accumulator.give_up_all({Errc::cancelled, "the client was closed"}, outcomes);
    outcomes_made += outcomes.size();
    const auto batches = accumulator.take_ready(now_ns());
    const auto id_requests = accumulator.take_producer_id_requests();
    const bool first_id = first_id_wanted && accumulator.buffered_bytes() > 0;
    if (first_id) first_id_wanted = false;
    lock.unlock();
    if (!outcomes.empty()) space.notify_all();
    for (const BatchPtr& batch : batches) submit(batch);
    for (const PartitionId partition : id_requests) ask_producer_id(partition);
    if (first_id) ask_first_producer_id();
    deliver_on_io(std::move(outcomes));
    lock = lock_soon(mutex);
  }
  draining = false;
  schedule();
}

}  // namespace logcask::client
