#pragma once
// One shard of a keydir: its entries sorted by identity, with gaps, in one extent of the arena.
//
// An entry's home is its identity scaled to the slots of the shard, so entries in identity order are
// also in home order, and an entry lies at its home or as near behind it as its neighbours allow.
// Growing by a page is therefore one pass that spreads the sequence over more slots, and cutting a
// shard in two cuts the sequence in two. When the sequence would run past the last slot its end is
// pushed forward instead (`pushed`), so a shard works up to the last slot whatever its identities are.
//
// Owner: Keydir. Single-threaded. Invariant between calls: 0 < count < slots when pages > 0.

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
  static constexpr std::uint64_t kEmptyHigh = ~std::uint64_t{0};

  static KeydirSlot of(const KeyIdentity& identity) {
    return {(identity.high << 1) | (identity.low >> 63), (identity.low << 1) & kIdentityMask};
  }
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

  KeydirSlot* slots = nullptr;  // null while the shard has no page
  std::uint32_t count = 0;
  std::uint16_t pages = 0;       // in use
  std::uint16_t max_pages : 10;  // address space
  std::uint16_t depth : 5;       // leading identity bits all its entries share
  std::uint16_t pushed : 1;      // the last entries may lie before their home

  KeydirShard() : max_pages(0), depth(1), pushed(0) {}
  std::uint32_t capacity() const { return pages * kSlotsPerPage; }

  // The slot an entry of this identity wants.
  std::uint32_t home(const KeydirSlot& key) const;
  // The slot that holds `key`, or null.
  KeydirSlot* find(const KeydirSlot& key) const;
  // Adds an entry that is not there. There must be an empty slot.
  void insert(const KeydirSlot& entry);
  // Removes what `at` (from find) names.
  void erase(KeydirSlot* at);
  // Copies the entries in order to `out`; returns their number.
  std::uint32_t gather(KeydirSlot* out) const;
  // Forgets what the slots hold and spreads `n` sorted entries over the pages in use.
  void place(const KeydirSlot* entries, std::uint32_t n);
};
static_assert(sizeof(KeydirShard) == 16);

}  // namespace logcask
