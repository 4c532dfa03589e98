#include "partition/key_index.h"

#include <unordered_set>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {

KeyIndex::KeyIndex(PageArena& arena, KeydirBudget& budget, const PendingLimits& limits)
    : budget_(budget), keydir_(arena, budget), pending_(limits) {}

KeyState KeyIndex::newest(const KeyIdentity& identity) {
  if (const PendingEntry* entry = pending_.newest(identity)) return {entry->offset, entry->tombstone != 0, true};
  if (const auto entry = keydir_.find(identity)) return {entry->offset, entry->deleted, false};
  return {};
}

void KeyIndex::newest_for_others(std::span<const KeyIdentity> identities, std::span<KeyState> out) {
  constexpr std::size_t kTogether = 64;
  const bool strays = pending_.oldest() < strays_end_;
  std::optional<KeydirEntry> entries[kTogether];
  for (std::size_t start = 0; start < identities.size(); start += kTogether) {
    const std::size_t n = std::min(kTogether, identities.size() - start);
    keydir_.find_batch(identities.subspan(start, n), {entries, n});
    for (std::size_t i = 0; i < n; ++i) {
      const auto& entry = entries[i];
      out[start + i] = entry ? KeyState{entry->offset, entry->deleted, false} : KeyState();
      if (!strays) continue;
      if (const PendingEntry* newer = pending_.newest(identities[start + i]))
        out[start + i] = {newer->offset, newer->tombstone != 0, true};
    }
  }
}

std::optional<KeydirEntry> KeyIndex::newest_below(const KeyIdentity& identity, Offset end) {
  for (const PendingEntry* entry = pending_.newest(identity); entry; entry = pending_.previous(*entry))
    if (entry->offset < end) return KeydirEntry{entry->offset, entry->tombstone != 0};
  return keydir_.find(identity);
}

std::vector<std::uint32_t> KeyIndex::reserve(std::span<const KeyIdentity> identities, std::vector<bool>& creates) {
  // First as if every record created a key: true or not, it fits nearly always and costs no probe.
  creates.assign(identities.size(), true);
  if (budget_.try_reserve(identities.size())) return {};

  std::vector<std::uint32_t> creating;
  std::unordered_set<KeyIdentity> created;
  for (std::size_t i = 0; i < identities.size(); ++i) {
    creates[i] = newest(identities[i]).offset == kNoOffset && created.insert(identities[i]).second;
    if (creates[i]) creating.push_back(static_cast<std::uint32_t>(i));
  }
  if (budget_.try_reserve(creating.size())) return {};
  return creating;
}

void KeyIndex::cut_pending(Offset offset) {
  std::size_t reserved = 0;
  pending_.drop_from(offset, [&](const PendingEntry& entry) { reserved += entry.creates; });
  budget_.release(reserved);
}

Offset KeyIndex::apply(Offset durable_end, Offset log_start, std::size_t max_records,
                       const std::function<void(const Applied&)>& observe) {
  raises_.clear();
  std::size_t reserved = 0;
  Offset end = durable_end;
  const std::size_t popped =
      pending_.pop_committed(durable_end, max_records, [&](std::span<const PendingEntry> entries) {
        for (const PendingEntry& entry : entries) {
          reserved += entry.creates;
          end = entry.offset + 1;
          if (mutant(Mutant::unknown_delete_forgotten) && entry.tombstone && !keydir_.find(entry.identity)) continue;
          if (entry.offset >= log_start) raises_.push_back({entry.identity, entry.offset, entry.tombstone != 0});
        }
      });
  budget_.release(reserved);
  outcomes_.resize(raises_.size());
  keydir_.raise_batch(raises_, outcomes_);
  for (std::size_t i = 0; i < raises_.size(); ++i) {
    stats_.on_raise(raises_[i].offset, raises_[i].deleted, outcomes_[i]);
    if (observe) observe({raises_[i].identity, raises_[i].offset, raises_[i].deleted});
  }
  return popped < max_records ? durable_end : end;
}

void KeyIndex::expect(std::uint64_t keys) { keydir_.reserve(keys); }

void KeyIndex::load(std::span<const KeydirRaise> records) {
  outcomes_.resize(records.size());
  keydir_.raise_batch(records, outcomes_);
  for (std::size_t i = 0; i < records.size(); ++i) stats_.on_raise(records[i].offset, records[i].deleted, outcomes_[i]);
}

void KeyIndex::remove_if(const KeyIdentity& identity, const KeydirEntry& entry) {
  if (keydir_.remove_if(identity, entry.offset)) stats_.on_remove(entry);
}

bool KeyIndex::remove_below(Offset log_start, KeydirCursor& cursor, std::size_t max_shards) {
  keydir_.remove_below(log_start, cursor, max_shards, [&](const KeydirEntry& entry) { stats_.on_remove(entry); });
  return cursor.done();
}

}  // namespace logcask
