#include "segment/record_cache.h"

#include <utility>

#include "base/check.h"

namespace logcask {
namespace {

constexpr std::uint64_t kAdmitOneIn = 8;
// How far the clock goes for a block that was cheap to make.
constexpr std::size_t kFewLooks = 4;
constexpr std::size_t kFirstTable = 64;
constexpr std::size_t kBatchMax = 64;
// A block's place in a table that is a third to two thirds full, and the allocator's head.
constexpr std::size_t kAllowance = 80;

}  // namespace

std::uint64_t RecordCache::hash_of(std::uint64_t key) {
  const std::uint64_t hash = key * 0x9E3779B97F4A7C15ull;
  return (hash ^ hash >> 32) * 0xD1B54A32D192ED03ull;
}

std::size_t RecordCache::Shard::home(std::uint64_t key) const {
  return static_cast<std::size_t>(hash_of(key) >> 24) & (table.size() - 1);
}

// The block's entry, or the empty one that ends the search. The table is not empty.
std::size_t RecordCache::Shard::place(std::uint64_t key) const {
  std::size_t at = home(key);
  while (table[at].key != key && table[at].key != 0) at = (at + 1) & (table.size() - 1);
  return at;
}

void RecordCache::find(std::span<const Key> keys, std::span<RecordBlockPtr> blocks) {
  LOGCASK_CHECK(keys.size() <= kBatchMax && blocks.size() >= keys.size());
  if (shard_bytes_ == 0) return;
  std::uint8_t shard_numbers[kBatchMax];
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    shard_numbers[i] = keys[i].bits == 0 ? kShards : static_cast<std::uint8_t>(shard_of(keys[i]));
    wanted |= 1u << shard_numbers[i];
  }
  for (std::size_t s = 0; s < kShards; ++s) {
    if ((wanted & 1u << s) == 0) continue;
    std::uint8_t mine[kBatchMax];
    std::size_t places[kBatchMax];
    std::size_t n = 0;
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (shard_numbers[i] == s) mine[n++] = static_cast<std::uint8_t>(i);
    Shard& shard = shards_[s];
    const std::lock_guard lock(shard.mutex);
    if (shard.table.empty()) continue;
    for (std::size_t j = 0; j < n; ++j) __builtin_prefetch(&shard.table[shard.home(keys[mine[j]].bits)], 1);
    for (std::size_t j = 0; j < n; ++j) {
      places[j] = shard.place(keys[mine[j]].bits);
      if (const RecordBlock* block = shard.table[places[j]].block.get()) __builtin_prefetch(block, 1);
    }
    for (std::size_t j = 0; j < n; ++j) {
      Entry& entry = shard.table[places[j]];
      if (!entry.block) continue;
      ++shard.hits;
      entry.used = true;
      blocks[mine[j]] = entry.block;
    }
  }
}

bool RecordCache::wants(Key key) {
  if (shard_bytes_ == 0) return false;
  Shard& shard = shards_[shard_of(key)];
  const std::lock_guard lock(shard.mutex);
  return ++shard.misses % kAdmitOneIn == 0 || !shard.full;
}

void RecordCache::insert(Key key, RecordBlockPtr block, Cost cost) {
  const std::size_t size = block->memory_bytes() + kAllowance;
  if (size > shard_bytes_) return;
  std::vector<RecordBlockPtr> dropped;  // freed after the lock
  Shard& shard = shards_[shard_of(key)];
  const std::lock_guard lock(shard.mutex);
  if (!shard.table.empty() && shard.table[shard.place(key.bits)].block) return;  // somebody was first
  const std::size_t looks = cost == Cost::decode ? 3 * shard.table.size() : kFewLooks;
  if (!make_room(shard, shard_bytes_ - size, looks, dropped)) return;
  if (3 * (shard.blocks + 1) > 2 * shard.table.size()) shard.grow();
  Entry& entry = shard.table[shard.place(key.bits)];
  entry.key = key.bits;
  entry.block = std::move(block);
  entry.bytes = static_cast<std::uint32_t>(size);
  entry.used = false;
  shard.bytes += size;
  ++shard.blocks;
}

// The clock: takes away second chances, then blocks, until at most `limit` bytes are left or it looked often enough.
bool RecordCache::make_room(Shard& shard, std::size_t limit, std::size_t looks, std::vector<RecordBlockPtr>& dropped) {
  while (shard.bytes > limit) {
    shard.full = true;
    // Empty places count little: the table is never less than a third full once blocks go.
    if (looks-- == 0) return false;
    while (!shard.table[shard.hand].block) shard.hand = (shard.hand + 1) & (shard.table.size() - 1);
    Entry& entry = shard.table[shard.hand];
    if (std::exchange(entry.used, false)) {
      shard.hand = (shard.hand + 1) & (shard.table.size() - 1);
    } else {
      dropped.push_back(shard.remove(shard.hand));  // what moves up here is looked at next
    }
  }
  return true;
}

void RecordCache::Shard::grow() {
  std::vector<Entry> before(table.empty() ? kFirstTable : 2 * table.size());
  before.swap(table);
  hand = 0;
  for (Entry& entry : before)
    if (entry.block) table[place(entry.key)] = std::move(entry);
}

RecordBlockPtr RecordCache::Shard::remove(std::size_t at) {
  const std::size_t mask = table.size() - 1;
  bytes -= table[at].bytes;
  --blocks;
  RecordBlockPtr block = std::move(table[at].block);
  // What follows without a gap moves up, unless that would put it before its home.
  std::size_t gap = at;
  for (std::size_t next = (gap + 1) & mask; table[next].key != 0; next = (next + 1) & mask) {
    if (((next - home(table[next].key)) & mask) < ((next - gap) & mask)) continue;
    table[gap] = std::move(table[next]);
    gap = next;
  }
  table[gap] = Entry();
  return block;
}

RecordCache::Stats RecordCache::stats() const {
  Stats sum;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum.bytes += shard.bytes;
    sum.blocks += shard.blocks;
    sum.hits += shard.hits;
    sum.misses += shard.misses;
  }
  return sum;
}

}  // namespace logcask
