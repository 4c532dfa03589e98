#pragma once
// One shard of a keydir: its entries sorted by identity, with gaps, in one extent of the arena.
//
// An entry's home is its identity scaled to the slots of the shard, so entries in identity order are
// also in home order, and an entry lies at its home or as near behind it as its neighbours allow.
// Growing by a page is therefore one pass that spreads the sequence over more slots, and cutting a
// shard in two cuts the sequence in two. When the sequence would run past the last slot its end is
// pushed forward instead (`pushed`), so a shard works up to the last slot whatever its identities are.
//
// Owner: Keydir, which also takes and returns the pages. Threads: none.
// Invariants: every slot between an entry and its home is taken; an entry before its home (only when
// `pushed`) has no empty slot behind it.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/key_hash.h"
#include "base/types.h"

namespace logcask {

// 79 bits of identity (bits 126..48: the shard knows bit 127), the deleted flag, offset + 1 in 48 bits.
// An empty slot has offset bits 0 and all-one identity bits, so that a scan for "not below" stops there.
struct KeydirSlot {
  std::uint64_t high;  // identity bits 126..63
  std::uint64_t low;   // identity bits 62..48, deleted, offset + 1

  static constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint64_t kDeletedBit = std::uint64_t{1} << 48;
  static constexpr std::uint64_t kIdentityMask = ~(kOffsetMask | kDeletedBit);

  static KeydirSlot of(const KeyIdentity& identity) {
    return {(identity.high << 1) | (identity.low >> 63), (identity.low << 1) & kIdentityMask};
  }
  static KeydirSlot none() { return {~std::uint64_t{0}, 0}; }
  bool empty() const { return (low & kOffsetMask) == 0; }
  bool deleted() const { return (low & kDeletedBit) != 0; }
  Offset offset() const { return Offset(static_cast<std::int64_t>(low & kOffsetMask) - 1); }
  void set(Offset offset, bool is_deleted) {
    low = (low & kIdentityMask) | (is_deleted ? kDeletedBit : 0) | static_cast<std::uint64_t>(offset.value() + 1);
  }
  bool same_key(const KeydirSlot& other) const {
    return high == other.high && ((low ^ other.low) & kIdentityMask) == 0;
  }
  bool before(const KeydirSlot& other) const {
    return high < other.high || (high == other.high && (low & kIdentityMask) < (other.low & kIdentityMask));
  }
};
static_assert(sizeof(KeydirSlot) == 16);

struct KeydirShard {
  static constexpr std::uint32_t kSlotsPerPage = 256;

  KeydirSlot* slots = nullptr;  // null while the shard has no extent
  std::uint32_t count = 0;
  std::uint16_t pages = 0;      // in use
  std::uint16_t doublings : 5;  // its extent has 16 << doublings pages of address space
  std::uint16_t depth : 5;      // leading identity bits that all its entries share
  std::uint16_t pushed : 1;     // the last entries may lie before their home

  KeydirShard() : doublings(0), depth(1), pushed(0) {}

  std::uint32_t capacity() const { return pages * kSlotsPerPage; }
  KeydirSlot* end() const { return slots + capacity(); }

  // The slot an entry of this identity wants. Not the last few, so that `pushed` is rare. pages > 0.
  std::uint32_t home(const KeydirSlot& key) const {
    const std::uint64_t usable = capacity() - std::min(24u, pages * 8u);
    return static_cast<std::uint32_t>((((key.high << (depth - 1)) >> 32) * usable) >> 32);
  }
  // Where `key` is, or would be put: an empty slot, the first greater entry, or end(). pages > 0.
  KeydirSlot* lower_bound(const KeydirSlot& key) const {
    KeydirSlot* at = slots + home(key);
    if (pushed && !at->empty())
      while (at > slots && !at[-1].empty() && !at[-1].before(key)) --at;
    KeydirSlot* const last = end();
    while (at < last && at->high < key.high) ++at;
    while (at < last && at->before(key) && !at->empty()) ++at;
    return at;
  }
  bool names(const KeydirSlot* at, const KeydirSlot& key) const {
    return at < end() && at->same_key(key) && !at->empty();
  }
  KeydirSlot* find(const KeydirSlot& key) const {
    if (pages == 0) return nullptr;
    KeydirSlot* at = lower_bound(key);
    return names(at, key) ? at : nullptr;
  }
  // Adds an entry that is not there; `at` = lower_bound(entry). There must be an empty slot.
  void insert(KeydirSlot* at, const KeydirSlot& entry);
  // Removes the entry at `at`. `scratch` has room for `count` entries.
  void erase(KeydirSlot* at, KeydirSlot* scratch);
  // Copies the entries in order to `out`; returns their number.
  std::uint32_t gather(KeydirSlot* out) const;
  // Forgets what the slots hold and spreads `n` sorted entries (outside this shard) over its pages.
  void place(const KeydirSlot* entries, std::uint32_t n);
};
static_assert(sizeof(KeydirShard) == 16);

}  // namespace logcask
