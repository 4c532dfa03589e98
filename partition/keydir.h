#pragma once
// Keydir: key identity -> offset of the key's latest committed record, and whether that record is a
// tombstone. At most 20 bytes of memory per entry at any size, while growing too, however long keys are.
//
// Structure: extendible hashing over many small shards (partition/keydir_shard.h). The leading bits of
// an identity choose the shard through a directory; a full shard takes one more 4 KiB page, and with
// 16 pages splits into two of 8. So load stays between about 82 % and 94 %, growth never copies more
// than 64 KiB at once and no second table ever exists. 80 bits of an identity are compared (79 in the
// slot, the first one by the directory): two of a billion keys share them with a chance below 1e-6.
//
// Owner: a partition. Threads: none, the caller holds the partition's lock; keydirs of several
// partitions share arena and budget, which are thread-safe.
// Invariants: an entry's offset only ever rises (max()); offsets lie in [0, kMaxCompactedOffset].
// Only committed records belong here; the uncommitted tail waits in Pending.
// A miss is certain; a hit names a record whose full key the reader must compare (collisions).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/key_hash.h"
#include "base/types.h"
#include "partition/keydir_budget.h"
#include "partition/keydir_shard.h"
#include "partition/page_arena.h"

namespace logcask {

struct KeydirEntry {
  Offset offset = kNoOffset;
  bool deleted = false;
  friend bool operator==(const KeydirEntry&, const KeydirEntry&) = default;
};

enum class RaiseResult : std::uint8_t {
  inserted,  // the key had no entry
  raised,    // the entry named an older record, given as `previous`
  stale,     // the entry names this or a newer record, given as `previous`; nothing changed
};

struct RaiseOutcome {
  RaiseResult result = RaiseResult::stale;
  KeydirEntry previous;  // of raised and stale
};

struct KeydirRaise {
  KeyIdentity identity;
  Offset offset;
  bool deleted = false;
};

// Where a walk in slices stands. It names an identity, not a shard, so shards may split or merge and
// entries come and go between two slices: what exists during the whole walk is visited exactly once.
class KeydirCursor {
 public:
  bool done() const { return done_; }

 private:
  friend class Keydir;
  std::uint64_t next_ = 0;  // identities whose first 64 bits are below this have been visited
  bool done_ = false;
};

struct KeydirRemoved {
  std::uint64_t values = 0;
  std::uint64_t tombstones = 0;
};

class Keydir {
 public:
  // Both outlive the keydir. Costs no heap and no page until the first entry.
  Keydir(PageArena& arena, KeydirBudget& budget);
  ~Keydir();
  Keydir(const Keydir&) = delete;
  Keydir& operator=(const Keydir&) = delete;

  std::optional<KeydirEntry> find(const KeyIdentity& identity) const;
  // An entry lies within three cache lines of its home nearly always; an insert also moves the entries up
  // to the next empty slot.
  static constexpr int kFindLines = 3;
  static constexpr int kRaiseLines = 8;
  // Starts fetching the memory find() or raise() of this identity will touch.
  // Always inline: g++ takes a function that only prefetches for one without effects and drops its calls.
  [[gnu::always_inline]] void prefetch(const KeyIdentity& identity, int lines = kFindLines) const {
    if (directory_.empty()) return;
    const KeydirShard& shard = shard_of(identity);
    if (shard.pages == 0) return;
    const KeydirSlot* home = shard.slots + shard.home(KeydirSlot::of(identity));
    for (int line = 0; line < lines; ++line) __builtin_prefetch(home + 4 * line);
  }
  // out[i] = find(identities[i]); out must be as long. Probes overlap, so 64 cost far less than 64 finds.
  void find_batch(std::span<const KeyIdentity> identities, std::span<std::optional<KeydirEntry>> out) const;

  // Takes the memory of `expected_entries` now, as far as the budget lets it, and keeps it: until there are more,
  // hardly any insert lays entries out anew, and what the machine does not have shows at once. Only while empty; else,
  // or with 0, does nothing. Touches all of that memory. Removing entries gives back what lies above it, clear() gives
  // back all.
  void reserve(std::uint64_t expected_entries);

  // Applies by max(): the entry becomes {offset, deleted} when there is none or an older one. A tombstone of a key that
  // nobody knows makes an entry like any record, at a commit as when loading: so a restart changes no answer and no
  // count.
  RaiseOutcome raise(const KeyIdentity& identity, Offset offset, bool deleted);
  // raise() of each; outcomes, when not empty, must be as long. Returns how many entries were inserted.
  // Order is free: the result is the same. Records in identity order (as hints hold them), some dozens
  // per shard, are merged shard by shard, which is several times faster than one by one.
  std::size_t raise_batch(std::span<const KeydirRaise> records, std::span<RaiseOutcome> outcomes = {});
  // Removes the entry if it still names `offset`. True when it did.
  bool remove_if(const KeyIdentity& identity, Offset offset);
  // Retention: removes entries below `log_start` in at most `max_shards` shards (about 3,000 entries
  // each) from where `cursor` stands. `removed`, if set, hears of each.
  KeydirRemoved remove_below(Offset log_start, KeydirCursor& cursor, std::size_t max_shards,
                             const std::function<void(const KeydirEntry&)>& removed = {});
  // Visits entries in identity order, in at most `max_shards` shards. The identity's last 48 bits are
  // not kept and come as zero.
  void scan(KeydirCursor& cursor, std::size_t max_shards,
            const std::function<void(const KeyIdentity&, const KeydirEntry&)>& visit) const;
  void clear();

  // Two different keys met under this identity: compaction must keep all its records from now on.
  void mark_collided(const KeyIdentity& identity);
  bool is_collided(const KeyIdentity& identity) const;
  std::size_t collided_count() const { return collided_.size(); }

  std::size_t size() const { return size_; }
  std::size_t deleted_count() const { return deleted_; }
  std::size_t live_count() const { return size_ - deleted_; }
  // Pages plus directory: what this keydir adds to the process's memory.
  std::uint64_t memory_bytes() const;
  std::size_t shard_count() const { return shards_.size() - free_shards_.size(); }

 private:
  std::uint32_t directory_index(const KeyIdentity& identity) const {
    return static_cast<std::uint32_t>(identity.high >> (64 - depth_));
  }
  // Not before start().
  const KeydirShard& shard_of(const KeyIdentity& identity) const {
    return shards_[directory_[directory_index(identity)]];
  }
  KeydirShard& shard_of(const KeyIdentity& identity) { return shards_[directory_[directory_index(identity)]]; }

  void start();
  std::uint32_t pages_kept(const KeydirShard& shard) const {
    return shard.depth == reserved_depth_ ? reserved_pages_ : 0;
  }
  RaiseOutcome raise_uncharged(const KeyIdentity& identity, Offset offset, bool deleted);
  RaiseOutcome raise_slot(KeydirSlot& slot, Offset offset, bool deleted);
  void raise_one_by_one(std::span<const KeydirRaise> records, RaiseOutcome* outcomes);
  void raise_sorted(std::span<const KeydirRaise> records, RaiseOutcome* outcomes);
  void merge(std::span<const KeydirRaise> records, RaiseOutcome* outcomes);
  void make_room(const KeyIdentity& identity);
  bool may_split(const KeydirShard& shard) const;
  void split(const KeyIdentity& identity);
  void double_directory();
  std::uint32_t new_shard(std::uint32_t depth);
  void point_directory(const KeyIdentity& identity, std::uint32_t depth, std::uint32_t shard_number);
  void respread(KeydirShard& shard, std::uint32_t pages);
  void double_extent(KeydirShard& shard);
  void fill(KeydirShard& shard, const KeydirSlot* entries, std::uint32_t n);
  void set_pages(KeydirShard& shard, std::uint32_t pages);
  void drop_extent(KeydirShard& shard);
  void shrink(const KeyIdentity& identity);
  bool merge_with_sibling(const KeyIdentity& identity);
  void advance(KeydirCursor& cursor) const;

  PageArena& arena_;
  KeydirBudget& budget_;
  std::vector<std::uint32_t> directory_;  // 2^depth_ shard numbers, empty until the first entry
  std::vector<KeydirShard> shards_;
  std::vector<std::uint32_t> free_shards_;
  std::uint32_t depth_ = 1;
  // What reserve() asked for: no shard is cut less deep, and those of just this depth keep that many pages.
  std::uint32_t reserved_depth_ = 0;
  std::uint32_t reserved_pages_ = 0;
  std::uint64_t reserved_entries_ = 0;  // as the budget knows them
  std::size_t size_ = 0;
  std::size_t deleted_ = 0;
  std::uint64_t pages_ = 0;
  std::vector<KeyIdentity> collided_;  // cut to 80 bits, sorted
};

}  // namespace logcask
