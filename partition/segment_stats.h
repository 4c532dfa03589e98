#pragma once
// Exact counts of live records per segment, kept while the keydir changes.
//
// Live means that the keydir names the record. A tombstone whose key had no entry when it was committed is
// "unindexed": neither live nor dead until it is due. Whatever is left is dead.
// Threads: none, the caller holds the partition's lock.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.h"
#include "partition/keydir.h"

namespace logcask {

struct SegmentStats {
  Offset base;
  std::uint64_t records = 0;
  std::uint64_t tombstones = 0;  // in the file, live or not
  std::uint64_t live_values = 0;
  std::uint64_t live_tombstones = 0;
  std::uint64_t unindexed_tombstones = 0;

  std::uint64_t live() const { return live_values + live_tombstones; }
  std::uint64_t dead() const { return records - live() - unindexed_tombstones; }
};

class SegmentStatsTable {
 public:
  // Segments in order of their base; the last one is the active one.
  void add(const SegmentStats& stats) { segments_.push_back(stats); }
  // The segment that holds `offset`; offsets below the first segment belong to none.
  SegmentStats* find(Offset offset);
  const SegmentStats* find(Offset offset) const { return const_cast<SegmentStatsTable*>(this)->find(offset); }
  const std::vector<SegmentStats>& all() const { return segments_; }
  // Swaps the segments with bases in [from, to) for others in the same range.
  void replace(Offset from, Offset to, const std::vector<SegmentStats>& with);

  // A record entered the keydir (previous: what it superseded), or an entry went away.
  void on_raise(Offset offset, bool deleted, const RaiseOutcome& outcome);
  void on_remove(const KeydirEntry& entry);

  // While a rewrite is under way: records it has counted as live and that were superseded since.
  void begin_rewrite(Offset from, Offset to);
  void rewrite_probed(Offset up_to);
  std::vector<KeydirEntry> end_rewrite();
  bool rewriting() const { return rewrite_.has_value(); }

 private:
  struct Rewrite {
    Offset from, to, probed_up_to;
    std::vector<KeydirEntry> superseded;
  };
  void drop_live(const KeydirEntry& entry);

  std::vector<SegmentStats> segments_;
  std::optional<Rewrite> rewrite_;
};

}  // namespace logcask
