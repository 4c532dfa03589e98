#pragma once
// One partition's state in memory: what has been accepted, written, synced and committed, and who is newest.
//
// Pure state: nothing here touches the disk, waits or starts anything. The caller (broker/door/partition_runner.h)
// serialises access with one lock and does the disk work between begin_* and finish_* without it:
//   admit() -> begin_write() .. SegmentWriter::append .. finish_write() -> sync .. finish_sync() -> apply_slice()
// At most one write and one sync are under way at a time, and none while the log is rolled.
// Reads take what they need (view(), key index) under the lock and read files without it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "partition/append_clock.h"
#include "partition/append_types.h"
#include "partition/config.h"
#include "partition/key_index.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "partition/recovery.h"
#include "partition/segment_list.h"
#include "partition/tail_buffer.h"
#include "partition/watermarks.h"
#include "segment/segment_writer.h"

namespace logcask {

// What a partition needs from its broker. Everything outlives the partition.
struct PartitionEnvironment {
  std::shared_ptr<SegmentEnvironment> segments;
  std::shared_ptr<Directory> directory;  // the partition's own
  const Clock* clock = nullptr;
  const KeyHasher* hasher = nullptr;
  PageArena* arena = nullptr;
  KeydirBudget* budget = nullptr;  // the topic's
};

// A closed segment of the list, with what the manifest keeps of it.
struct ClosedSegment {
  std::shared_ptr<const Segment> segment;
  Offset end_offset;
  Offset compacted_through;
  // What compaction took away of it was superseded by records below this. Above compacted_through, because records are
  // committed while a rewrite goes on. In the manifest there is one for all segments (judged_end).
  Offset judged_through;
  bool listed = true;  // in the manifest
  bool has_hint = false;
};

class Partition {
 public:
  Partition(const PartitionEnvironment& environment, const PartitionConfig& config, RecoveredLog log);

  // ---- append
  struct Admission {
    enum class Kind : std::uint8_t { admitted, duplicate, refused };
    Kind kind = Kind::refused;
    AppendResult result;
    // The answer may go out once this offset's record is committed (refusals decided by a pending record) or, for
    // admitted and duplicate, once the ack rule holds for everything below it.
    Offset wait_end;
  };
  Admission admit(PreparedBatch& batch);
  // Where keys stand: KeyIndex::newest_for_others(). With a complete keydir only.
  Status newest(std::span<const KeyIdentity> identities, std::span<KeyState> out);
  // admit() would call it a duplicate.
  bool is_repeat(const BatchHeader& header);
  // No further batch should be admitted until something was written and committed.
  bool full() const;

  // ---- write
  bool has_unwritten() const { return marks_.next_offset() > marks_.written_end(); }
  struct WriteJob {
    TailBuffer::WriteSet set;
    std::shared_ptr<SegmentWriter> writer;
    Offset end;
    AppendStamp append_stamp;
    bool roll = false;  // the active segment takes no more: roll first, then begin again
  };
  WriteJob begin_write();
  void finish_write(const WriteJob& job);
  // After a refused write: forgets everything unwritten; the caller fails those appends. Their offsets were shown to
  // nobody.
  void drop_unwritten();

  // ---- roll; the caller has the write and the sync for itself
  struct Roll {
    std::shared_ptr<SegmentWriter> old_writer;
    Offset base;  // of the new segment
  };
  std::optional<Roll> begin_roll();
  void finish_roll(const Roll& roll, const SegmentFacts& facts, std::shared_ptr<SegmentWriter> new_writer);
  // The active segment has reached segment.bytes or segment.ms (or the max compaction lag).
  bool roll_due(TimestampMs now) const;
  // Everything in the active segment is past retention.ms: closed, it may go.
  bool active_expired(TimestampMs now) const;

  // ---- sync and commit
  const std::shared_ptr<SegmentWriter>& writer() const { return writer_; }
  void finish_sync(const SyncEntry& entry);
  // Moves committed_end towards durable_end, at most 256 records; true when it got there.
  bool apply_slice(const std::function<void(const KeyIndex::Applied&)>& observe);

  // ---- failure
  void latch(const Error& error);
  const std::optional<Error>& latched() const { return latched_; }

  // ---- read
  LogView view() const { return {list_, log_start_, visible_end()}; }
  Offset visible_end() const {
    return config_.read_visibility == ReadVisibility::written ? marks_.written_end() : marks_.committed_end();
  }
  const Watermarks& marks() const { return marks_; }
  const TailBuffer& tail() const { return tail_; }
  Offset log_start() const { return log_start_; }
  Offset tombstone_horizon() const { return tombstone_horizon_; }
  LeaderEpoch epoch() const { return epoch_; }
  // All there have been, this one last. Never changes.
  const std::vector<EpochStart>& epochs() const { return epochs_; }
  const PartitionConfig& config() const { return config_; }
  // Set on compacted topics only.
  KeyIndex* keys() { return keys_ ? &*keys_ : nullptr; }
  const KeyIndex* keys() const { return keys_ ? &*keys_ : nullptr; }
  const std::vector<DamagedRange>& damaged() const { return damaged_; }
  void note_damage(const DamagedRange& range);
  // A key whose best known record is below a damaged range may have a newer one inside it.
  const DamagedRange* hidden_by_damage(Offset best_known) const;
  const std::vector<ClosedSegment>& closed() const { return closed_; }
  std::vector<ClosedSegment>& closed() { return closed_; }
  const std::shared_ptr<const SegmentList>& list() const { return list_; }

  // ---- structure; the caller has made the manifest step first
  void replace_segments(Offset from, Offset to, std::vector<ClosedSegment> with,
                        const std::vector<SegmentStats>& stats);
  // Hides what lies below log_start and drops the segments that end at or below dropped_end. Entries are removed by the
  // caller in slices.
  std::vector<ClosedSegment> move_log_start(Offset log_start, Offset dropped_end);
  void raise_tombstone_horizon(Offset horizon);
  void configure(const PartitionConfig& config) { config_ = config; }

  ProducerState& producers() { return producers_; }
  TimestampMs now() { return clock_.now(); }
  const AppendClock& append_clock() const { return clock_; }
  // The runs so far, the one of this opening last. Never changes.
  const std::shared_ptr<const RunHistory>& runs() const { return runs_; }
  const RunStart& run() const { return run_; }
  // A quiet partition gives its buffers back.
  void release_idle() {
    tail_.release_all(marks_.written_end());
    if (keys_) keys_->release_idle();
  }

 private:
  std::optional<AppendResult> check_conditions(const PreparedBatch& batch, Offset& wait_end);
  bool condition_holds(const Condition& condition, const PreparedBatch& batch, KeyState& found);
  Admission refuse(Errc code, std::string message) const;
  void forget_unwritten_of_producers();
  void accept(PreparedBatch& batch, const std::vector<bool>& creates, TimestampMs now, Admission& admission);
  void publish_list();

  const PartitionEnvironment environment_;
  PartitionConfig config_;
  Watermarks marks_;
  TailBuffer tail_;
  std::optional<KeyIndex> keys_;
  ProducerState producers_;
  AppendClock clock_;
  const std::shared_ptr<const RunHistory> runs_;
  const RunStart run_;
  const std::vector<EpochStart> epochs_;
  LeaderEpoch epoch_;
  Offset log_start_;
  Offset tombstone_horizon_;
  std::vector<DamagedRange> damaged_;
  std::optional<Error> latched_;

  std::vector<ClosedSegment> closed_;  // by base
  std::shared_ptr<SegmentWriter> writer_;
  std::shared_ptr<const SegmentList> list_;  // closed_ and the active one, republished at every change
  TimestampMs active_since_{0};              // append time of its first batch
  std::uint64_t active_bytes_ = 0;           // written or being written
};

}  // namespace logcask
