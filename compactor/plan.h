#pragma once
// What to compact next: a pure function of a partition's state. Nothing here reads a file, a clock or a setting.
//
// A record is dead when the keydir names a newer one of its key, and what is dead in a segment below the bound may go:
// dead means droppable. The few records that a rewrite had to keep all the same (KeptDead) are not counted again.
//
// Rules that make a closed segment below the bound due, in this order:
//   due tombstones     the whole segment lies below due_through and holds tombstones
//   forced             (mode forced) it holds dead records, superseded below PlanOptions::forced_through
//   dead ratio         dead / records >= min.cleanable.dirty.ratio
//   dead bytes         file bytes x dead / records >= compaction.dead.bytes (an estimate: sizes are not counted)
//   max lag            it holds dead records, and what superseded them lies in a closed segment and may be older than
//                      max.compaction.lag.ms
//   blocked tombstones it holds dead records, and tombstones older than delete.retention.ms wait for it to be clean
//   small neighbours   it and its neighbours fit one segment (background: when that halves the largest one's part, or
//                      gives back half as many bytes of disk as it writes)
// The plan takes the due segment with most garbage and those neighbours that cost little beside it. A rewrite costs
// about as many syncs whatever it takes, so of small segments it takes many.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "partition/compaction_port.h"

namespace logcask {

// What a closed segment takes on disk whatever it holds: its log, two indexes and a hint end in a block each.
inline constexpr std::uint64_t kSegmentFixedBytes = 16 * 1024;
// So compaction writes segments of up to this where segment.bytes is less.
inline constexpr std::uint64_t kOutputBytesMin = 1u << 20;

enum class CompactionMode : std::uint8_t {
  background,  // by the topic's thresholds, within its window
  forced,      // everything that would change, now
};

enum class DueRule : std::uint8_t {
  none,
  due_tombstones,
  forced,
  dead_ratio,
  dead_bytes,
  max_lag,
  blocked_tombstones,
  small_neighbours,
};
const char* due_rule_name(DueRule rule);

// What rewrites have kept although the keydir names something newer: records of an identity that has collided, records
// without a key, of transactions. Known to the compactor that did it; after a restart a rewrite finds it out again.
class KeptDead {
 public:
  struct Kept {
    std::uint64_t records = 0;  // do not count as dead any more, until log start moves
    bool withheld = false;      // some of them older than a tombstone may be: the segment is not clean
    bool dropped_none = false;  // nor do its tombstones go, until more of them are due
    Offset judged_through;      // what a record below supersedes has been judged
    Offset due_through, log_start;
  };
  void add(const SegmentName& name, const Kept& kept) { kept_[name] = kept; }
  // Null when nothing is known.
  const Kept* find(const SegmentName& name, const CompactionState& state) const;
  // Drops what no longer holds or is no longer there.
  void prune(const CompactionState& state);

 private:
  std::map<SegmentName, Kept> kept_;
};

// Segments that were merged in vain: there are no fewer. Forgotten when there is something new to merge them with.
class SettledSegments {
 public:
  void add(const SegmentName& name, const CompactionState& state);
  bool contains(const SegmentName& name, const CompactionState& state) const;
  // Drops what no longer holds or is no longer there.
  void prune(const CompactionState& state);

 private:
  struct As {
    Offset bound, due_through, log_start;
    friend bool operator==(const As&, const As&) = default;
  };
  static As as(const CompactionState& state) { return {state.bound, state.due_through, state.log_start}; }
  std::map<SegmentName, As> settled_;
};

struct PlanOptions {
  CompactionMode mode = CompactionMode::background;
  // Forced: what is superseded by records below. Without an end every rewrite under load would find more.
  Offset forced_through = kMaxCompactedOffset;
  const KeptDead* kept_dead = nullptr;
  const SettledSegments* unmerged = nullptr;
  // Outputs are as large as segment.bytes or this, whichever is more (Compactor::Options).
  std::uint64_t output_bytes_min = 0;
  // Counts as garbage of every segment that is merged away.
  std::uint64_t segment_fixed_bytes = 0;
  // Never filled by compaction.
  std::uint64_t disk_reserve_bytes = 64u << 20;
  // With less than this the window is ignored: compaction is what frees space.
  std::uint64_t disk_low_bytes = 1u << 30;
};

// One rewrite: closed[first..last] of the state.
struct Plan {
  std::size_t first = 0;
  std::size_t last = 0;
  DueRule rule = DueRule::none;
  std::string why;
  std::uint64_t input_bytes = 0;
  std::uint64_t garbage_bytes = 0;  // estimated
};

// What is to be said of one closed segment: the rule that makes it due, or what keeps it.
struct SegmentVerdict {
  SegmentName name;
  bool due = false;
  DueRule rule = DueRule::none;
  std::string why;
};

struct Decision {
  std::optional<Plan> plan;
  // Why there is no plan although something is due, or why nothing may be compacted at all.
  std::string waits_for;
  // loading, corrupt_range (damaged or quarantined), storage_full, unsupported; ok with a window.
  Errc waits_code = Errc::ok;
  // Appends make garbage faster than it goes: compaction should not step back behind them any more.
  bool behind = false;
  // Segments without a dead record that may count as compacted through the bound.
  std::vector<SegmentName> clean;
  std::vector<SegmentVerdict> segments;  // one per state.closed
};

Decision decide(const CompactionState& state, const PlanOptions& options);

// What segments take on disk beside their live records.
class Garbage {
 public:
  void add(const SegmentFacts& facts, const SegmentStats& stats);
  // With what a rewrite takes meanwhile the topic will soon take more than 2.5 times its live bytes, or, where these
  // are few, than eight full segments beside them. A topic that asks for a higher min.cleanable.dirty.ratio than the
  // default has said how much more it allows.
  bool too_much(const PartitionConfig& config) const;

 private:
  double live_bytes_ = 0;
  double other_bytes_ = 0;
};

// There is too much garbage in what may be compacted.
bool is_behind(const CompactionState& state);

// For `logcask segments`: decide() in background mode, without what a compactor has learnt.
std::vector<SegmentVerdict> explain(const CompactionState& state);

// Is this hour of the (UTC) day inside the window?
bool window_open(const CompactionWindow& window, TimestampMs now);

std::uint64_t dead_records(const SegmentStats& stats);
// Those that a rewrite would drop, as far as is known.
std::uint64_t droppable_records(const CompactionSegment& segment, const CompactionState& state,
                                const PlanOptions& options);
// Estimate by record counts: file bytes x share.
std::uint64_t dead_bytes_estimate(const CompactionSegment& segment, std::uint64_t dead);

}  // namespace logcask
