#pragma once
// The one writer of a log file: the active segment of a partition, or an output of compaction (generation > 0).
//
// Threads: one append() at a time; one sync() at a time; a sync() may run while another thread appends the next bytes
// (it captures where the log ends before it starts). settle() may run beside both. close() excludes append() and sync()
// and waits for settle(). Reads go through segment() from any thread.
//
// Disk full on append: the file is cut back to the last batch edge, the call fails with storage_full and may be
// tried again. Any other failed write, a failed cut and a failed sync latch the writer: nothing it says about the
// disk can be trusted, so every later call fails with read_only naming the first error, and no sync is ever retried.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/types.h"
#include "segment/active_log.h"
#include "segment/file.h"
#include "segment/log_state.h"
#include "segment/segment.h"
#include "segment/sync_log.h"

namespace logcask {

class SegmentWriter {
 public:
  struct Options {
    // Disk blocks are reserved ahead of the end of data: as much again as the log holds, at most this; 0 = never.
    std::uint64_t preallocate_bytes = 64u << 20;
    // Nor beyond this size of the log: where it will be closed.
    std::uint64_t expected_bytes = kMaxSegmentBytes;
    // The .sync file is itself synced when this much time or log has passed since the last time.
    std::int64_t sync_log_interval_ms = 1000;
    std::uint64_t sync_log_interval_bytes = 16u << 20;
    // How far ahead offsets are reserved in the .sync file, so that none is given twice after a power loss.
    std::int64_t offset_reserve = std::int64_t{1} << 20;
    // What the .sync file says of the partition: whose it is, the run that writes, the clock and log start as of now.
    PartitionIdentity owner;
    RunStart run;
    AppendStamp clock;
    Offset log_start;
  };

  // Creates the log (and for generation 0 its .sync, synced, its ceiling reserved ahead). Fails with already_exists.
  // The caller syncs the directory before the first byte is acknowledged.
  static Result<std::unique_ptr<SegmentWriter>> create(std::shared_ptr<SegmentEnvironment> environment,
                                                       std::shared_ptr<Directory> directory, SegmentName name,
                                                       const Options& options);
  // Goes on at the end of a recovered generation-0 log: cuts the file to state.position(), syncs it, and starts a
  // fresh .sync entry. `ceiling` is at least the one recovery found. Creates the .sync when it is missing.
  static Result<std::unique_ptr<SegmentWriter>> resume(std::shared_ptr<SegmentEnvironment> environment,
                                                       std::shared_ptr<Directory> directory, LogState state,
                                                       Offset ceiling, const Options& options);

  // Writes whole batches at the end; each piece holds one or more of them back to back, each sound and checked by
  // the caller, offsets continuing where the log ends (generation 0: without a hole). `append_time` from the
  // partition's append clock. invalid_argument when the segment would pass its limits (see fits).
  Status append(std::span<const ByteView> pieces, const AppendStamp& stamp);
  Status append(ByteView batches, const AppendStamp& stamp) { return append(std::span(&batches, 1), stamp); }
  // May this many bytes, up to this offset, still go into the segment's 2^31 limits?
  bool fits(std::uint64_t bytes, Offset last_offset) const;

  // The partition's log start has moved: further entries of the .sync file say so, the next one durably now. Any
  // thread. An error means that it is not noted there; latched() tells whether more than that is wrong.
  Status note_log_start(Offset log_start);

  // Makes everything durable that was written when the call began, and says what that was. The entry of the .sync file
  // that tells of it is written, and synced later: it is true without that.
  Result<SyncEntry> sync(std::int64_t now_monotonic_ns);
  // Whether settle() has something to do: the .sync file is due for its own sync, or half of the offsets reserved ahead
  // are used up. Asked after the records of a sync() have been acknowledged, so that nobody waits for it.
  bool settle_due() const { return settle_due_.load(std::memory_order_acquire); }
  // Syncs the .sync file, and with it a higher offset ceiling where that is due. May run beside append() and sync();
  // a second call finds nothing due and returns at once. A failure latches.
  Status settle(std::int64_t now_monotonic_ns);

  // Final sync, drops reserved blocks, writes .index and .timeindex (derived: not synced unless `sync_indexes`).
  // The writer takes no more writes; readers of segment() go on.
  Result<SegmentFacts> close(std::int64_t now_monotonic_ns, bool sync_indexes = false);

  // Gives the descriptors of the log and its .sync back until the next append, close or read; see File::rest. Excludes
  // append(), sync() and close(), and everything must have been synced. An append that finds no descriptor then fails
  // with limit_exceeded and may be tried again.
  void rest();
  // Ends a rest before anything depends on it.
  Status wake();
  // File::linked() of the log.
  Result<bool> linked() const { return log_->file()->linked(); }

  SegmentName name() const { return name_; }
  Offset next_offset() const { return log_->end().next_offset; }
  std::uint64_t position() const { return log_->end().position; }
  SegmentFacts facts() const { return log_->facts(); }
  // What the last completed sync made durable.
  SyncEntry durable() const;
  // For readers; the same object every time.
  const std::shared_ptr<const Segment>& segment() const { return segment_; }
  // The read_only error when latched.
  Status latched() const;

 private:
  SegmentWriter(std::shared_ptr<Directory> directory, std::shared_ptr<ActiveLog> log,
                std::shared_ptr<const Segment> segment, std::unique_ptr<SyncLog> sync_log, const Options& options);
  Error latch(const Error& first);
  Status check_append(std::span<const ByteView> pieces, std::uint64_t& bytes, Offset& last) const;
  Status reserve_blocks(std::uint64_t end);
  Status reserve_offsets(Offset last, const AppendStamp& stamp);
  Status cut_back(Error error, std::uint64_t position);
  Result<SyncEntry> sync_log_file(std::int64_t now_monotonic_ns, bool force_sync_log);
  Status note_sync(SyncEntry entry, std::int64_t now_monotonic_ns, bool force);
  bool half_used() const;
  Status sync_the_sync_log();
  Status write_entry(SyncEntry entry);
  Status write_indexes(const SegmentFacts& facts, bool sync_indexes);

  const std::shared_ptr<Directory> directory_;
  const SegmentName name_;
  const Options options_;
  const std::shared_ptr<ActiveLog> log_;
  const std::shared_ptr<const Segment> segment_;
  std::uint64_t reserved_end_ = 0;  // append only
  bool resting_ = false;            // append, close, rest only

  mutable std::mutex sync_mutex_;  // everything below; never held across a sync of the log
  std::unique_ptr<SyncLog> sync_log_;
  SyncEntry durable_;
  Offset ceiling_;                  // in what has been written to the .sync file
  Offset promised_ceiling_;         // in what has been synced there: offsets are given below it only
  std::mutex sync_log_file_mutex_;  // taken last; held across a sync of the .sync file
  std::atomic<bool> settle_due_{false};
  Offset log_start_;
  AppendStamp clock_;  // of the newest append, or as given
  std::int64_t sync_log_synced_ns_ = 0;
  std::uint64_t sync_log_synced_position_ = 0;

  mutable std::mutex latch_mutex_;
  std::optional<Error> latched_;
  std::atomic<bool> is_latched_{false};
  bool closed_ = false;
};

}  // namespace logcask
