#pragma once
// What one key costs: in RAM, where the size of its value has no part, and on disk beside key and value.
//
// Bitcask keeps the key itself beside a fixed entry; Logcask keeps an identity of fixed size, so a key's length does
// not matter. All sums of this folder take a KeydirCost and know of no other one. Values and pure functions, any
// thread.

#include <cstdint>
#include <optional>
#include <string_view>

namespace logcask::sizing {

// Of a record on disk beside key and value. Bitcask: CRC, time, key size, value size.
inline constexpr double kBitcaskRecordOverhead = 16;
// Lengths, flags and deltas of a record in a batch of many: 126.1 bytes a record for keys of 16 and values of 100
// (bench/RESULTS.md, compaction: 12,612,848 bytes of 100,000 records).
inline constexpr double kLogcaskRecordOverhead = 10;
// Of an entry in a hint (docs/FORMAT.md, "Hint").
inline constexpr double kHintEntryBytes = 24;
// Bitcask's default: files are merged at 60 % of dead bytes.
inline constexpr double kBitcaskDeadShare = 0.6;

struct KeydirCost {
  std::string_view name;  // "logcask"
  double entry_bytes = 0;
  bool holds_key = false;      // the key's bytes come on top
  double partition_bytes = 0;  // resident on top of the entries, in each partition that has a key
  double record_overhead = kBitcaskRecordOverhead;
  double hint_bytes = 0;  // a key
  // Share of dead records at which files are merged. Nothing: the workload's dead-percent, and what our broker
  // promises of the disk.
  std::optional<double> dead_share = kBitcaskDeadShare;

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
// A table begins with two pages of 4 KiB. No budget counts them, and the verdict does not: it is the broker's answer
// to new keys, which follows entries. A test holds a growing table below both together at every size.
inline constexpr std::uint64_t kLogcaskPartitionBytes = 8192;
inline constexpr KeydirCost kLogcask{"logcask",
                                     static_cast<double>(kLogcaskEntryBytes),
                                     false,
                                     static_cast<double>(kLogcaskPartitionBytes),
                                     kLogcaskRecordOverhead,
                                     kHintEntryBytes,
                                     std::nullopt};
// The highest of that table.
inline constexpr double kLogcaskMeasuredHigh = 18.86;

// The planning constant that Riak publishes for Bitcask: an entry of 20 bytes (file 4, value size 4, position 8, time
// 4), about 24.5 of hash table and allocator, and the key.
inline constexpr KeydirCost kBitcask{"bitcask", 44.5, true};

// The sum of notes on the paper: an entry of 16 bytes and the key, without the table that holds them.
inline constexpr KeydirCost kBareEntry{"bare-entry", 16, true};

// "logcask", "bitcask" or "bare-entry"; nullptr for any other name.
const KeydirCost* cost_model(std::string_view name);

}  // namespace logcask::sizing
