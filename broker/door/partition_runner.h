#pragma once
// The only door to a partition, and the only place that knows how access to it is serialised.
//
// One mutex per partition guards the in-memory state (partition/partition.h). Nothing under it touches
// the disk, resumes a coroutine, calls a callback or takes a lock, but for the leaves of the lock order
// in docs/ARCHITECTURE.md. An append is validated before, copied into the tail buffer under the lock, and
// written outside it by whichever thread finds no other writer at work; syncs run on the broker's flush
// threads. Callbacks are collected under the lock and run after it is released, on whichever thread
// published the progress: they must be short and must not block (sessions post to their own loop).
//
// Threads: every function may be called from any thread. Lifetime: shared_ptr; callbacks may keep one.
// After close() every waiting callback has run with an error and every call fails with partition_offline.

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/door/log_pin.h"
#include "broker/door/partition_troubles.h"
#include "partition/append_types.h"
#include "partition/config.h"
#include "partition/key_index.h"
#include "partition/key_scan.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "partition/replay_filter.h"
#include "partition/run_history.h"

namespace logcask {

enum class Acks : std::uint8_t { all, one, none };

// Record batches of one answer, in order. The views live as long as this object; it may hold tail buffer
// memory or file bytes, so it must not be kept across a network wait of unbounded length.
struct FetchedBatches {
  std::vector<ByteView> pieces;
  std::size_t bytes = 0;
  std::vector<std::shared_ptr<const void>> owners;
  Offset next_fetch_offset;  // where to go on, also past holes
  Offset visible_end;        // committed end, or written end on topics with read.visibility=written
  Offset log_start_offset;
  Offset tombstone_horizon;
  LeaderEpoch leader_epoch;
  RunId run = kNoRun;  // what next_fetch_offset carries as a position (partition/run_history.h)
};

// The latest record of one key. Views live for the duration of the sink's call only.
struct LookupAnswer {
  enum class Status : std::uint8_t { found, absent, deleted, failed };
  Status status = Status::absent;
  Offset offset = kNoOffset;
  TimestampMs timestamp{-1};
  ByteView value;  // found only
  std::int32_t header_count = 0;
  ByteView raw_headers;       // as the record batch encodes them, without their count
  Error error{Errc::ok, {}};  // failed only: loading, corrupt_range, io_error ...
};
// Gets the answer to keys[index]. Called once per key, in any order, on the calling thread, without any lock.
using LookupSink = std::function<void(std::size_t index, const LookupAnswer& answer)>;

// Keys of a lookup or a watch, with their identities when the caller has them: a key that is asked for in many
// partitions is hashed once. Views; nothing is owned.
struct LookupKeys {
  std::span<const ByteView> keys;
  std::span<const KeyIdentity> identities;  // empty, or one per key

  template <class Keys>
  requires std::convertible_to<const Keys&, std::span<const ByteView>> LookupKeys(const Keys& of) : keys(of) {}
  LookupKeys(std::span<const ByteView> of, std::span<const KeyIdentity> known) : keys(of), identities(known) {}

  std::size_t size() const { return keys.size(); }
  LookupKeys part(std::size_t first, std::size_t count) const {
    return {keys.subspan(first, count), identities.empty() ? identities : identities.subspan(first, count)};
  }
};

// A change of a watched key. The value is read by the watcher (get), not carried.
struct KeyChange {
  std::size_t watch_index = 0;  // of the key in the watch call
  Offset offset;
  bool deleted = false;
  bool expired = false;  // removed by retention
};

// Where a partition stands. Cheap to ask for, however long its log is. The offsets mean nothing while it is offline.
struct PartitionMarks {
  enum class State : std::uint8_t { online, loading, read_only, offline };
  State state = State::online;
  Offset log_start_offset, committed_end, durable_end, written_end, next_offset, tombstone_horizon;
  LeaderEpoch leader_epoch;
};

// As clients see it.
constexpr std::string_view state_name(PartitionMarks::State state) {
  switch (state) {
    case PartitionMarks::State::online:
      return "online";
    case PartitionMarks::State::loading:
      return "loading";
    case PartitionMarks::State::read_only:
      return "read_only";
    case PartitionMarks::State::offline:
      break;
  }
  return "offline";
}

// All there is to know, for those who describe it: costs a look at every segment.
struct PartitionSnapshot : PartitionMarks {
  std::string reason;  // of read_only and offline
  std::uint64_t live_keys = 0, deleted_keys = 0, keydir_bytes = 0, size_bytes = 0, pending_records = 0, collisions = 0;
  std::uint32_t segments = 0;
  double loading_progress = 1.0;
  std::uint64_t loaded_from_hints = 0, loaded_from_scan = 0;  // entries and records of the last load
  bool compaction_quarantined = false;
  std::string quarantine_reason;
  std::vector<PartitionProblem> problems;  // what health shows; empty: all is well
};

struct SegmentReport {
  Offset base_offset, next_offset, compacted_through;
  Generation generation;
  std::string state;  // active | closed | compacting | damaged
  std::uint64_t records = 0, live_values = 0, live_tombstones = 0, due_tombstones = 0, size_bytes = 0;
  std::uint64_t dead_bytes_estimate = 0;
  bool has_hint = false;
  std::uint32_t readers = 0;
  TimestampMs first_append, last_append;
  bool due = false;
  std::string why;
};

// Records that live-only replay may send, of one step of a walk.
struct FilteredBatches {
  std::string batches;  // record batches with the records wanted, original offsets; may be empty
  Offset position;      // next offset to walk
  Offset tombstone_horizon;
};
class PartitionRunner : public std::enable_shared_from_this<PartitionRunner> {
 public:
  using WaitId = std::uint64_t;
  virtual ~PartitionRunner() = default;

  // ---- produce
  // Takes a batch that passed check_produced_batch. `done` runs exactly once, without any lock, possibly before
  // append returns: for Acks::all after the batch is on disk, for Acks::one after it was written, for
  // Acks::none after it was admitted. Appends of one thread to one partition take effect in call order. True when
  // appends wait for room: whoever sends them should slow down.
  virtual bool append(PreparedBatch batch, Acks acks, std::function<void(AppendResult)> done) = 0;
  // Whether appends wait for room, for others than those who append.
  virtual bool congested() const = 0;

  // ---- read
  // Whole batches from the one that holds or follows `from`, below the visible end; the first is returned whatever its
  // size, further ones while they fit `max_bytes`. Empty with next_fetch_offset == visible end when nothing visible
  // follows. offset_out_of_range below log start or above the end; corrupt_range. May read the disk.
  virtual Result<FetchedBatches> fetch(Offset from, std::size_t max_bytes) = 0;
  // Calls `ready` once the visible end is above `offset` (at once when it is), or when the partition closes, latches or
  // is truncated. Counts as somebody waiting for a sync. The caller arms its own deadline and cancels.
  virtual WaitId wait_visible_above(Offset offset, std::function<void(Status)> ready) = 0;
  virtual void cancel_wait(WaitId id) = 0;
  // First record with timestamp >= t: its offset and timestamp; nothing when there is none.
  struct TimedOffset {
    Offset offset;
    TimestampMs timestamp;
  };
  virtual Result<std::optional<TimedOffset>> offset_for_time(TimestampMs t) = 0;

  // The log's leader epochs and where each begins, in order; empty while offline.
  virtual std::vector<EpochStart> epochs() const { return {}; }

  // ---- positions
  // The runs of the log that is open, of which a position carries one; null while there is none. Never changes.
  virtual std::shared_ptr<const RunHistory> runs() const { return nullptr; }
  // topic_changed when the next offset to be read, `position`, was read in another log. Nothing is said while offline.
  virtual Status check_position(RunId, Offset) const { return {}; }

  // ---- lookup
  // One answer per key. `loading` errors while the keydir is incomplete. May read the disk.
  virtual void get(const LookupKeys& keys, bool keys_only, const LookupSink& sink) = 0;
  // The newest record of each key, for whoever asks where keys stand (services/key_homes.h): pending ones count, but
  // for those that were placed by key here; the disk is not read. `out` is as long. Errors as in get(); corrupt_range
  // when damage may hide a newer one of any of them.
  virtual Status newest(std::span<const KeyIdentity> identities, std::span<KeyState> out) {
    (void)identities, (void)out;
    return Error{Errc::unsupported, "no keys are known here"};
  }
  // Whether an append of this batch would be answered as a duplicate.
  virtual bool is_repeat(const BatchHeader& header) const {
    (void)header;
    return false;
  }
  // Registers a watch on the keys and, in the same instant, returns each key's latest visible offset.
  // `on_change` gets batches of later changes in offset order; it must not block. The lock is held for all of the keys:
  // at most kWatchKeysMax of them.
  static constexpr std::size_t kWatchKeysMax = 256;
  struct WatchStart {
    WaitId id = 0;
    struct Key {
      Offset offset = kNoOffset;  // -1: no record
      bool deleted = false;
    };
    std::vector<Key> current;
  };
  virtual Result<WatchStart> watch(const LookupKeys& keys,
                                   std::function<void(Result<std::vector<KeyChange>>)> on_change) = 0;

  // ---- replay
  // The bound a walk may end at: the committed end.
  virtual Result<Offset> replay_bound() const = 0;
  // `mark`, or behind it: what compaction took away of [from, mark) lies in a newer version below the answer.
  virtual Result<Offset> replay_mark(Offset from, Offset mark) const = 0;
  // Walks from `from` towards `end`: sends what the filter lets through, reads at most about `max_bytes` of log.
  virtual Result<FilteredBatches> fetch_filtered(Offset from, Offset end, const ReplayFilter& filter,
                                                 std::size_t max_bytes) = 0;

  // ---- administration
  virtual PartitionMarks marks() const = 0;
  virtual PartitionSnapshot snapshot() const = 0;
  // The producers whose sequence numbers are kept, by their last batch; none where the log is not open.
  virtual std::vector<ProducerTail> producers() const { return {}; }
  virtual std::vector<SegmentReport> segments() const = 0;
  // Moves log start (never back, never above committed end) and removes what falls below; returns the new log start.
  virtual Result<Offset> delete_records(Offset before) = 0;
  virtual void configure(const PartitionConfig& config) = 0;
  // Reads the log from its start to what has been appended until now, for a topic that is to be a compacted one. Takes
  // as long as that; the first error of `keep_going`, asked now and then, ends it.
  virtual Result<KeyScan> scan_keys(const std::function<Status()>& keep_going) {
    (void)keep_going;
    return Error{Errc::partition_offline, "no records can be read here"};
  }
  // The topic is a compacted one from now on, whose records have keys, every one: the log is closed, whoever waits
  // fails with a retriable error, and it is opened with a keydir, which is loaded in the background. An error leaves
  // the partition offline under the new settings.
  virtual Status become_compacted(const PartitionConfig& config) {
    configure(config);
    return {};
  }
  // From now on only batches that were prepared under this placement are admitted. False, and nothing changes, where
  // there are records, or may be.
  virtual bool place_if_empty(std::uint32_t placement) {
    (void)placement;
    return false;
  }
  // Closes the active segment and starts a new one, when it holds anything.
  virtual Status roll() = 0;
  // The log up to now, held for as long as the answer lives. Rolls first; errors as in roll(). Blocks on the disk.
  virtual Result<LogPin> pin_log() { return Error{Errc::partition_offline, "no log can be read here"}; }
  // Asks for a sync of everything written and waits for it.
  virtual Status flush() = 0;
  // Flush, hints, checkpoints, then every waiter fails with `reason`.
  virtual void close(const Error& reason) = 0;
  // The same for a partition whose files are garbage by now: nothing is written any more.
  virtual void abandon(const Error& reason) { close(reason); }
  // What the disk takes cannot be relied on for `why`: as after a failed write, until reopen(). Nothing where it is so
  // already.
  virtual void stop_writes(const Error& why) { (void)why; }
  // A latched or offline partition is recovered anew; returns the recovery report as text.
  virtual Result<std::string> reopen() = 0;
  // Returns when lookups answer or no load is under way, after that time at the latest. Not on an I/O thread.
  virtual void wait_loaded(std::int64_t at_most_ms) { (void)at_most_ms; }
  // Offline for a reason that may pass by itself (a full disk, no descriptors): worth a reopen now and then.
  virtual bool may_open_later() const { return false; }
  // Called about once a second: rolls by age, retention, expiry of producers, buffers of a quiet partition.
  // Does its disk work on the background executor.
  virtual void tick() = 0;
};

}  // namespace logcask
