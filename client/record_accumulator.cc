#include "client/record_accumulator.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask::client {

RecordAccumulator::RecordAccumulator(const AccumulatorConfig& config, int partition_count, ProducerId producer_id,
                                     std::int16_t epoch)
    : config_(config),
      pool_(std::make_shared<BufferPool>(config.batch_bytes / 2,
                                         config.buffer_bytes / std::max<std::size_t>(config.batch_bytes, 1))),
      partitions_(static_cast<std::size_t>(partition_count)) {
  for (Partition& partition : partitions_) {
    partition.producer_id = producer_id;
    partition.epoch = epoch;
    if (config.idempotent && producer_id == kNoProducer) partition.id_state = IdState::asked;
  }
}

// ---- filling ------------------------------------------------------------------------------------------------------

void RecordAccumulator::open_batch(Partition& partition, PartitionId id, std::int64_t now_ns) {
  auto batch = std::make_shared<ProducedBatch>();
  batch->serial = next_serial_++;
  batch->partition = id;
  batch->buffer = BatchBuffer(pool_->take());
  batch->pool = pool_;
  batch->opened_ns = now_ns;
  unfinished_[batch->serial] = 1;
  partition.open = std::move(batch);
}

Result<RecordAccumulator::Appended> RecordAccumulator::append(const OutRecord& record, PartitionId id,
                                                              TimestampMs timestamp, const Clock& clock,
                                                              DeliveryCallback callback) {
  // Exact: the broker's limit is, and a record just below it may be all there is to a batch.
  const std::size_t alone =
      mutant(Mutant::record_size_estimated) ? BatchBuffer::encoded_bound(record) : BatchBuffer::encoded_alone(record);
  if (alone > config_.max_record_bytes)
    return Error{Errc::message_too_large, "a record of " + std::to_string(alone) + " bytes; max_record_bytes is " +
                                              std::to_string(config_.max_record_bytes)};
  const std::size_t bytes = BatchBuffer::encoded_bound(record);
  if (buffered_bytes_ + bytes > config_.buffer_bytes && buffered_bytes_ > 0)
    return Error{Errc::limit_exceeded, "the producer's buffer_bytes (" + std::to_string(config_.buffer_bytes) +
                                           ") are all waiting for the broker"};
  Partition& partition = partitions_[static_cast<std::size_t>(id.value())];
  const bool conditional = record.condition.kind != Condition::Kind::none;
  Appended appended;
  if (partition.open &&
      (partition.open->conditional() != conditional || partition.open->by_key == record.partition.has_value() ||
       partition.open->buffer.size_bytes() + bytes > config_.batch_bytes)) {
    partition.ready.push_back(std::move(partition.open));
    partition.open = nullptr;
    appended.filled_batch = true;
  }
  if (!partition.open) {
    open_batch(partition, id, clock.monotonic_ns());
    partition.open->by_key = !record.partition;
    appended.opened_batch = true;
  }
  ProducedBatch& batch = *partition.open;
  const std::size_t before = batch.buffer.size_bytes();
  const std::uint32_t index = batch.buffer.append(record, timestamp);
  batch.charged_bytes += batch.buffer.size_bytes() - before;
  buffered_bytes_ += batch.buffer.size_bytes() - before;
  if (conditional) batch.conditions.push_back({index, record.condition});
  if (callback) batch.callbacks.push_back({index, timestamp, std::move(callback)});
  return appended;
}

void RecordAccumulator::close_open() {
  for (Partition& partition : partitions_)
    if (partition.open) partition.ready.push_back(std::exchange(partition.open, nullptr));
}

void RecordAccumulator::close_open(PartitionId id) {
  Partition& partition = partitions_[static_cast<std::size_t>(id.value())];
  if (partition.open) partition.ready.push_back(std::exchange(partition.open, nullptr));
}

// ---- leaving ------------------------------------------------------------------------------------------------------

bool RecordAccumulator::may_leave(const Partition& partition, std::int64_t now_ns) const {
  if (partition.held || partition.id_state != IdState::known || now_ns < partition.not_before_ns) return false;
  const bool alone = config_.idempotent && !partition.proven;
  if (partition.in_flight.size() >= (alone ? 1 : config_.max_in_flight)) return false;
  return partition.in_flight.empty() || !partition.in_flight.back()->conditional();
}

BatchPtr RecordAccumulator::next_to_leave(Partition& partition, std::int64_t now_ns) {
  if (!may_leave(partition, now_ns)) return nullptr;
  if (partition.ready.empty() && partition.open && now_ns - partition.open->opened_ns >= config_.linger_ns)
    partition.ready.push_back(std::exchange(partition.open, nullptr));
  if (partition.ready.empty()) return nullptr;
  if (partition.ready.front()->conditional() && !partition.in_flight.empty()) return nullptr;
  BatchPtr batch = std::move(partition.ready.front());
  partition.ready.pop_front();
  return batch;
}

void RecordAccumulator::number(Partition& partition, ProducedBatch& batch) {
  if (!config_.idempotent || batch.sequenced) return;
  const auto count = static_cast<std::int32_t>(batch.buffer.count());
  batch.identity = {partition.producer_id, partition.epoch, partition.next_sequence};
  batch.sequenced = true;
  // Numbers wrap from 2147483647 to 0.
  partition.next_sequence = static_cast<std::int32_t>(
      (static_cast<std::uint32_t>(partition.next_sequence) + static_cast<std::uint32_t>(count)) & 0x7fffffffu);
}

std::vector<BatchPtr> RecordAccumulator::take_ready(std::int64_t now_ns) {
  std::vector<BatchPtr> leaving;
  for (Partition& partition : partitions_) {
    while (BatchPtr batch = next_to_leave(partition, now_ns)) {
      number(partition, *batch);
      partition.in_flight.push_back(batch);
      leaving.push_back(std::move(batch));
    }
  }
  return leaving;
}

std::optional<std::int64_t> RecordAccumulator::next_event_ns() const {
  std::optional<std::int64_t> next;
  const auto at = [&next](std::int64_t ns) { next = next ? std::min(*next, ns) : ns; };
  for (const Partition& partition : partitions_) {
    const ProducedBatch* first = !partition.ready.empty() ? partition.ready.front().get() : partition.open.get();
    if (partition.id_state == IdState::needed && partition.in_flight.empty()) at(partition.not_before_ns);
    if (!first) continue;
    if (partition.in_flight.empty()) at(first->opened_ns + config_.delivery_timeout_ns);
    const bool waits_for_answer = !may_leave(partition, std::max(partition.not_before_ns, first->opened_ns)) ||
                                  (first->conditional() && !partition.in_flight.empty());
    if (waits_for_answer) continue;
    at(std::max(partition.not_before_ns, partition.ready.empty() ? first->opened_ns + config_.linger_ns : 0));
  }
  return next;
}

// ---- producer ids -------------------------------------------------------------------------------------------------

std::vector<PartitionId> RecordAccumulator::take_producer_id_requests() {
  std::vector<PartitionId> ids;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    Partition& partition = partitions_[i];
    if (partition.id_state != IdState::needed || !partition.in_flight.empty()) continue;
    partition.id_state = IdState::asked;
    ids.push_back(PartitionId(static_cast<std::int32_t>(i)));
  }
  return ids;
}

void RecordAccumulator::give_producer_id(PartitionId id, ProducerId producer_id, std::int16_t epoch,
                                         BatchOutcomes& outcomes) {
  Partition& partition = partitions_[static_cast<std::size_t>(id.value())];
  // Under a new id a repeat is news to the broker, so what may have been written already ends here.
  BatchAnswer unknown;
  unknown.status = Error{Errc::out_of_order_sequence, "the broker no longer knows whether it took this batch"};
  std::deque<BatchPtr> ready;
  ready.swap(partition.ready);
  for (const BatchPtr& batch : ready) {
    if (batch->fate_unknown)
      finish(batch, unknown, outcomes);
    else
      partition.ready.push_back(batch);
  }
  partition.producer_id = producer_id;
  partition.epoch = epoch;
  partition.id_state = IdState::known;
  for (const BatchPtr& batch : partition.ready) batch->sequenced = false;
  partition.next_sequence = 0;
  partition.unused_from.reset();
  settle(partition);
}

void RecordAccumulator::producer_id_failed(PartitionId id, std::int64_t now_ns) {
  Partition& partition = partitions_[static_cast<std::size_t>(id.value())];
  partition.id_state = IdState::needed;
  partition.not_before_ns = now_ns + config_.retry_backoff_ns;
}

Status RecordAccumulator::take_unseen_error() {
  if (!unseen_error_) return {};
  Error error = std::move(*unseen_error_);
  unseen_error_.reset();
  return error;
}

}  // namespace logcask::client
