#pragma once
// The working part of a Producer: the accumulator under a lock, and the calls that carry its batches.
//
// drain() runs on whichever thread has something to send; one thread at a time is in it, so batches of a partition are
// handed to the connection in order. Callbacks run on the I/O thread, without the lock.

#include <condition_variable>
#include <mutex>

#include "client/core.h"
#include "client/record_accumulator.h"
#include "logcask/producer.h"
#include "proto/partitioner.h"

namespace logcask::client {

struct Producer::Impl : std::enable_shared_from_this<Producer::Impl> {
  Impl(std::shared_ptr<Core> shared_core, std::string topic_name, const TopicId& id, int partition_count,
       Partitioner by, const ProducerOptions& given, ProducerId producer_id, std::int16_t epoch);

  Status send(const OutRecord& record, DeliveryCallback callback, bool hurry);
  Status send_all(std::span<const OutRecord> records, std::size_t* taken);
  Status flush(std::int64_t timeout_ms);
  void close(std::int64_t timeout_ms);

  // With the lock held.
  Result<PartitionId> choose_partition(const OutRecord& record);
  Result<RecordAccumulator::Appended> append(std::unique_lock<std::mutex>& lock, const OutRecord& record,
                                             PartitionId partition, DeliveryCallback& callback);
  Result<PartitionId> take(std::unique_lock<std::mutex>& lock, const OutRecord& record, DeliveryCallback& callback,
                           bool hurry);
  void wake_for(const RecordAccumulator::Appended& appended);
  void schedule();

  void drain();
  void drain_soon();  // on the I/O thread
  void submit(const BatchPtr& batch);
  void submit_unanswered(const BatchPtr& batch);
  void on_response(const BatchPtr& batch, Result<Response> response);
  void on_answer(const BatchPtr& batch, const BatchAnswer& answer);
  void ask_producer_id(PartitionId partition);
  void ask_first_producer_id();
  void on_first_producer_id(Result<Response> response);
  void deliver(BatchOutcomes outcomes);
  void deliver_on_io(BatchOutcomes outcomes);

  std::shared_ptr<Core> core;
  const std::string topic;
  const std::string topic_id;  // as on the wire: that offsets in conditions are of. Empty: the broker told none
  const int partitions;
  const Partitioner partitioner;
  const ProducerOptions options;

  mutable std::mutex mutex;
  std::condition_variable space;     // buffer_bytes were given back
  std::condition_variable finished;  // batches were answered
  RecordAccumulator accumulator;
  bool closed = false;
  bool first_id_wanted;  // an idempotent producer without an id: the first record asks for it
  bool draining = false;
  bool drain_again = false;
  bool drain_posted = false;
  std::uint64_t outcomes_made = 0;
  std::uint64_t outcomes_delivered = 0;
  int sticky_partition = 0;
  std::int64_t scheduled_ns;  // the earliest timer that is under way
};

}  // namespace logcask::client
