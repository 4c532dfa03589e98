#pragma once
// What a partition remembers of idempotent producers, so that a batch sent twice is written once.
//
// Per producer id: epoch and the last five batches of that epoch (first and last sequence number, first
// and last offset, append time). The rules are Kafka's (ProducerAppendInfo, ProducerStateEntry):
// sequence numbers count records and wrap from 2147483647 to 0; a batch that matches one of the five is
// a duplicate and gets the original's offset and time; a producer nobody knows (new, expired, evicted)
// may start anywhere; a new epoch of a known one starts at 0; an older epoch is refused.
//
// Owner: a partition. Threads: none, the caller holds the partition's lock.
// Limits: max_producers; at the limit the longest idle one makes room if it has been idle for
// min_idle_ms, otherwise check() answers limit_exceeded (retriable).
// Errors of check(): out_of_order_sequence, invalid_producer_epoch, invalid_argument, limit_exceeded.

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

struct ProducerBatch {
  std::int32_t first_sequence = 0;
  std::int32_t last_sequence = 0;
  Offset first_offset;
  Offset last_offset;
  TimestampMs timestamp;  // append time, answered to a duplicate
  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

struct ProducerStateConfig {
  std::int64_t expiration_ms = 86'400'000;  // producer.id.expiration.ms
  std::int64_t min_idle_ms = 600'000;       // younger than this a producer is not evicted
  std::size_t max_producers = 100'000;
};

// The last batch of a producer; compaction keeps that batch, if need be empty.
struct ProducerTail {
  Offset last_offset;
  ProducerId producer;
  std::int16_t epoch = 0;
  std::int32_t last_sequence = 0;
  TimestampMs appended;
  friend bool operator==(const ProducerTail&, const ProducerTail&) = default;
};

class ProducerState {
 public:
  static constexpr std::size_t kBatchesKept = 5;

  explicit ProducerState(ProducerStateConfig config = {}) : config_(config) {}
  ProducerState(ProducerState&&) = default;
  ProducerState& operator=(ProducerState&&) = default;

  // May a batch of `records` records that starts at `first_sequence` be appended now? A value in the
  // answer means no: it is a duplicate of that batch. Changes nothing.
  Result<std::optional<ProducerBatch>> check(ProducerId producer, std::int16_t epoch, std::int32_t first_sequence,
                                             std::int32_t records, TimestampMs now) const;
  // A batch was appended (after check) or found in the log by recovery, in offset order. `last_offset`
  // may lie further than the records reach (compacted logs). Recovery calls it without check: what is
  // in the log was accepted once, so it is believed.
  void record(ProducerId producer, std::int16_t epoch, std::int32_t first_sequence, std::int32_t records,
              Offset first_offset, Offset last_offset, TimestampMs now);

  // Forgets producers that have been idle for longer than expiration_ms. Returns how many.
  std::size_t expire(TimestampMs now);
  // Forgets batches with a record at or above `offset`. A producer that loses all its batches keeps its
  // epoch and may start anywhere in it, but for expect_again().
  void truncate_from(Offset offset);
  // After truncate_from, for each batch that went, in offset order: a producer none of whose batches is left sends
  // them again from the first on. What it had sent behind them must not come before. No snapshot knows of it: after a
  // restart connections are new, and what comes on them begins with the oldest that was not acknowledged.
  void expect_again(ProducerId producer, std::int16_t epoch, std::int32_t first_sequence);
  void clear();
  // Nobody was last seen after `now`: the clock may have been set back.
  void cap_last_seen(TimestampMs now);

  // Last batch of every producer, by offset.
  std::vector<ProducerTail> last_offsets() const;
  std::size_t size() const { return producers_.size(); }

  // Snapshot file (docs/FORMAT.md, "Producer snapshot"): everything below `covered` is in it.
  std::string encode_snapshot(Offset covered) const;
  struct Snapshot;
  static Result<Snapshot> decode_snapshot(ByteView bytes, ProducerStateConfig config = {});

  // Last sequence number of `records` records that start at `first`.
  static std::int32_t last_sequence(std::int32_t first, std::int32_t records);

 private:
  struct Producer {
    ProducerId id;
    std::int16_t epoch = 0;
    std::uint8_t count = 0;   // batches kept, oldest first
    std::int32_t again = -1;  // without batches: the sequence number that comes next, -1 when any may
    TimestampMs last_seen;    // append time of the last batch
    ProducerBatch batches[kBatchesKept];
  };
  using Recency = std::list<Producer>;  // longest idle first

  const Producer* find(ProducerId producer) const;
  Producer& find_or_add(ProducerId producer);
  void forget_longest_idle();

  ProducerStateConfig config_;
  Recency recency_;
  std::unordered_map<ProducerId, Recency::iterator> producers_;
};

struct ProducerState::Snapshot {
  ProducerState state;
  Offset covered;
};

// Name of the snapshot file that covers everything below `end`.
std::string producer_snapshot_filename(Offset end);

}  // namespace logcask
