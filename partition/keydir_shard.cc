#include "partition/keydir_shard.h"

#include <cstring>

#include "base/check.h"

namespace logcask {
namespace {

void move_slots(KeydirSlot* to, const KeydirSlot* from, std::ptrdiff_t n) {
  std::memmove(to, from, static_cast<std::size_t>(n) * sizeof(KeydirSlot));
}

}  // namespace

void KeydirShard::insert(KeydirSlot* at, const KeydirSlot& entry) {
  KeydirSlot* const last = end();
  KeydirSlot* gap = at;
  while (gap < last && !gap->empty()) ++gap;
  if (gap < last) {
    move_slots(at + 1, at, gap - at);
    *at = entry;
  } else {
    gap = at - 1;
    while (gap >= slots && !gap->empty()) --gap;
    LOGCASK_CHECK(gap >= slots);
    move_slots(gap, gap + 1, at - 1 - gap);
    at[-1] = entry;
    pushed = 1;
  }
  ++count;
}

void KeydirShard::erase(KeydirSlot* at, KeydirSlot* scratch) {
  if (pushed) {
    *at = KeydirSlot::none();
    place(scratch, gather(scratch));
    return;
  }
  // Entries behind it that are not at home come one slot nearer.
  KeydirSlot* behind = at + 1;
  while (behind < end() && !behind->empty() && home(*behind) < static_cast<std::uint32_t>(behind - slots)) ++behind;
  move_slots(at, at + 1, behind - at - 1);
  behind[-1] = KeydirSlot::none();
  --count;
}

std::uint32_t KeydirShard::gather(KeydirSlot* out) const {
  KeydirSlot* to = out;
  for (const KeydirSlot* from = slots; from < end(); ++from) {
    *to = *from;
    to += from->empty() ? 0 : 1;
  }
  return static_cast<std::uint32_t>(to - out);
}

void KeydirShard::place(const KeydirSlot* entries, std::uint32_t n) {
  const std::uint32_t total = capacity();
  LOGCASK_CHECK(n <= total);
  std::uint32_t next = 0;
  bool is_pushed = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t wanted = home(entries[i]);
    const std::uint32_t latest = total - n + i;  // leaves a slot for every entry that follows
    const std::uint32_t position = std::min(std::max(wanted, next), latest);
    is_pushed |= position < wanted;
    while (next < position) slots[next++] = KeydirSlot::none();
    slots[next++] = entries[i];
  }
  while (next < total) slots[next++] = KeydirSlot::none();
  count = n;
  pushed = is_pushed;
}

}  // namespace logcask
