#pragma once
// What compaction may see and do of one partition. Implemented by the partition's door (broker/partition_runner), used
// by compactor/. Every function is safe from the compactor's thread while appends and reads go on; none waits for them.
//
// One rewrite per partition at a time:
//   begin_rewrite(from, to) -> probe() in offset order over the inputs' records -> install() or abandon_rewrite().

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/key_hash.h"
#include "base/result.h"
#include "partition/config.h"
#include "partition/manifest.h"
#include "partition/producer_state.h"
#include "partition/segment_stats.h"
#include "segment/segment.h"

namespace logcask {

// A closed segment as the plan sees it.
struct CompactionSegment {
  std::shared_ptr<const Segment> segment;
  SegmentFacts facts;
  Offset end_offset;
  Offset compacted_through;
  SegmentStats stats;
  bool has_hint = false;
};

struct CompactionState {
  PartitionConfig config;
  std::vector<CompactionSegment> closed;  // those the manifest lists, by base
  Offset active_base;
  std::uint64_t active_bytes = 0;
  TimestampMs active_since{-1};  // append time of the active segment's first record; -1 when empty
  // Records below are old enough to go: min(committed end, first segment that is not listed yet, whose producers no
  // snapshot knows, or inside min.compaction.lag.ms, active base).
  Offset bound;
  // What supersedes them may lie anywhere below this, in the active segment too.
  Offset committed_end;
  Offset log_start;
  Offset due_through;    // tombstones below may go (partition/clean_through.h), when delete.mode is drop
  Offset clean_through;  // what the segments' compacted_through amounts to now
  bool keydir_complete = false;
  bool damaged = false;  // compact nothing until repaired
  std::optional<std::string> quarantined;
  TimestampMs now{0};  // the partition's append clock
  std::uint64_t disk_free_bytes = 0;
};

// What the keydir says of one record.
enum class RecordStanding : std::uint8_t {
  newest,      // the keydir names exactly this record
  superseded,  // the keydir names a newer one: `newest` in the probe
  unknown,     // no entry, or an older one: for a committed value at or above log start a broken invariant
  protected_,  // its identity has collided: never drop; `newest` says whether the keydir names it
};
struct ProbeAnswer {
  RecordStanding standing = RecordStanding::unknown;
  Offset newest = kNoOffset;
};

// One segment that a rewrite made: synced, with index and hint, not yet part of the log.
struct RewriteOutput {
  SegmentFacts facts;
  Offset end_offset;  // the last output's is the last input's
  Offset compacted_through;
  std::uint64_t tombstones = 0;
  std::uint64_t live_values = 0;  // as counted by probes
  std::uint64_t live_tombstones = 0;
  std::uint64_t unindexed_tombstones = 0;
};
struct DroppedTombstone {
  KeyIdentity identity;
  Offset offset;
};
struct RewriteResult {
  Offset from;            // base of the first input
  Offset to;              // end_offset of the last input
  Offset judged_through;  // what went was superseded by committed records below this
  std::vector<SegmentName> inputs;
  std::vector<RewriteOutput> outputs;
  std::vector<DroppedTombstone> dropped_tombstones;  // in offset order; counted in no output
};

// What compaction has found when it looked at a partition.
enum class CompactionLook : std::uint8_t {
  barred,  // it may not work here now, whatever there is to do
  idle,    // nothing is due
  due,     // it is about to work
  behind,  // the same, and there is too much garbage
};

class CompactionPort {
 public:
  virtual ~CompactionPort() = default;

  virtual CompactionState state() const = 0;
  virtual std::shared_ptr<SegmentEnvironment> environment() = 0;
  virtual std::shared_ptr<Directory> directory() = 0;
  virtual const KeyHasher& hasher() = 0;
  virtual const Clock& clock() = 0;
  // Last batches of the idempotent producers; their batches stay, if need be empty.
  virtual std::vector<ProducerTail> producer_tails() = 0;

  // in_use when another rewrite is under way; partition_offline or read_only when there can be none.
  virtual Status begin_rewrite(Offset from, Offset to) = 0;
  // At most 64 records a call, in rising offset order within the rewrite; all records of the inputs below
  // `probed_up_to` have been probed after this call (records that need no probe included).
  virtual void probe(std::span<const KeyIdentity> identities, std::span<const Offset> offsets, Offset probed_up_to,
                     std::span<ProbeAnswer> answers) = 0;
  // One manifest step makes the outputs the log; on error nothing changed and the outputs' files are the caller's to
  // remove, except with read_only: then they must stay, because the manifest on disk may name them. Fails with
  // cancelled when retention or a topic deletion took an input away meanwhile.
  virtual Status install(RewriteResult result) = 0;
  virtual void abandon_rewrite() = 0;
  // Segments without a dead record count as compacted through `through`, a committed end, without a rewrite.
  virtual Status note_compacted(std::span<const SegmentName> segments, Offset through) = 0;
  // Writes clean_through into the manifest when it has advanced.
  virtual Status checkpoint() = 0;

  // Appends wait while compaction is behind, and, where it is at work, from the closing of a segment that leaves too
  // much garbage until the next look.
  virtual void note_look(CompactionLook look) = 0;
  // Stops compaction of this partition until it is reopened, and raises the alarm.
  virtual void quarantine(const std::string& reason) = 0;
  virtual Status roll() = 0;
  // True when the rewrite should stop soon: closing, topic deleted.
  virtual bool stopping() const = 0;
};

}  // namespace logcask
