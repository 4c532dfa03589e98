#pragma once
// Everything a partition knows by key: the keydir of committed records, the pending ones beside it, and the
// live counts per segment that follow from both.
//
// Threads: none, the caller holds the partition's lock. Partitions without compaction own none of this.
// Loading: until complete() the keydir may lack entries; raises are by max(), so the loader and commits mix freely.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/key_hash.h"
#include "partition/keydir.h"
#include "partition/pending.h"
#include "partition/segment_stats.h"

namespace logcask {

// The newest record of a key that an append can see.
struct KeyState {
  Offset offset = kNoOffset;  // -1: no record
  bool deleted = false;
  bool pending = false;  // decided by a record that is not committed yet
  bool live() const { return offset != kNoOffset && !deleted; }
};

class KeyIndex {
 public:
  KeyIndex(PageArena& arena, KeydirBudget& budget, const PendingLimits& limits);
  ~KeyIndex() { cut_pending(Offset(0)); }  // gives back what was reserved for them

  // ---- append
  bool pending_full() const { return pending_.full(); }
  std::size_t pending_records() const { return pending_.size(); }
  // Pending first, then the keydir.
  KeyState newest(const KeyIdentity& identity);
  // Of each, `out` as long, for whoever asks where a key stands before writing it to another partition. Pending records
  // count while there may be strays among them: those that were put here without asking where their keys stand. The
  // others need no look: a writer that asks comes to where they are.
  void newest_for_others(std::span<const KeyIdentity> identities, std::span<KeyState> out);
  void expect_strays(Offset end) { strays_end_ = std::max(strays_end_, end); }
  // The newest record below `end`, pending ones included (read.visibility=written).
  std::optional<KeydirEntry> newest_below(const KeyIdentity& identity, Offset end);
  // Reserves budget for the records that may create an entry: those of unknown keys, tombstones too. On refusal nothing
  // is reserved and the indexes of the records that would create one are returned. `creates[i]` says what was reserved.
  std::vector<std::uint32_t> reserve(std::span<const KeyIdentity> identities, std::vector<bool>& creates);
  // What reserve() has refused so many for want of.
  KeydirBudget& refusing(std::uint64_t entries) { return budget_.refusing(entries); }
  void push(const PendingEntry& entry) { pending_.push(entry); }
  // Drops pending records from `offset` on.
  void cut_pending(Offset offset);

  void release_idle() { pending_.trim(); }

  // ---- commit
  struct Applied {
    KeyIdentity identity;
    Offset offset;
    bool deleted = false;
  };
  // Moves at most `max_records` pending records below `durable_end` into the keydir. Returns the end of what is
  // applied: durable_end itself when none is left. `observe`, when set, hears of each record.
  Offset apply(Offset durable_end, Offset log_start, std::size_t max_records,
               const std::function<void(const Applied&)>& observe);

  // ---- loading
  // keydir.expected.keys: takes the keydir's memory ahead, as far as its budget reaches. Before anything is loaded.
  void expect(std::uint64_t keys);
  void load(std::span<const KeydirRaise> records);
  bool complete() const { return complete_; }
  void set_complete() { complete_ = true; }

  // ---- committed entries
  const Keydir& keydir() const { return keydir_; }
  Keydir& keydir() { return keydir_; }
  SegmentStatsTable& stats() { return stats_; }
  const SegmentStatsTable& stats() const { return stats_; }
  // Removes the entry if it still names `offset`, with its count.
  void remove_if(const KeyIdentity& identity, const KeydirEntry& entry);
  // Removes entries below `log_start` in slices; true when done.
  bool remove_below(Offset log_start, KeydirCursor& cursor, std::size_t max_shards);

 private:
  KeydirBudget& budget_;
  Keydir keydir_;
  Pending pending_;
  SegmentStatsTable stats_;
  bool complete_ = false;
  Offset strays_end_;                // among the pending records below this there may be strays
  std::vector<KeydirRaise> raises_;  // reused from slice to slice
  std::vector<RaiseOutcome> outcomes_;
};

}  // namespace logcask
