#include "proto/batch_header.h"

#include <limits>

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::size_t kBatchLengthAt = 8;
constexpr std::size_t kLeaderEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kBaseTimestampAt = 27;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::size_t kProducerIdAt = 43;
constexpr std::size_t kProducerEpochAt = 51;
constexpr std::size_t kBaseSequenceAt = 53;
constexpr std::size_t kRecordCountAt = 57;

constexpr std::int8_t kMagic = 2;
constexpr std::int32_t kMinBatchLength = kBatchHeaderBytes - kBatchLengthEnd;
constexpr std::uint16_t kLogAppendTimeBit = 8;
// Leaves room for base + 2^31 + 1.
constexpr std::int64_t kMaxBaseOffset = std::numeric_limits<std::int64_t>::max() - (std::int64_t{1} << 32) + 1;

Error bad_field(const char* field, std::int64_t value, const char* want) {
  return Error{Errc::corrupt_message,
               std::string("batch header: ") + field + " is " + std::to_string(value) + ", want " + want};
}

void redo_crc(char* batch, std::size_t batch_bytes) {
  store_be(batch + kCrcAt, crc32c(ByteView(batch + kBatchCrcStart, batch_bytes - kBatchCrcStart)));
}

BatchHeader load_fields(const char* at) {
  BatchHeader header;
  header.base_offset = Offset(load_be<std::int64_t>(at));
  header.batch_length = load_be<std::int32_t>(at + kBatchLengthAt);
  header.leader_epoch = LeaderEpoch(load_be<std::int32_t>(at + kLeaderEpochAt));
  header.crc = load_be<std::uint32_t>(at + kCrcAt);
  header.attributes = load_be<std::uint16_t>(at + kAttributesAt);
  header.last_offset_delta = load_be<std::int32_t>(at + kLastOffsetDeltaAt);
  header.base_timestamp = TimestampMs(load_be<std::int64_t>(at + kBaseTimestampAt));
  header.max_timestamp = TimestampMs(load_be<std::int64_t>(at + kMaxTimestampAt));
  header.producer_id = ProducerId(load_be<std::int64_t>(at + kProducerIdAt));
  header.producer_epoch = load_be<std::int16_t>(at + kProducerEpochAt);
  header.base_sequence = load_be<std::int32_t>(at + kBaseSequenceAt);
  header.record_count = load_be<std::int32_t>(at + kRecordCountAt);
  return header;
}

}  // namespace

Result<BatchHeader> decode_batch_header(ByteView bytes) {
  if (bytes.size() < kBatchHeaderBytes)
    return bad_field("size", static_cast<std::int64_t>(bytes.size()), "at least 61 bytes");
  const char* at = bytes.data();
  if (at[kMagicAt] != kMagic) return bad_field("magic", at[kMagicAt], "2 (clients of Kafka 0.11 or newer)");
  const BatchHeader header = load_fields(at);
  if (header.batch_length < kMinBatchLength) return bad_field("batch length", header.batch_length, "at least 49");
  if (header.base_offset < Offset(0) || header.base_offset > Offset(kMaxBaseOffset))
    return bad_field("base offset", header.base_offset.value(), "0 to 2^63 - 2^32");
  if (header.compression() > Compression::zstd)
    return bad_field("compression codec", header.attributes & 7, "0 to 4 (none, gzip, snappy, lz4, zstd)");
  if (header.last_offset_delta < 0) return bad_field("last offset delta", header.last_offset_delta, "0 or more");
  if (header.record_count < 0) return bad_field("record count", header.record_count, "0 or more");
  return header;
}

bool batch_crc_holds(ByteView batch) {
  if (batch.size() < kBatchHeaderBytes) return false;
  return load_be<std::uint32_t>(batch.data() + kCrcAt) == crc32c(batch.substr(kBatchCrcStart));
}

void patch_base_offset(char* batch, Offset base_offset) { store_be(batch, base_offset.value()); }

void patch_leader_epoch(char* batch, LeaderEpoch epoch) { store_be(batch + kLeaderEpochAt, epoch.value()); }

void stamp_log_append_time(char* batch, std::size_t batch_bytes, TimestampMs now) {
  const auto attributes = load_be<std::uint16_t>(batch + kAttributesAt);
  store_be(batch + kAttributesAt, static_cast<std::uint16_t>(attributes | kLogAppendTimeBit));
  patch_max_timestamp(batch, batch_bytes, now);
}

void patch_max_timestamp(char* batch, std::size_t batch_bytes, TimestampMs max_timestamp) {
  LOGCASK_CHECK(batch_bytes >= kBatchHeaderBytes);
  store_be(batch + kMaxTimestampAt, max_timestamp.value());
  redo_crc(batch, batch_bytes);
}

}  // namespace logcask
