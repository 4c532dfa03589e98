#pragma once
// How many keydir entries may exist: one budget for the broker (`keydir.total.max.bytes`), one below
// it per topic (`keydir.max.bytes`). Bytes become entries by kKeydirBytesPerEntry.
//
// Counted are the entries of all keydirs (each Keydir charges its own) and the creates that still
// wait in pending (their partition reserves them at append and releases them when they have been
// committed or dropped; the entry they became is then charged by the keydir). New keys are refused
// at the limit, existing data is always loaded and counted, so `used` may pass the limit.
//
// Threads: any. Two threads that race for the last entry may both be refused, never both served.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/types.h"
#include "sizing/keydir_cost.h"

namespace logcask {

// What one entry costs, table slack and growth included; asserted by tests and bench/keydir_bench. Plans count it, too.
inline constexpr std::uint64_t kKeydirBytesPerEntry = sizing::kLogcaskEntryBytes;

class KeydirBudget {
 public:
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

  // `parent`, if any, outlives this one and counts everything counted here. `setting` is what an operator raises.
  explicit KeydirBudget(std::uint64_t limit_bytes = kUnlimited, KeydirBudget* parent = nullptr,
                        std::string setting = "keydir.max.bytes");
  KeydirBudget(const KeydirBudget&) = delete;
  KeydirBudget& operator=(const KeydirBudget&) = delete;

  // True when `entries` more fit here and in every parent; they are counted then.
  bool try_reserve(std::uint64_t entries);
  // Counts without asking: entries that exist already.
  void charge(std::uint64_t entries);
  void release(std::uint64_t entries);

  // After try_reserve() has refused so many: this budget, or the one above it that has no room for them.
  KeydirBudget& refusing(std::uint64_t entries);
  // "keydir.total.max.bytes (1048576 bytes, 1048560 in use)"
  std::string describe() const;

  // What was refused for want of this budget, until it is forgotten. Not on a hot path.
  struct Refusals {
    TimestampMs since{0}, last{0};
    std::uint64_t records = 0;
  };
  void note_refused(std::uint64_t records, TimestampMs now);
  std::optional<Refusals> refusals() const;
  void forget_refusals();

  // Entries whose memory a keydir takes ahead: at most `entries`, and no more than this budget and every parent allow
  // to all that is taken ahead together. Returns how many it may be; they are counted until given back.
  std::uint64_t take_ahead(std::uint64_t entries);
  void give_back_ahead(std::uint64_t entries);
  // What takes memory: entries, or what was taken ahead where that is more.
  std::uint64_t claimed_entries() const { return std::max(used_entries(), ahead_.load(std::memory_order_relaxed)); }

  void set_limit_bytes(std::uint64_t limit_bytes);
  std::uint64_t used_entries() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t used_bytes() const { return used_entries() * kKeydirBytesPerEntry; }
  std::uint64_t limit_entries() const { return limit_.load(std::memory_order_relaxed); }
  std::uint64_t limit_bytes() const;

 private:
  std::atomic<std::uint64_t> limit_;  // entries
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> ahead_{0};
  KeydirBudget* const parent_;
  const std::string setting_;
  std::atomic<std::uint64_t> refused_records_{0};
  std::atomic<std::int64_t> refused_since_ms_{0};
  std::atomic<std::int64_t> refused_last_ms_{0};
};

}  // namespace logcask
