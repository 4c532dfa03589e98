#pragma once
// One rewrite: adjacent closed segments in, segments without what may go out.
//
// Pure execution: what to rewrite was decided by plan.h, which record goes by keep.h. The port's rewrite must have
// begun; every record below the last one looked at has been probed in offset order. Nothing of the log changes here:
// the outputs are files nobody knows until port.install(). Memory: InputReader's and OutputWriter's, plus 24 bytes
// for each tombstone dropped, at most kDroppedTombstonesMax of them (more stay for the next rewrite).
//
// Errors (all outputs are removed then): of reading, writing and `pace`; internal when the keydir lacks a committed
// value (the caller quarantines); cancelled when log start moved meanwhile or the port is stopping.

#include <memory>
#include <span>

#include "compactor/input_reader.h"
#include "compactor/keep.h"
#include "compactor/output_writer.h"
#include "compactor/stats.h"

namespace logcask {

inline constexpr std::size_t kDroppedTombstonesMax = std::size_t{1} << 20;

struct RewriteOptions {
  KeepRules rules;
  // The committed end from before the first record is judged. What a record below it supersedes is gone afterwards;
  // what is committed while the rewrite goes on may supersede something that had been judged before.
  Offset compacted_through;
  std::uint64_t segment_bytes = 1u << 30;
  std::size_t batch_bytes = 32 * 1024;
  std::uint64_t disk_reserve_bytes = 0;
};

// What came out. The files go with `outputs` unless that is told to keep them, after the install.
struct Rewritten {
  RewriteResult result;
  std::unique_ptr<OutputWriter> outputs;
  CompactionStats stats;
};

// `inputs` are adjacent and span fewer than 2^31 offsets.
Result<Rewritten> rewrite_segments(CompactionPort& port, std::span<const CompactionSegment> inputs,
                                   const RewriteOptions& options, const Pace& pace);

}  // namespace logcask
