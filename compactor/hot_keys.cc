#include "compactor/hot_keys.h"

#include <algorithm>
#include <utility>

namespace logcask {
namespace {

constexpr std::size_t kSlotsMin = 64;

bool too_full(std::size_t used, std::size_t slots) { return used * 4 > slots * 3; }

}  // namespace

HotKeys::Slot& HotKeys::slot_of(const KeyIdentity& identity) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(identity.low) & mask;
  while (slots_[at].offset != kNoOffset && slots_[at].identity != identity) at = (at + 1) & mask;
  return slots_[at];
}

void HotKeys::note(const KeyIdentity& identity, Offset offset) {
  if (slots_.empty()) slots_.resize(std::min(kSlotsMin, slots_max_));
  Slot* slot = &slot_of(identity);
  if (slot->offset == kNoOffset) {
    if (too_full(size_ + 1, slots_.size())) {
      if (slots_.size() * 2 > slots_max_) {
        ++refused_;
        return;
      }
      grow();
      slot = &slot_of(identity);
    }
    slot->identity = identity;
    ++size_;
  }
  slot->offset = std::max(slot->offset, offset);
}

Offset HotKeys::last(const KeyIdentity& identity) const {
  if (slots_.empty()) return kNoOffset;
  return const_cast<HotKeys*>(this)->slot_of(identity).offset;
}

void HotKeys::grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old)
    if (slot.offset != kNoOffset) slot_of(slot.identity) = slot;
}

}  // namespace logcask
