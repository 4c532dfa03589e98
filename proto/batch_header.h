#pragma once
// The 61 bytes in front of every record batch, and the fields of them that are patched in place.
//
// Owns nothing, keeps no state: every function may be called from any thread on bytes nobody else writes.
// A BatchHeader from decode_batch_header never overflows last_offset() or next_offset().

#include <cstdint>

#include "base/result.h"
#include "base/types.h"
#include "proto/compression.h"

namespace logcask {

// baseOffset i64 | batchLength i32 | leaderEpoch i32 | magic i8 | crc u32 | attributes i16 |
// lastOffsetDelta i32 | baseTimestamp i64 | maxTimestamp i64 | producerId i64 | producerEpoch i16 |
// baseSequence i32 | recordCount i32 | records. The CRC covers attributes to the end.
inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::size_t kBatchCrcStart = 21;
// baseOffset and batchLength; batchLength counts what follows them.
inline constexpr std::size_t kBatchLengthEnd = 12;

enum class TimestampType : std::uint8_t { create_time = 0, log_append_time = 1 };

struct BatchHeader {
  Offset base_offset;
  std::int32_t batch_length = 0;
  LeaderEpoch leader_epoch;
  std::uint32_t crc = 0;
  std::uint16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  TimestampMs base_timestamp;
  TimestampMs max_timestamp;
  ProducerId producer_id = kNoProducer;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;

  std::size_t total_bytes() const { return kBatchLengthEnd + static_cast<std::size_t>(batch_length); }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return last_offset() + 1; }
  Compression compression() const { return static_cast<Compression>(attributes & 7); }
  TimestampType timestamp_type() const { return static_cast<TimestampType>((attributes >> 3) & 1); }
  bool transactional() const { return (attributes & 0x10) != 0; }
  bool control() const { return (attributes & 0x20) != 0; }
  bool has_delete_horizon() const { return (attributes & 0x40) != 0; }
  bool has_producer() const { return producer_id != kNoProducer; }
};

// Reads the 61 header bytes and checks what can be checked without the body: magic 2, length >= 49,
// codec known, last_offset_delta >= 0, record_count >= 0, base offset within 0..2^63-2^32. `bytes` may be longer or,
// when only the header is at hand, shorter than the batch. corrupt_message names the field.
Result<BatchHeader> decode_batch_header(ByteView bytes);

// True when the CRC of a whole batch holds. `batch` is exactly header.total_bytes() long.
bool batch_crc_holds(ByteView batch);

// In-place patches of the fields outside the CRC.
void patch_base_offset(char* batch, Offset base_offset);
void patch_leader_epoch(char* batch, LeaderEpoch epoch);
// Re-stamps the batch as LogAppendTime (attribute bit 3, max timestamp) and redoes the CRC.
void stamp_log_append_time(char* batch, std::size_t batch_bytes, TimestampMs now);
// Corrects the max timestamp of a client that counted wrong (CheckedBatch::max_timestamp) and redoes the CRC.
void patch_max_timestamp(char* batch, std::size_t batch_bytes, TimestampMs max_timestamp);

}  // namespace logcask
