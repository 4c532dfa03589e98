#pragma once
// One segment for reading: closed and immutable, or the active one while it grows. Readers cannot tell them apart.
//
// Owned by shared_ptr<const Segment>: log views keep a segment, and with it its files, alive. Files are opened on
// first use through the environment's FileCache. Safe from any thread.
//
// What a read checks: that each batch header it walks is the one that was written there (base offsets chain, epoch
// or header checksum from the index), and each batch's CRC once per process. Errors: corrupt_range names file and
// position; not_found = no record at that offset; io errors of the seam.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"
#include "segment/batch_scan.h"
#include "segment/crc_bitmap.h"
#include "segment/file.h"
#include "segment/file_cache.h"
#include "segment/record_cache.h"
#include "segment/segment_facts.h"

namespace logcask {

class ActiveLog;  // segment/active_log.h: the growing state that writer and readers share

// Files to unlink; run() may block for tens of milliseconds and belongs on a background thread.
struct FileRemoval {
  std::shared_ptr<Directory> directory;
  std::vector<std::string> names;
  // Missing files are no error; the first other error is returned after all were tried.
  Status run() const;
};

// What all segments of a broker share.
struct SegmentEnvironment {
  struct Limits {
    FileCache::Limits files;
    std::size_t record_cache_bytes = 256u << 20;
    // A batch that would decompress to more is corrupt_range for lookups.
    std::size_t max_decompressed_bytes = 256u << 20;
  };
  SegmentEnvironment() : SegmentEnvironment(Limits()) {}
  explicit SegmentEnvironment(const Limits& limits);

  // What lookups read of files, because no block had it: once for each record, twice for one above 256 KiB that
  // compaction has left a hole behind, or in a compressed batch above that.
  struct LookupReads {
    std::atomic<std::uint64_t> reads{0}, bytes{0};
    void add(std::size_t read_bytes) {
      reads.fetch_add(1, std::memory_order_relaxed);
      bytes.fetch_add(read_bytes, std::memory_order_relaxed);
    }
  };

  std::shared_ptr<FileCache> files;
  RecordCache records;
  LookupReads lookup_reads;
  std::size_t max_decompressed_bytes;
  // Called from the destructor of a segment whose removal was asked for, on whatever thread dropped it last.
  // The default runs it at once. Set before the first segment is made.
  std::function<void(FileRemoval)> remove_files;
};

// The memory one reader reuses from lookup to lookup; what read_record returns points into it.
struct RecordScratch {
  std::string bytes;
  RecordBlockPtr block;
};

// What read_batches appended.
struct ReadBatches {
  std::size_t bytes = 0;
  std::size_t batches = 0;
  // One past the last offset of the last batch; where to go on. The caller's `from` when nothing was appended.
  Offset next_offset;
};

class Segment {
 public:
  // A closed segment with the facts the manifest (or a scan) vouches for. Opens nothing yet.
  static std::shared_ptr<const Segment> closed(std::shared_ptr<SegmentEnvironment> environment,
                                               std::shared_ptr<Directory> directory, const SegmentFacts& facts);
  // The active one; see SegmentWriter::segment().
  static std::shared_ptr<const Segment> active(std::shared_ptr<SegmentEnvironment> environment,
                                               std::shared_ptr<Directory> directory,
                                               std::shared_ptr<const ActiveLog> log);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  SegmentName name() const { return name_; }
  Offset base() const { return name_.base; }
  // Of the active segment: as of now.
  Offset next_offset() const;
  std::uint64_t size_bytes() const;
  SegmentFacts facts() const;
  bool is_active() const { return active_ != nullptr; }
  // "t-0.<id>/00000000000000000000.0.log", for messages.
  std::string describe() const;
  // What a reader says of a batch whose CRC holds and whose records cannot be had: corrupt_range, or limit_exceeded
  // when there is no memory to decompress it: that is no damage. `place`: "position 17".
  Error undecodable(std::string_view place, const Error& why) const;

  // Appends whole batches to `out`: from the one that holds or follows `from`, while their last offset is below
  // `end`, up to `max_bytes` but always one batch if there is any. Nothing to read is not an error. A damaged batch
  // behind good ones ends the answer before it; the next call starts with it and fails.
  Result<ReadBatches> read_batches(Offset from, Offset end, std::size_t max_bytes, ByteBuffer& out) const;

  // The record at exactly `offset`. For many at a time: segment/segment_lookup.h.
  Result<RecordView> read_record(Offset offset, RecordScratch& scratch) const;

  // The first record with a timestamp >= `timestamp`, at or above `from` and below `end`.
  struct TimedOffset {
    Offset offset;
    TimestampMs timestamp;
    LeaderEpoch leader_epoch;
  };
  Result<std::optional<TimedOffset>> offset_for_time(TimestampMs timestamp, Offset from, Offset end) const;

  // All batches, or those from the one that holds or follows `from`, front to back, each CRC checked anew.
  // corrupt_range when a batch is bad or the data ends early; its message names file and position.
  Status scan(const BatchCallback& take) const { return scan(base(), take); }
  Status scan(Offset from, const BatchCallback& take) const;

  // The files go when the last reference does.
  void remove_when_unused() const { remove_.store(true, std::memory_order_relaxed); }

 private:
  Segment(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory, SegmentName name);
  friend class SegmentLookup;  // segment_lookup.h
  friend class RecordLookup;   // segment_lookup.cc
  struct Hold;                 // file, indexes and end for the time of one read; segment_hold.h
  struct Located;
  Result<Hold> hold() const;
  Result<std::shared_ptr<const OpenSegment>> load() const;
  Result<std::shared_ptr<const OpenSegment>> rebuild_indexes(std::shared_ptr<const File> file) const;
  Error damaged(std::uint64_t position, const std::string& why) const;
  // The header at `position`, from `raw`, is sound, is the one that was written there, and its batch ends within
  // the log. `expected`: the base offset it must have (generation 0), the least it may have (higher ones).
  Result<BatchHeader> check_header(const Hold& hold, ByteView raw, std::uint64_t position, Offset expected) const;
  // The batch's CRC, once per process.
  Status check_crc(const BatchHeader& header, ByteView batch, std::uint64_t position) const;
  // The batch that holds or follows `from`; empty when there is none.
  Result<std::optional<Located>> locate(const Hold& hold, Offset from) const;
  Status read_exactly(const Hold& hold, std::uint64_t position, std::span<char> out) const;
  Result<std::optional<TimedOffset>> first_at_or_after(const BatchHeader& header, ByteView batch, TimestampMs timestamp,
                                                       Offset from) const;

  const std::shared_ptr<SegmentEnvironment> environment_;
  const std::shared_ptr<Directory> directory_;
  const SegmentName name_;
  const std::uint64_t instance_id_;          // unique in this process: the key of caches
  SegmentFacts facts_;                       // closed
  mutable FileCache::Slot slot_;             // closed
  std::shared_ptr<const ActiveLog> active_;  // active
  mutable CrcBitmap crc_checked_;
  mutable std::atomic<bool> remove_{false};
};

}  // namespace logcask
