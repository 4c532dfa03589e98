#pragma once
// The last record among a rewrite's inputs of keys whose newest record lies at or above the bound.
//
// Keys that are written all the time always have their newest record in the active segment. The keydir alone then
// never names a newer record below the bound, and a few hot keys would fill the disk with versions that may not go.
// With this map the older versions among the inputs go, on the evidence of the last one, which stays.
//
// Bounded: of more keys than fit, the surplus is not remembered and their records stay. Owner: one rewrite; one thread.

#include <cstddef>
#include <vector>

#include "base/key_hash.h"
#include "base/types.h"

namespace logcask {

class HotKeys {
 public:
  // 24 bytes a slot; at 2^20 slots and 3/4 load 24 MiB for 786,000 keys.
  static constexpr std::size_t kSlotsMax = std::size_t{1} << 20;
  explicit HotKeys(std::size_t slots_max = kSlotsMax) : slots_max_(slots_max) {}

  // Keeps the highest offset of the identity.
  void note(const KeyIdentity& identity, Offset offset);
  // kNoOffset when the identity is not known.
  Offset last(const KeyIdentity& identity) const;
  std::size_t size() const { return size_; }
  // Keys that did not fit (counted once per record).
  std::size_t refused() const { return refused_; }

 private:
  struct Slot {
    KeyIdentity identity;
    Offset offset = kNoOffset;
  };
  Slot& slot_of(const KeyIdentity& identity);
  void grow();

  std::size_t slots_max_;
  std::vector<Slot> slots_;  // a power of two, linear probing
  std::size_t size_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace logcask
