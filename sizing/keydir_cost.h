#pragma once
// What one key costs in RAM. The size of its value has no part in it.
//
// Bitcask keeps the key itself beside a fixed entry; Logcask keeps an identity of fixed size, so a key's length does
// not matter. All sums of this folder take a KeydirCost and know of no other one. Values and pure functions, any
// thread.

#include <cstdint>
#include <string_view>

namespace logcask::sizing {

struct KeydirCost {
  std::string_view name;  // "logcask"
  double entry_bytes = 0;
  bool holds_key = false;  // the key's bytes come on top

  double per_key(std::uint64_t key_bytes) const {
    return entry_bytes + (holds_key ? static_cast<double>(key_bytes) : 0);
  }
  double ram(std::uint64_t keys, std::uint64_t key_bytes) const {
    return static_cast<double>(keys) * per_key(key_bytes);
  }
};

// Logcask's: 16 bytes a slot, and the slack of shards that are 82 to 94 % full. Growth adds one page of 4 KiB to a
// shard, or splits a full one of 64 KiB: no table doubles, so the peak while growing is the end (docs/decisions/0001).
// Measured by bench/keydir_bench.cc: 17.6 to 18.9 bytes over 1 to 50 million entries, keys of 16 and of 64 bytes alike
// (bench/RESULTS.md); a test holds it below this figure from 100,000 entries up. The budget counts this figure.
inline constexpr std::uint64_t kLogcaskEntryBytes = 20;
inline constexpr KeydirCost kLogcask{"logcask", static_cast<double>(kLogcaskEntryBytes), false};
// The lowest and the highest of that table.
inline constexpr double kLogcaskMeasuredLow = 17.58;
inline constexpr double kLogcaskMeasuredHigh = 18.86;

// The planning constant that Riak publishes for Bitcask: an entry of 20 bytes (file 4, value size 4, position 8, time
// 4), about 24.5 of hash table and allocator, and the key.
inline constexpr double kBitcaskEntryPayload = 4 + 4 + 8 + 4;
inline constexpr KeydirCost kBitcask{"bitcask", 44.5, true};

// The sum of notes on the paper: an entry of 16 bytes and the key, without the table that holds them.
inline constexpr KeydirCost kBareEntry{"bare-entry", 16, true};

// "About 50 bytes a key" for stores written in C or Rust, the key within.
inline constexpr KeydirCost kRuleOfThumb{"rule-of-thumb", 50, false};

// "logcask", "bitcask" or "bare-entry"; nullptr for any other name.
const KeydirCost* cost_model(std::string_view name);

}  // namespace logcask::sizing
