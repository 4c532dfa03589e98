#pragma once
// Blocks of records that lookups read, kept in memory: broker-wide, bounded in bytes, empty until the first lookup.
//
// Keyed by segment and file position. A segment's instance id never returns and a segment's bytes never change, so an
// entry cannot be stale: a rewritten, cut or deleted segment's blocks are asked for no more and leave first.
// Second chance (a clock) in 8 shards, each one hash table behind one lock. Once full, a block that was cheap to make
// (`Cost::read`) gets in once in eight misses, and only over blocks nobody asked for since the clock last came by: a
// sweep over all keys of a large topic neither flushes the cache nor pays for entering it. Fetch, replay and
// compaction do not pass here at all. A block larger than a shard's share is never kept.
// The bound counts the blocks' memory and an allowance for each one's place in the table. Safe from any thread.

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "segment/record_block.h"

namespace logcask {

class RecordCache {
 public:
  // What it took to make a block, and so what it may push out.
  enum class Cost : std::uint8_t {
    read,    // one read of a few KiB
    decode,  // decompression of a batch
  };
  // Where a block lies. `segment` is its instance id, both below 2^32.
  struct Key {
    Key() = default;
    Key(std::uint64_t segment, std::uint64_t position) : bits(segment << 32 | position) {}
    std::uint64_t bits = 0;  // 0 = none: no segment has that id
  };
  struct Stats {
    std::uint64_t bytes = 0;
    std::uint64_t blocks = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };

  explicit RecordCache(std::size_t max_bytes) : shard_bytes_(max_bytes / kShards) {}
  RecordCache(const RecordCache&) = delete;
  RecordCache& operator=(const RecordCache&) = delete;

  // Null when it is not there.
  RecordBlockPtr find(Key key) {
    RecordBlockPtr block;
    find({&key, 1}, {&block, 1});
    return block;
  }
  // blocks[i] = find(keys[i]), at most 64 of them; none for the key that is none. Probes overlap.
  void find(std::span<const Key> keys, std::span<RecordBlockPtr> blocks);
  // After a miss: is making a block of `Cost::read` for this place worth it? Counts the miss.
  bool wants(Key key);
  void insert(Key key, RecordBlockPtr block, Cost cost);

  std::size_t bytes() const { return stats().bytes; }
  Stats stats() const;

 private:
  static constexpr std::size_t kShards = 8;

  struct Entry {
    std::uint64_t key = 0;  // Key::bits; 0 = empty
    RecordBlockPtr block;
    std::uint32_t bytes = 0;
    bool used = false;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::vector<Entry> table;  // linear probing, at most two thirds full; size a power of two
    std::size_t hand = 0;
    std::size_t bytes = 0;
    std::uint64_t blocks = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    bool full = false;  // something was turned away or pushed out

    std::size_t home(std::uint64_t key) const;
    std::size_t place(std::uint64_t key) const;
    void grow();
    RecordBlockPtr remove(std::size_t at);
  };
  static std::uint64_t hash_of(std::uint64_t key);
  static std::size_t shard_of(Key key) { return hash_of(key.bits) >> 61; }
  static bool make_room(Shard& shard, std::size_t limit, std::size_t looks, std::vector<RecordBlockPtr>& dropped);

  const std::size_t shard_bytes_;
  Shard shards_[kShards];
};

}  // namespace logcask
