#pragma once
// The manifest: what a partition's closed segments are, and the facts that cannot be rebuilt from the log.
//
// Two files, manifest.a and manifest.b, hold copies of the same generation; each is replaced atomically, a
// before b (docs/FORMAT.md, "Manifest"). A step is durable when store() has returned. Inputs of a
// compaction may be unlinked only after that, so an older copy never names a deleted file.
// An unreadable manifest never deletes anything: load() fails and the partition goes offline.
// Threads: Manifest is a value; ManifestStore is called by one thread at a time (the partition's writer or its
// compactor).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "partition/run_history.h"
#include "segment/append_stamp.h"
#include "segment/file.h"
#include "segment/partition_identity.h"
#include "segment/segment_facts.h"

namespace logcask {

// One closed segment as the manifest knows it.
struct ManifestSegment {
  SegmentFacts facts;
  // First offset after the segment. Above facts.next_offset when the restart that closed it skipped offsets.
  Offset end_offset;
  std::uint64_t tombstones = 0;
  // Every record of this segment that a newer record below this offset supersedes has been removed. At most judged_end
  // or the committed end of a moment at which nothing in the segment was superseded.
  Offset compacted_through;
  friend bool operator==(const ManifestSegment&, const ManifestSegment&) = default;
};

// At `since` every segment below `through` had compacted_through >= `through`.
struct CleanThrough {
  Offset through;
  TimestampMs since{0};
  friend bool operator==(const CleanThrough&, const CleanThrough&) = default;
};

// A leader epoch and the first offset assigned under it.
struct EpochStart {
  LeaderEpoch epoch;
  Offset start_offset;
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

// A range of offsets whose bytes are damaged and were left in place.
struct DamagedRange {
  Offset from;
  Offset to;  // exclusive
  std::string reason;
  friend bool operator==(const DamagedRange&, const DamagedRange&) = default;
};

struct Manifest {
  std::uint64_t generation = 0;  // of the manifest itself; rises with every step
  Offset log_start_offset;
  Offset tombstone_horizon;  // largest dropped tombstone + 1
  Offset dropped_end;        // end of the last segment that went below log start
  // Compaction has removed records because of newer, committed ones below this. A log that ends below it has lost
  // those.
  Offset judged_end;
  std::vector<ManifestSegment> segments;    // by base offset, not overlapping
  std::vector<CleanThrough> clean_through;  // by `through`
  std::vector<EpochStart> epochs;           // by epoch; never empty once opened
  std::vector<DamagedRange> damaged;
  // Files that a step has replaced; they may still be there, and whoever opens the partition removes them.
  std::vector<SegmentName> obsolete;
  // Snapshot of the idempotent producers up to (not including) this offset; no name: none.
  std::string producer_snapshot_name;
  std::uint64_t producer_snapshot_digest = 0;
  Offset producer_snapshot_end;
  AppendStamp append_clock;  // last append time handed out
  // Whose it is; nobody's: it was read from format 1.
  std::optional<PartitionIdentity> owner;
  // The log with this base may have a .sync of format 1, which names nobody; none behind it may.
  Offset format_1_through = kNoOffset;
  RunHistory runs;

  // First offset after the closed segments: where the active segment's base must chain on.
  Offset closed_end() const { return segments.empty() ? dropped_end : segments.back().end_offset; }
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// Without an owner in format 1, which has no place for what is new.
std::string encode_manifest(const Manifest& manifest);
// corrupt_file when the bytes are not exactly one valid manifest; unsupported_version for a newer format.
Result<Manifest> decode_manifest(ByteView bytes);

inline constexpr const char* kManifestNames[2] = {"manifest.a", "manifest.b"};

// Nothing when neither copy exists (a new partition). corrupt_file when copies exist but none is sound; foreign_file
// when one names another partition than `owner`. What cannot be looked at is not damaged: permission_denied, and
// limit_exceeded without a file descriptor; io_error when the disk gives neither copy.
// `repaired` is set when one copy was missing, damaged or older and has been written again.
Result<std::optional<Manifest>> load_manifest(Directory& directory, const PartitionIdentity& owner, bool& repaired);

// Writes both copies; the caller has raised manifest.generation.
Status store_manifest(Directory& directory, const Manifest& manifest);
// The same where neither is there yet: at one stroke, since there is no older one to fall back on.
Status store_first_manifest(Directory& directory, const Manifest& manifest);

}  // namespace logcask
