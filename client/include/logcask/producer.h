#pragma once
// Writes records to one topic in batches, in order per partition, exactly once per send.
//
// send() encodes the record into its partition's open batch and returns. A batch leaves when it is full, when its
// linger has passed or on flush(). Up to max_in_flight batches per partition travel at once; retries and reconnects
// repeat them under the same sequence numbers, so order holds and nothing is written twice (idempotent, the default).
// Threads: every function may be called from any thread; callbacks run on the client's I/O thread (logcask/async.h).
// Memory: at most buffer_bytes of records wait or travel; then send() waits up to block_ms, else limit_exceeded.
// Conditions: a record with a condition succeeds or fails alone: when the broker refuses a batch for one record, that
// record gets its error and the rest is sent again. One conditional batch of a partition travels at a time.
// Place: a record with a key goes where the topic's partitioner puts it. Where that is `any`, clients of other kinds
// may have put the key elsewhere: then the broker says where its value stands, and the record goes there. Of several
// places a value goes to the newest, a tombstone to each, one after the other (wait for its answer before the key is
// written again), and a condition is refused with wrong_partition. A record with a partition of its own goes there and
// nowhere else. With Acks::none nobody says where a key stands. Errors of a Delivery: condition_failed carries
// current_offset. Whether the record was written is unknown after timed_out (delivery_timeout_ms), cancelled,
// out_of_order_sequence, io_error, read_only, partition_offline and internal; all others mean it was not:
// invalid_record, message_too_large, keydir_budget_exceeded, wrong_partition, unknown_topic (it was deleted),
// permission_denied, unsupported. A Delivery must not be dropped unseen.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <logcask/client.h>
#include <logcask/compression.h>
#include <logcask/export.h>
#include <logcask/record.h>
#include <logcask/result.h>
#include <logcask/types.h>

namespace logcask::client {

enum class Acks : std::uint8_t {
  all,   // after the record is on disk: survives power loss
  one,   // after the write call returned: survives the death of the broker process
  none,  // no answer at all; deliveries report offset -1 as soon as the bytes were handed to the connection
};

// What became of one record.
struct [[nodiscard]] Delivery {
  Status status;
  PartitionId partition{-1};
  Offset offset = kNoOffset;
  TimestampMs timestamp{-1};
  bool duplicate = false;  // a repeat of a batch the broker had taken already; `offset` is the original's
  bool ambiguous = false;  // another partition holds an older value of the key (topic setting partitioner)
  // With condition_failed: the key's latest record; kNoOffset = none.
  Offset current_offset = kNoOffset;
  bool current_is_tombstone = false;

  bool ok() const { return status.ok(); }
};
using DeliveryCallback = std::function<void(const Delivery&)>;

// What became of one batch: offsets base_offset .. base_offset + records - 1 when ok.
struct [[nodiscard]] BatchDelivery {
  Status status;
  PartitionId partition{-1};
  Offset base_offset = kNoOffset;
  std::size_t records = 0;
};

struct ProducerOptions {
  Acks acks = Acks::all;
  bool idempotent = true;  // off by itself with Acks::none
  Compression compression = Compression::none;
  std::int64_t linger_ms = 5;            // how long an open batch waits for company
  std::size_t batch_bytes = 256u << 10;  // a batch this large leaves at once
  // message_too_large beyond: the encoded bytes of a record that has a batch to itself, without the batch's own header
  // of 61 bytes. The topic's max.message.bytes (which counts that header) decides in the end.
  std::size_t max_record_bytes = 1000000;
  std::size_t buffer_bytes = 64u << 20;
  std::int64_t block_ms = 60000;  // how long send() waits for buffer space; 0 = fail at once
  int max_in_flight = 5;          // batches per partition, 1 to 5
  std::int64_t delivery_timeout_ms = 120000;
  std::int64_t retry_backoff_ms = 50;
  // Called once per answered batch, before the callbacks of its records. Cheaper than a callback per record.
  std::function<void(const BatchDelivery&)> on_batch;
};

class LOGCASK_API Producer {
 public:
  // Asks the broker for the topic's partitions and for a producer id. unknown_topic; invalid_argument for options that
  // make no sense; permission_denied, storage_full or read_only when no producer id is to be had.
  static Result<Producer> open(const Client& client, std::string topic, ProducerOptions options = {});
  // Flushes for at most delivery_timeout_ms (from a callback: not at all), then ends what is left with cancelled. Use
  // close() to choose.
  ~Producer();
  Producer(Producer&&) noexcept;
  Producer& operator=(Producer&&) noexcept;

  // Ok = taken; the callback, when given, is called exactly once later. An error = not taken, no callback:
  // limit_exceeded (buffer full), message_too_large, invalid_argument, unknown_partition, cancelled (closed).
  Status send(const OutRecord& record, DeliveryCallback callback = {});
  // Takes the lock once for all. Stops at the first record it cannot take; `taken` counts those before it.
  Status send_all(std::span<const OutRecord> records, std::size_t* taken = nullptr);
  // Sends, hurries the batch out and waits for the answer. The errors of send() and of a Delivery; invalid_argument
  // from a callback. (<logcask/future.h>: send_future.)
  Delivery send_and_wait(const OutRecord& record);

  // Hurries everything out that was sent before and waits for its answers: timed_out when that takes longer. Else the
  // first failure since the last flush of a record without a callback, so no loss goes unseen: an error of a Delivery.
  // invalid_argument from a callback.
  Status flush(std::int64_t timeout_ms = 0);  // 0 = delivery_timeout_ms
  // Refuses further sends, flushes for at most timeout_ms, then ends what is left with cancelled. The
  // errors of flush().
  Status close(std::int64_t timeout_ms = 0);

  const std::string& topic() const;
  int partition_count() const;
  // Where a record with this key goes, unless its key stands elsewhere.
  PartitionId partition_of(ByteView key) const;
  std::size_t buffered_bytes() const;

 private:
  friend class Table;  // opens it without a producer id: one that only reads never asks for it
  struct LOGCASK_HIDDEN Impl;
  explicit Producer(std::shared_ptr<Impl> impl);
  LOGCASK_HIDDEN static Result<Producer> make(const Client& client, std::string topic, ProducerOptions options,
                                              bool id_at_first_send);
  LOGCASK_HIDDEN const std::string& topic_id() const;  // as on the wire
  std::shared_ptr<Impl> impl_;
};

}  // namespace logcask::client
