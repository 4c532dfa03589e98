// What answers mean (see the head of record_accumulator.h).

#include <algorithm>

#include "client/record_accumulator.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kMaxBackoffNs = 1000000000;

bool about_sequence(Errc code) {
  return code == Errc::out_of_order_sequence || code == Errc::unknown_producer_id ||
         code == Errc::invalid_producer_epoch;
}

// The broker decided before writing: the numbers of the batch were not used. After any other final error they may have
// been, and giving them to another batch would make that one look like a repeat.
bool certainly_not_written(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::unknown_topic:
    case Errc::unknown_partition:
    case Errc::invalid_record:
    case Errc::message_too_large:
    case Errc::condition_failed:
    case Errc::keydir_budget_exceeded:
    case Errc::unsupported:
    case Errc::frame_too_large:
    case Errc::permission_denied:
    case Errc::wrong_partition:
    case Errc::topic_changed:
      return true;
    default:
      return false;
  }
}

// Numbers wrap from 2147483647 to 0; those of one partition's batches lie far closer together than half of that.
bool not_before(std::int32_t number, std::int32_t other) {
  return ((static_cast<std::uint32_t>(number) - static_cast<std::uint32_t>(other)) & 0x7fffffffu) < 0x40000000u;
}

}  // namespace

void RecordAccumulator::answered(const BatchPtr& batch, const BatchAnswer& answer, std::int64_t now_ns,
                                 BatchOutcomes& outcomes) {
  Partition& partition = partitions_[static_cast<std::size_t>(batch->partition.value())];
  const auto found = std::find(partition.in_flight.begin(), partition.in_flight.end(), batch);
  if (found == partition.in_flight.end()) return;  // given up meanwhile
  const bool was_oldest = found == partition.in_flight.begin();
  partition.in_flight.erase(found);
  if (answer.status.ok()) {
    accepted(partition);
    send_elsewhere(*batch, answer);
    finish(batch, answer, outcomes);
  } else if (errc_retriable(answer.status.code())) {
    batch->fate_unknown = batch->fate_unknown || answer.fate_unknown;
    partition.last_refusal = answer.status.error().to_string();
    retry(partition, batch, now_ns);
  } else if (config_.idempotent && about_sequence(answer.status.code())) {
    sequence_refused(partition, batch, was_oldest, answer, outcomes);
  } else {
    refuse(partition, batch, answer, outcomes);
  }
  if (partition.in_flight.empty()) settle(partition);
}

void RecordAccumulator::accepted(Partition& partition) {
  partition.proven = true;
  partition.backoff_ns = 0;
  partition.last_refusal.clear();
}

// Back among those that wait, where its serial belongs.
void RecordAccumulator::put_back(Partition& partition, const BatchPtr& batch) {
  // Parts of a split batch share their serial; what has travelled has the lower number, or the only one.
  const auto place = std::find_if(partition.ready.begin(), partition.ready.end(), [&](const BatchPtr& other) {
    if (other->serial != batch->serial) return other->serial > batch->serial;
    return !other->sequenced || not_before(other->identity.sequence, batch->identity.sequence);
  });
  partition.ready.insert(place, batch);
}

void RecordAccumulator::retry(Partition& partition, const BatchPtr& batch, std::int64_t now_ns) {
  put_back(partition, batch);
  partition.proven = false;
  partition.held = true;
  // All that come back from one trouble share one pause.
  if (now_ns < partition.not_before_ns) return;
  partition.backoff_ns = std::min(std::max(partition.backoff_ns * 2, config_.retry_backoff_ns), kMaxBackoffNs);
  partition.not_before_ns = now_ns + partition.backoff_ns;
}

void RecordAccumulator::sequence_refused(Partition& partition, const BatchPtr& batch, bool was_oldest,
                                         const BatchAnswer& answer, BatchOutcomes& outcomes) {
  const bool bounced = partition.held || partition.unused_from || !was_oldest;
  partition.held = true;
  partition.proven = false;
  if (bounced) return put_back(partition, batch);  // because of one before it
  // The broker has forgotten this producer, or knows another story.
  lose_producer_id(partition);
  if (!batch->fate_unknown) return put_back(partition, batch);
  finish(batch, answer, outcomes);
}

void RecordAccumulator::lose_producer_id(Partition& partition) {
  partition.id_state = IdState::needed;
  partition.held = true;
}

void RecordAccumulator::refuse(Partition& partition, const BatchPtr& batch, const BatchAnswer& answer,
                               BatchOutcomes& outcomes) {
  if (certainly_not_written(answer.status.code()))
    numbers_unused(partition, *batch);
  else if (config_.idempotent && partition.id_state == IdState::known)
    lose_producer_id(partition);
  if (!partition.in_flight.empty()) partition.held = true;
  const std::uint32_t count = batch->buffer.count();
  std::vector<bool> keep(count, true);
  for (const std::uint32_t index : answer.refused)
    if (index < count) keep[index] = false;
  if (!answer.elsewhere.empty() && certainly_not_written(answer.status.code())) {
    send_elsewhere(*batch, answer);
    for (const auto& [index, home] : answer.elsewhere) keep[index] = false;
    if (const BatchPtr rest = subset_of(*batch, keep); rest->buffer.count() > 0) {
      partition.ready.push_front(rest);
      adopt(partition, rest);
    }
    return release(*batch);
  }
  const auto kept = static_cast<std::uint32_t>(std::count(keep.begin(), keep.end(), true));
  if (answer.status.code() == Errc::message_too_large && count > 1) {
    for (std::uint32_t i = count / 2; i < count; ++i) keep[i] = false;
    const BatchPtr first = subset_of(*batch, keep);
    keep.flip();
    const BatchPtr second = subset_of(*batch, keep);
    partition.ready.push_front(second);
    partition.ready.push_front(first);
    adopt(partition, first);
    adopt(partition, second);
    return release(*batch);
  }
  if (kept == count || kept == 0) return finish(batch, answer, outcomes);
  const BatchPtr rest = subset_of(*batch, keep);
  partition.ready.push_front(rest);
  adopt(partition, rest);
  finish(batch, answer, outcomes);
}

// Behind what waits there, in their order.
void RecordAccumulator::send_elsewhere(ProducedBatch& batch, const BatchAnswer& answer) {
  std::map<PartitionId, std::vector<bool>> parts;
  for (const auto& [index, home] : answer.elsewhere)
    parts.try_emplace(home, batch.buffer.count(), false).first->second[index] = true;
  for (const auto& [home, keep] : parts) {
    const BatchPtr part = subset_of(batch, keep);
    part->partition = home;
    Partition& partition = partitions_[static_cast<std::size_t>(home.value())];
    partition.ready.push_back(part);
    adopt(partition, part);
  }
}

void RecordAccumulator::adopt(Partition&, const BatchPtr& part) {
  ++unfinished_[part->serial];
  buffered_bytes_ += part->charged_bytes;
}

void RecordAccumulator::numbers_unused(Partition& partition, const ProducedBatch& batch) {
  if (!batch.sequenced) return;
  const std::int32_t first = batch.identity.sequence;
  if (!partition.unused_from || not_before(*partition.unused_from, first)) partition.unused_from = first;
}

// Nothing is in flight. Batches behind one that was finally refused bounced off the broker, whatever else is known of
// them: they are numbered anew. Those before it keep their numbers, by which the broker may know them already.
void RecordAccumulator::settle(Partition& partition) {
  if (partition.id_state != IdState::known) return;
  partition.held = false;
  if (!partition.unused_from) return;
  partition.next_sequence = *partition.unused_from;
  for (const BatchPtr& batch : partition.ready) {
    if (!batch->sequenced || !not_before(batch->identity.sequence, *partition.unused_from)) continue;
    batch->sequenced = false;
    batch->fate_unknown = false;
  }
  partition.unused_from.reset();
}

// ---- giving up ----------------------------------------------------------------------------------------------------

void RecordAccumulator::expire(std::int64_t now_ns, BatchOutcomes& outcomes) {
  for (Partition& partition : partitions_) expire_front(partition, now_ns, outcomes);
}

void RecordAccumulator::expire_front(Partition& partition, std::int64_t now_ns, BatchOutcomes& outcomes) {
  const auto overdue = [&](const BatchPtr& batch) {
    return batch && now_ns - batch->opened_ns >= config_.delivery_timeout_ns;
  };
  if (!partition.in_flight.empty()) return;  // their answers, or the connection's end, come first
  BatchAnswer answer;
  answer.status =
      Error{Errc::timed_out, "not acknowledged within delivery_timeout_ms (" +
                                 std::to_string(config_.delivery_timeout_ns / 1000000) + ")" +
                                 (partition.last_refusal.empty() ? "" : "; last: " + partition.last_refusal)};
  bool lost_numbers = false;
  while (!partition.ready.empty() && overdue(partition.ready.front())) {
    const BatchPtr batch = std::move(partition.ready.front());
    partition.ready.pop_front();
    if (batch->sequenced && batch->fate_unknown) lost_numbers = true;
    if (batch->sequenced) numbers_unused(partition, *batch);
    finish(batch, answer, outcomes);
  }
  if (partition.ready.empty() && overdue(partition.open))
    finish(std::exchange(partition.open, nullptr), answer, outcomes);
  if (lost_numbers && config_.idempotent && partition.id_state == IdState::known) lose_producer_id(partition);
  settle(partition);
}

void RecordAccumulator::give_up_all(const Error& error, BatchOutcomes& outcomes) {
  BatchAnswer answer;
  answer.status = error;
  for (Partition& partition : partitions_) {
    for (const BatchPtr& batch : std::exchange(partition.in_flight, {})) finish(batch, answer, outcomes);
    for (const BatchPtr& batch : std::exchange(partition.ready, {})) finish(batch, answer, outcomes);
    if (partition.open) finish(std::exchange(partition.open, nullptr), answer, outcomes);
  }
}

// ---- telling ------------------------------------------------------------------------------------------------------

void RecordAccumulator::release(ProducedBatch& batch) {
  buffered_bytes_ -= batch.charged_bytes;
  if (const auto found = unfinished_.find(batch.serial); --found->second == 0) unfinished_.erase(found);
}

// Callbacks that a subset took along are no longer in the batch; with a refusal only the refused records end here.
void RecordAccumulator::finish(const BatchPtr& batch, const BatchAnswer& answer, BatchOutcomes& outcomes) {
  BatchOutcome outcome;
  outcome.batch.status = answer.status;
  outcome.batch.partition = batch->partition;
  outcome.batch.base_offset = answer.base_offset;
  const std::size_t count = batch->buffer.count();
  outcome.batch.records = answer.refused.empty() ? count : std::min(answer.refused.size(), count);
  outcome.batch.records -= std::min(answer.elsewhere.size(), outcome.batch.records);
  for (RecordCallback& record : batch->callbacks) {
    Delivery delivery;
    delivery.status = answer.status;
    delivery.partition = batch->partition;
    if (answer.base_offset != kNoOffset) delivery.offset = answer.base_offset + record.index;
    delivery.timestamp = answer.log_append_time.value() >= 0 ? answer.log_append_time : record.timestamp;
    delivery.duplicate = answer.duplicate;
    delivery.ambiguous =
        std::find(answer.ambiguous.begin(), answer.ambiguous.end(), record.index) != answer.ambiguous.end();
    delivery.current_offset = answer.current_offset;
    delivery.current_is_tombstone = answer.current_is_tombstone;
    outcome.deliveries.emplace_back(std::move(record.callback), std::move(delivery));
  }
  batch->callbacks.clear();
  if (!answer.status.ok() && outcome.deliveries.size() < outcome.batch.records && !unseen_error_)
    unseen_error_ = answer.status.error();
  release(*batch);
  outcomes.push_back(std::move(outcome));
}

}  // namespace logcask::client
