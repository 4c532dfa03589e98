#pragma once
// Writes what a rewrite keeps: segments of generation g with index and hint, synced, for the port to install.
//
// Kept records are merged into batches of about 32 KiB where leader epoch, timestamp type, codec (and for
// LogAppendTime the time) agree; producer fields are not carried over. Batches that must stay as they are, a
// producer's last one and control batches, are put in between as given. Offsets, timestamps and order never change.
// A new output begins where the next batch would pass segment.bytes. Every output ends with a batch that carries its
// last offset, if need be an empty one, so that readers step over what went behind its last record.
//
// Owner: one rewrite, one thread. Nobody knows the files before they are installed: remove() takes every one back, and
// so does the destructor unless keep() was called. Memory: two batches, a write buffer of 256 KiB and HintWriter's.
// Errors: of the seam and of SegmentWriter; storage_full also when less than the reserve would stay free.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "compactor/keep.h"
#include "partition/compaction_port.h"
#include "segment/hint_file.h"
#include "segment/segment_writer.h"

namespace logcask {

// A record that stays, as the counts and the hint need it.
struct KeptRecord {
  KeyIdentity identity;
  Offset offset;
  std::uint32_t encoded_bytes = 0;
  bool keyed = false;
  bool tombstone = false;
  bool live = false;  // the keydir names it
  Verdict verdict = Verdict::keep_unjudged;
  TimestampMs timestamp;
};

class OutputWriter {
 public:
  struct Options {
    SegmentName first;  // of the first output; later ones have the same generation
    std::uint64_t segment_bytes = 1u << 30;
    std::size_t batch_bytes = 32 * 1024;
    std::uint64_t disk_reserve_bytes = 0;
    Offset compacted_through;
    std::uint64_t secret_fingerprint = 0;
  };
  OutputWriter(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
               const Clock& clock, const Options& options);
  ~OutputWriter();
  OutputWriter(const OutputWriter&) = delete;
  OutputWriter& operator=(const OutputWriter&) = delete;

  // What comes next was appended between these times.
  void begin_input(TimestampMs first_append, TimestampMs last_append);
  // A record of a batch with header `source`, to be merged with others.
  Status add(const BatchHeader& source, const RecordView& record, const KeptRecord& kept);
  // A whole batch as it shall stand there, with the records that are in it.
  Status add_batch(ByteView batch, std::span<const KeptRecord> kept);
  // Everything below `next` has been decided; the batch that ended there had this epoch.
  void cover(Offset next, LeaderEpoch epoch);

  // Ends the last output, at `end_offset`, and syncs the directory.
  Result<std::vector<RewriteOutput>> finish(Offset end_offset);
  // The files are the log now.
  void keep() { keep_files_ = true; }
  // Removes every file made.
  Status remove();

  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  struct Output;
  struct Merging;
  // When the records of a batch were appended, by the broker's clock.
  struct AppendTimes {
    TimestampMs first = kNoTimestamp;
    TimestampMs last = kNoTimestamp;
    void add(const AppendTimes& other);
  };
  Status flush_merging();
  Status put(std::span<const KeptRecord> kept, const AppendTimes& times);
  Status open(Offset base);
  Result<std::unique_ptr<SegmentWriter>> create(SegmentName name);
  Status write_buffered();
  Status check_space();
  Status close_output(Offset end_offset);
  Status carry_last_offset(Offset last, LeaderEpoch epoch);
  Status remove_output(const SegmentName& name);

  const std::shared_ptr<SegmentEnvironment> environment_;
  const std::shared_ptr<Directory> directory_;
  const Clock& clock_;
  const Options options_;
  std::unique_ptr<Merging> merging_;
  std::unique_ptr<Output> output_;
  std::string batch_;  // the next one for put()
  std::vector<SegmentName> made_;
  std::vector<RewriteOutput> finished_;
  Offset covered_next_;
  LeaderEpoch covered_epoch_;
  AppendTimes input_times_;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t space_checked_at_ = 0;
  bool keep_files_ = false;
};

}  // namespace logcask
