#pragma once
// A compacted topic as a table: latest value per key, conditional writes, watches.
//
// get() asks the broker's key directory; writes go through an own idempotent Producer without linger, acks=all, that
// asks for its producer id with the first of them. Threads: every function may be called from any thread; callbacks run
// on the client's I/O thread (logcask/async.h). Reading your writes: with read_your_writes (the default) a get waits
// for everything this Table has seen acknowledged; GetOptions::min_offsets carries the same promise between processes.
// Errors: failed lookups of single keys are in their Lookup; an error of the call is the Result's. What became of a
// write is its Delivery's to say (<logcask/producer.h>), which must not be dropped unseen.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <logcask/client.h>
#include <logcask/contact.h>
#include <logcask/export.h>
#include <logcask/producer.h>
#include <logcask/record.h>
#include <logcask/result.h>
#include <logcask/types.h>

namespace logcask::client {

struct MinOffset {
  PartitionId partition;
  Offset offset;
};

// What the broker knows of one key.
struct [[nodiscard]] Lookup {
  enum class Status : std::uint8_t {
    found,
    absent,   // never written, or nothing of it is left
    deleted,  // the latest record is a tombstone, at `offset`
    expired,  // Watch only: retention removed it
    failed,   // `error` says why
  };
  Status status = Status::absent;
  std::string value;  // of found
  std::vector<Header> headers;
  TimestampMs timestamp{-1};
  Offset offset = kNoOffset;
  PartitionId partition{-1};
  bool ambiguous = false;  // several partitions hold the key; the newest is shown
  Error error{Errc::ok, {}};

  bool found() const { return status == Status::found; }
};

struct GetOptions {
  std::int64_t timeout_ms = 0;           // 0 = the client's request_timeout_ms
  std::optional<PartitionId> partition;  // default: as the topic's partitioner says
  std::vector<MinOffset> min_offsets;    // in addition to read_your_writes
  bool keys_only = false;                // no values, only whether and where
};

struct WriteOptions {
  std::span<const HeaderView> headers;
  std::optional<TimestampMs> timestamp;
  std::optional<PartitionId> partition;
};

struct TableOptions {
  bool read_your_writes = true;
  ProducerOptions producer = default_producer();
  std::uint32_t watch_credit_bytes = 1u << 20;  // what the broker may send ahead on one watch

  LOGCASK_API static ProducerOptions default_producer();  // linger_ms 0
};

struct WatchEvent {
  std::size_t key_index = 0;  // into the watched keys
  ByteView key;
  Lookup lookup;  // found, deleted, expired; absent only as the first event of a key
  // The topic is another log than before (made anew, or restored from an older copy): the watch began anew, and this is
  // the key's first event of it, whatever was shown before.
  bool topic_changed = false;
};

// Ends when dropped: no callback runs after cancel() or the destructor returned, unless called from a callback.
class [[nodiscard]] LOGCASK_API Watch {
 public:
  Watch() = default;
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  void cancel();
  bool active() const;
  // Whether the broker is there, and feeds this watch: without news it may be either.
  Contact contact() const;

 private:
  friend class Table;
  struct LOGCASK_HIDDEN Impl;
  explicit Watch(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Offsets in conditions and min_offsets are of the topic that was there when the Table was opened. Where another one
// has taken its name since they are refused as topic_changed, not compared with its offsets: open a Table anew.
class LOGCASK_API Table {
 public:
  // unknown_topic; invalid_argument for producer options that make no sense.
  static Result<Table> open(const Client& client, std::string topic, TableOptions options = {});
  ~Table();
  Table(Table&&) noexcept;
  Table& operator=(Table&&) noexcept;

  // Absent and deleted are no errors. unsupported (the topic is not compacted), loading (its key directory is not in
  // memory yet), offset_not_yet or timed_out (a min_offset is not committed in time), unknown_topic (it was deleted),
  // unknown_partition, partition_offline, corrupt_range (the record is damaged).
  Result<Lookup> get(ByteView key, const GetOptions& options = {});
  void get_async(ByteView key, const GetOptions& options, Callback<Lookup> done);
  // In the order of the keys. What concerns one key (loading, corrupt_range, partition_offline, ...) is its Lookup's
  // error; limit_exceeded and frame_too_large: too many keys at once.
  Result<std::vector<Lookup>> multi_get(std::span<const ByteView> keys, const GetOptions& options = {});
  void multi_get_async(std::span<const ByteView> keys, const GetOptions& options, Callback<std::vector<Lookup>> done);

  Delivery put(ByteView key, ByteView value, const WriteOptions& options = {});
  void put_async(ByteView key, ByteView value, const WriteOptions& options, DeliveryCallback done);
  // Only when the key has no live value (never written, or deleted); else condition_failed.
  Delivery create(ByteView key, ByteView value, const WriteOptions& options = {});
  void create_async(ByteView key, ByteView value, const WriteOptions& options, DeliveryCallback done);
  // Only when the key's latest record is at `expected`; else condition_failed with current_offset.
  Delivery update(ByteView key, ByteView value, Offset expected, const WriteOptions& options = {});
  void update_async(ByteView key, ByteView value, Offset expected, const WriteOptions& options, DeliveryCallback done);
  // Writes a tombstone; with `expected` only when the key's latest record is there.
  Delivery erase(ByteView key, std::optional<Offset> expected = std::nullopt, const WriteOptions& options = {});
  void erase_async(ByteView key, std::optional<Offset> expected, const WriteOptions& options, DeliveryCallback done);

  // Current state of every key (absent too), then every change; a watcher that falls behind gets the newest only. Goes
  // on after a reconnect without repeating or missing the newest. `ended` is called once when the broker refuses to go
  // on: unsupported (not compacted), unknown_topic, unknown_partition, partition_offline, corrupt_range,
  // permission_denied. watch() itself: invalid_argument without keys or callback.
  Result<Watch> watch(std::vector<std::string> keys, std::function<void(const WatchEvent&)> on_event,
                      std::function<void(const Error&)> ended = {},
                      std::optional<PartitionId> partition = std::nullopt);

  const std::string& topic() const;
  // The highest acknowledged offset of this Table's writes, per partition: hand it to another process's min_offsets.
  std::vector<MinOffset> written() const;

 private:
  struct LOGCASK_HIDDEN Impl;
  explicit Table(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace logcask::client
