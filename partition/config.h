#pragma once
// What a topic's settings mean to one of its partitions. Names, defaults and ranges as users see them are
// the broker's (docs/CONFIG.md); here they are plain numbers that the broker has already checked.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/types.h"
#include "proto/compression.h"
#include "proto/record_batch.h"

namespace logcask {

inline constexpr std::int64_t kUnlimited = -1;

enum class DeleteMode : std::uint8_t {
  drop,  // a tombstone goes when nothing older of its key can exist and its retention has passed
  keep,  // tombstones are never removed
};

enum class ReadVisibility : std::uint8_t {
  committed,  // readers see records that are on disk
  written,    // readers see records as soon as they are written; a power loss may take them back
};

// Hours of the day, local to the broker's clock in UTC; from == to means always.
struct CompactionWindow {
  std::uint8_t from_hour = 0;
  std::uint8_t to_hour = 0;
};

// How the topic spreads its keys over partitions, as a number of the broker's; kAnywhere: a key may be in any.
inline constexpr std::uint32_t kAnywhere = 0;

// A value: copied at every change of the topic's settings.
struct PartitionConfig {
  // cleanup.policy
  bool compacted = true;
  bool deletes = false;
  // Records need keys although there is no keydir: the topic is being made a compacted one.
  bool keys_required = false;

  std::int64_t segment_bytes = std::int64_t{1} << 30;  // segment.bytes, <= 2^31 - 1
  std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;    // segment.ms
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // retention.ms, -1 unlimited; only with deletes
  std::int64_t retention_bytes = kUnlimited;           // retention.bytes; only with deletes

  double min_cleanable_dirty_ratio = 0.5;  // min.cleanable.dirty.ratio
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = INT64_MAX;
  std::int64_t delete_retention_ms = 24LL * 3600 * 1000;
  std::int64_t compaction_dead_bytes = 512LL << 20;  // compaction.dead.bytes
  CompactionWindow compaction_window;
  DeleteMode delete_mode = DeleteMode::drop;

  std::optional<Compression> compression;  // compression.type; nothing = producer
  std::int64_t max_message_bytes = 1048588;
  std::string_view max_message_setting = "max.message.bytes";  // the setting that bounds it; a literal
  std::int64_t max_decompressed_bytes = 64LL << 20;            // of a produced batch; the broker's, not the topic's
  std::uint32_t placement = kAnywhere;  // batches that were checked under another one are refused
  TimestampType timestamp_type = TimestampType::create_time;
  std::int64_t flush_ms = 100;  // bounds how long anything stays unsynced
  std::int64_t flush_messages = INT64_MAX;
  ReadVisibility read_visibility = ReadVisibility::committed;

  // Budgets of one partition that are not topic settings.
  std::uint64_t expected_keys = 0;             // its share of keydir.expected.keys; 0: grow with the keys
  std::size_t tail_buffer_bytes = 32u << 20;   // unwritten and recently written batches kept in memory
  std::size_t pending_records_max = 4u << 20;  // records waiting for the disk
  std::int64_t offset_reserve = 1 << 20;       // offsets promised ahead in the sync log
  std::int64_t hint_spill_bytes = 64LL << 20;  // the active segment spills a partial hint at this distance
  std::int64_t max_producers = 100'000;
  std::int64_t producer_expiry_ms = 24LL * 3600 * 1000;
};

}  // namespace logcask
