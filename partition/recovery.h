#pragma once
// Opening a partition's directory: from files to a log that may be appended to, whatever stopped the last process.
//
// The log is the manifest's closed segments plus the unlisted GEN-0 files whose bases chain exactly onto them
// (docs/FORMAT.md, "Recovery"). What is certain to have been synced ends at the newest .sync entry of the active
// file. Below that a bad batch is corruption: kept, named, never cut. Above it the log is cut at the first bad
// batch, and what is left there is copied into a new file and synced before anything is built on it, because after
// a failed fdatasync the page cache says nothing about the disk.
// Recovery may itself be interrupted at any point and run again. It deletes leftovers of compaction and files the
// manifest calls obsolete, nothing else; a GEN-0 file that does not chain is renamed to NAME.aside.
// Threads: none of its own; one call per partition.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "partition/config.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "segment/segment.h"
#include "segment/segment_writer.h"

namespace logcask {

// What recovery did, for the broker's log, `logcask reopen` and tests.
struct RecoveryReport {
  bool created = false;             // the directory held no partition
  bool manifest_repaired = false;   // one copy was rewritten from the other
  std::uint64_t scanned_bytes = 0;  // of unlisted segments
  std::uint64_t cut_bytes = 0;      // torn tail, above the recovery point
  std::string cut_reason;
  std::uint64_t rewritten_bytes = 0;   // unsynced tail, copied and synced
  std::uint32_t adopted_segments = 0;  // closed, but not yet in the manifest
  std::int64_t skipped_offsets = 0;    // next_offset went to the reserved ceiling
  std::vector<std::string> set_aside;  // GEN-0 files that do not chain
  std::vector<std::string> removed;    // leftovers
  bool upgraded = false;               // it was of format 1
  std::int64_t clock_set_back_ms = 0;  // with settle_clock
  std::vector<DamagedRange> damaged;   // all known ones
  bool producers_rebuilt = false;      // no usable snapshot
  double seconds = 0;

  bool clean() const { return cut_bytes == 0 && set_aside.empty() && damaged.empty(); }
  std::string to_string() const;
};

struct RecoveredLog {
  Manifest manifest;
  std::vector<std::shared_ptr<const Segment>> closed;  // one per manifest segment
  std::unique_ptr<SegmentWriter> writer;               // the active segment, everything in it synced
  ProducerState producers;
  AppendStamp append_clock;  // where the clock goes on; 0: nothing has a time yet
  LeaderEpoch epoch;
  RunStart run;  // that begins with this opening
  RecoveryReport report;
};

struct RecoveryOptions {
  // Whose directory it is; a file that names another is refused as foreign_file.
  PartitionIdentity owner;
  // Of the run that begins: random, never given before. kNoRun: positions of it are nobody's.
  RunId run = kNoRun;
  // The directory may be that of a partition whose creation has not been completed. Otherwise one without a manifest,
  // or without the log that the manifest says is appended to, has lost its files: corrupt_file.
  bool create = false;
  // The machine was restarted since the directory was last open, so what was not synced may be lost.
  bool machine_reset = false;
  // An append clock that goes on ahead of the wall clock (append_clock.h) is set back to it, and every append time with
  // it: ages stay as they are.
  bool settle_clock = false;
  SegmentWriter::Options writer;
  ProducerStateConfig producers;
};

Result<RecoveredLog> recover_log(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
                                 const RecoveryOptions& options, const Clock& clock);

// Tombstones among the records of a segment. Reads it whole.
Result<std::uint64_t> count_tombstones(const Segment& segment, std::size_t max_decompressed_bytes);

}  // namespace logcask
