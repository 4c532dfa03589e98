#pragma once
// What to compact next: a pure function of a partition's state. Nothing here reads a file, a clock or a setting.
//
// A record is dead when the keydir names a newer one of its key. A dead record may go once that newer one lies below
// the bound, so what is dead in a segment that is compacted through the bound already has to wait until the bound
// moves: rewriting it would give the same file. Every rule below asks for something a rewrite would change.
//
// Rules that make a closed segment below the bound due, in this order:
//   due tombstones     the whole segment lies below due_through and holds tombstones
//   forced             (mode forced) it holds dead records
//   dead ratio         dead / records >= min.cleanable.dirty.ratio
//   dead bytes         file bytes x dead / records >= compaction.dead.bytes (an estimate: sizes are not counted)
//   max lag            it holds dead records, and what superseded them may be older than max.compaction.lag.ms
//   blocked tombstones it holds dead records, and tombstones older than delete.retention.ms wait for it to be clean
//   small neighbours   it and its neighbours fit one segment (background: when that halves the largest one's part)
// The plan takes the due segment with most garbage and those neighbours that cost little beside it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "partition/compaction_port.h"

namespace logcask {

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

// Segments a look into which has shown that nothing can go yet. Forgotten when what may go has moved on.
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
  const SettledSegments* settled = nullptr;   // nothing to drop in them
  const SettledSegments* little = nullptr;    // less can go than the thresholds ask for
  const SettledSegments* unmerged = nullptr;  // merging them made no fewer segments
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
  // Segments without a dead record that may count as compacted through the bound.
  std::vector<SegmentName> clean;
  std::vector<SegmentVerdict> segments;  // one per state.closed
};

Decision decide(const CompactionState& state, const PlanOptions& options);

// For `logcask segments`: decide() in background mode, without what a compactor has learnt.
std::vector<SegmentVerdict> explain(const CompactionState& state);

// Is this hour of the (UTC) day inside the window?
bool window_open(const CompactionWindow& window, TimestampMs now);

// Estimates by record counts: file bytes x share.
std::uint64_t dead_bytes_estimate(const CompactionSegment& segment);
std::uint64_t dead_records(const SegmentStats& stats);

}  // namespace logcask
