#pragma once
// The producer's decisions: which record joins which batch, which batch may leave, what an answer means for it and
// for those behind it. Sans-I/O: no sockets, no threads, time is a parameter; the producer guards it with its lock.
//
// Sequence numbers (idempotent producers). A batch gets its numbers when it leaves for the first time and keeps them
// through every repeat, so the broker can tell a repeat from news. Numbers of a batch that was finally refused were not
// used: what bounced behind it is numbered anew, in order. Until the broker has accepted one batch under a producer id,
// and again after any trouble, only one batch of the partition travels: brokers let an unknown producer start at any
// number, so a pair in flight could overtake. A partition whose numbers the broker no longer knows gets a new producer
// id, but a batch whose fate is unknown is then reported, never repeated.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "client/produced_batch.h"

namespace logcask::client {

struct AccumulatorConfig {
  std::size_t batch_bytes = 256u << 10;
  std::size_t max_record_bytes = 1000000;
  std::size_t buffer_bytes = 64u << 20;
  std::int64_t linger_ns = 0;
  std::int64_t delivery_timeout_ns = 0;
  std::int64_t retry_backoff_ns = 0;
  std::size_t max_in_flight = 5;
  bool idempotent = true;
};

// What the broker, or a lost connection, says about a batch.
struct BatchAnswer {
  Status status;
  bool fate_unknown = false;  // the batch may have been written all the same
  Offset base_offset = kNoOffset;
  TimestampMs log_append_time{-1};
  bool duplicate = false;
  std::vector<std::uint32_t> refused;  // records to blame; empty = the batch as a whole
  // Records whose keys stand in another partition; both must exist. With an error they were not written; of a batch
  // that was, they are tombstones to be written there as well.
  std::vector<std::pair<std::uint32_t, PartitionId>> elsewhere;
  std::vector<std::uint32_t> ambiguous;
  Offset current_offset = kNoOffset;
  bool current_is_tombstone = false;
};

// What the producer has to tell its user, without the lock.
struct BatchOutcome {
  BatchDelivery batch;
  std::vector<std::pair<DeliveryCallback, Delivery>> deliveries;
};
using BatchOutcomes = std::vector<BatchOutcome>;

class RecordAccumulator {
 public:
  // Idempotent with kNoProducer: nothing leaves until give_producer_id() was called for its partition.
  RecordAccumulator(const AccumulatorConfig& config, int partition_count, ProducerId producer_id, std::int16_t epoch);

  struct Appended {
    bool opened_batch = false;  // its linger runs from now
    bool filled_batch = false;  // something may leave now
  };
  // limit_exceeded when buffer_bytes is used up, message_too_large. Looks at the clock only when it opens a batch.
  Result<Appended> append(const OutRecord& record, PartitionId partition, TimestampMs timestamp, const Clock& clock,
                          DeliveryCallback callback);
  // Open batches linger no longer.
  void close_open();
  void close_open(PartitionId partition);

  // The batches that leave now, in order, numbered. Each must come back through answered().
  std::vector<BatchPtr> take_ready(std::int64_t now_ns);
  void answered(const BatchPtr& batch, const BatchAnswer& answer, std::int64_t now_ns, BatchOutcomes& outcomes);
  // Gives up what has waited for longer than the delivery timeout.
  void expire(std::int64_t now_ns, BatchOutcomes& outcomes);
  void give_up_all(const Error& error, BatchOutcomes& outcomes);

  // Partitions that need a new producer id; each is named once.
  std::vector<PartitionId> take_producer_id_requests();
  void give_producer_id(PartitionId partition, ProducerId producer_id, std::int16_t epoch, BatchOutcomes& outcomes);
  // Asks again later.
  void producer_id_failed(PartitionId partition, std::int64_t now_ns);

  // When take_ready, expire or take_producer_id_requests has something to do next.
  std::optional<std::int64_t> next_event_ns() const;

  std::size_t buffered_bytes() const { return buffered_bytes_; }
  std::uint64_t last_serial() const { return next_serial_ - 1; }
  bool finished_through(std::uint64_t serial) const {
    return unfinished_.empty() || unfinished_.begin()->first > serial;
  }
  // The first failure of a record without a callback since the last call.
  Status take_unseen_error();

 private:
  enum class IdState : std::uint8_t { known, needed, asked };
  struct Partition {
    BatchPtr open;
    std::deque<BatchPtr> ready;       // in order; those that came back are in front
    std::vector<BatchPtr> in_flight;  // in order
    ProducerId producer_id;
    std::int16_t epoch = -1;
    IdState id_state = IdState::known;
    std::int32_t next_sequence = 0;           // of the next batch without numbers
    bool proven = false;                      // the broker has accepted a batch since the last trouble
    bool held = false;                        // nothing leaves until what is in flight has come back
    std::optional<std::int32_t> unused_from;  // numbers from here on were not used by the broker
    std::int64_t not_before_ns = 0;
    std::int64_t backoff_ns = 0;
    std::string last_refusal;  // why a batch is being sent again, for the message when time is up
  };

  void open_batch(Partition& partition, PartitionId id, std::int64_t now_ns);
  bool may_leave(const Partition& partition, std::int64_t now_ns) const;
  BatchPtr next_to_leave(Partition& partition, std::int64_t now_ns);
  void number(Partition& partition, ProducedBatch& batch);

  void accepted(Partition& partition);
  void put_back(Partition& partition, const BatchPtr& batch);
  void retry(Partition& partition, const BatchPtr& batch, std::int64_t now_ns);
  void refuse(Partition& partition, const BatchPtr& batch, const BatchAnswer& answer, BatchOutcomes& outcomes);
  void sequence_refused(Partition& partition, const BatchPtr& batch, bool was_oldest, const BatchAnswer& answer,
                        BatchOutcomes& outcomes);
  void lose_producer_id(Partition& partition);
  void numbers_unused(Partition& partition, const ProducedBatch& batch);
  void settle(Partition& partition);
  void expire_front(Partition& partition, std::int64_t now_ns, BatchOutcomes& outcomes);

  void send_elsewhere(ProducedBatch& batch, const BatchAnswer& answer);
  void adopt(Partition& partition, const BatchPtr& part);
  void finish(const BatchPtr& batch, const BatchAnswer& answer, BatchOutcomes& outcomes);
  void release(ProducedBatch& batch);

  const AccumulatorConfig config_;
  std::shared_ptr<BufferPool> pool_;
  std::vector<Partition> partitions_;
  std::size_t buffered_bytes_ = 0;
  std::uint64_t next_serial_ = 1;
  std::map<std::uint64_t, int> unfinished_;  // serial -> parts
  std::optional<Error> unseen_error_;
};

}  // namespace logcask::client
