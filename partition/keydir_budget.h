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

#include <atomic>
#include <cstdint>

namespace logcask {

// What one entry costs, table slack and growth included; asserted by tests and bench/keydir_bench.
inline constexpr std::uint64_t kKeydirBytesPerEntry = 20;

class KeydirBudget {
 public:
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

  // `parent`, if any, outlives this one and counts everything counted here.
  explicit KeydirBudget(std::uint64_t limit_bytes = kUnlimited, KeydirBudget* parent = nullptr);
  KeydirBudget(const KeydirBudget&) = delete;
  KeydirBudget& operator=(const KeydirBudget&) = delete;

  // True when `entries` more fit here and in every parent; they are counted then.
  bool try_reserve(std::uint64_t entries);
  // Counts without asking: entries that exist already.
  void charge(std::uint64_t entries);
  void release(std::uint64_t entries);

  void set_limit_bytes(std::uint64_t limit_bytes);
  std::uint64_t used_entries() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t used_bytes() const { return used_entries() * kKeydirBytesPerEntry; }
  std::uint64_t limit_entries() const { return limit_.load(std::memory_order_relaxed); }
  std::uint64_t limit_bytes() const;

 private:
  std::atomic<std::uint64_t> limit_;  // entries
  std::atomic<std::uint64_t> used_{0};
  KeydirBudget* const parent_;
};

}  // namespace logcask
