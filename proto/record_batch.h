#pragma once
// Kafka's RecordBatch v2 (magic 2): the one format on disk and on every wire (docs/FORMAT.md, "Record
// batch"; Kafka's DefaultRecordBatch.java, KIP-98).
//
// Views returned here point into the bytes they were read from and live as long as those do.
// Nothing here allocates on the read path except decompression into a scratch string of the caller.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/coding.h"
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
// codec known, last_offset_delta >= 0, record_count >= 0. `bytes` may be longer or, when only the
// header is at hand, shorter than the batch. corrupt_message names the field.
Result<BatchHeader> decode_batch_header(ByteView bytes);

// True when the CRC of a whole batch holds. `batch` is exactly header.total_bytes() long.
bool batch_crc_holds(ByteView batch);

// In-place patches of the fields outside the CRC.
void patch_base_offset(char* batch, Offset base_offset);
void patch_leader_epoch(char* batch, LeaderEpoch epoch);
// Re-stamps the batch as LogAppendTime (attribute bit 3, max timestamp) and redoes the CRC.
void stamp_log_append_time(char* batch, std::size_t batch_bytes, TimestampMs now);

struct RecordHeader {
  ByteView key;
  std::optional<ByteView> value;
};

// One decoded record. `value` empty optional = null = tombstone on a compacted topic.
struct RecordView {
  Offset offset;
  TimestampMs timestamp;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::int32_t header_count = 0;
  ByteView raw_headers;      // the encoded headers, already checked; see decode_headers
  std::uint32_t position = 0;  // of the record's length varint, from the start of the records section
  std::uint32_t encoded_bytes = 0;  // whole record including its length varint

  bool tombstone() const { return !value.has_value(); }
};

std::vector<RecordHeader> decode_headers(const RecordView& record);

// Walks the records of an uncompressed records section.
// Usage: while (true) { LOGCASK_ASSIGN(bool more, cursor.next(record)); if (!more) break; ... }
class RecordCursor {
 public:
  // `records` is the section after the header, uncompressed.
  RecordCursor(const BatchHeader& header, ByteView records);
  // Starts at a record in the middle (an index entry's position) of the same section.
  RecordCursor(const BatchHeader& header, ByteView records, std::size_t position);

  // True and fills `record`; false at the end of the bytes. corrupt_message names the record's position when a
  // length, count or varint is wrong. Does not check record_count: see check_produced_batch.
  Result<bool> next(RecordView& record);
  std::size_t position() const { return position_; }

 private:
  const BatchHeader header_;
  ByteView records_;
  std::size_t position_ = 0;
};

// The records section, decompressed into `scratch` when the batch is compressed, else a view of `batch`.
// `max_bytes` bounds the decompressed size (message_too_large).
Result<ByteView> batch_records(const BatchHeader& header, ByteView batch, std::size_t max_bytes, std::string& scratch);

// What a topic demands of produced batches.
struct BatchRules {
  bool keys_required = false;               // compacted topics
  std::size_t max_batch_bytes = 1048588;    // max.message.bytes
  std::size_t max_decompressed_bytes = 64u << 20;
};

// A record of a produced batch as the append path needs it.
struct CheckedRecord {
  ByteView key;                 // empty view when null
  bool has_key = false;
  bool tombstone = false;
  std::uint32_t encoded_bytes = 0;
  std::uint32_t position = 0;   // in the (decompressed) records section
  TimestampMs timestamp;
};

// A batch that passed check_produced_batch. Views point into `batch` or into `decompressed`.
struct CheckedBatch {
  BatchHeader header;
  ByteView batch;
  std::string decompressed;     // empty unless compressed
  std::vector<CheckedRecord> records;
};

// The single check of a batch from a client: exactly one batch, CRC, bounds, inner offsets 0..n-1,
// last_offset_delta == n-1, n >= 1, keys where required, decompressed size; refuses control batches,
// the delete-horizon bit, LogAppendTime from a client, transactional batches (not served yet) and unknown attribute bits;
// base_sequence >= 0 when a producer id is set. Errors: corrupt_message, invalid_record, message_too_large, each naming
// the record where there is one.
// (A CheckedBatch must not be copied after filling: its views point into its own string. Moves keep them valid because
// the string is heap-allocated or, for short strings, refilled.)
Result<std::unique_ptr<CheckedBatch>> check_produced_batch(ByteView bytes, const BatchRules& rules);

// Builds one batch.
class BatchBuilder {
 public:
  struct Options {
    Compression compression = Compression::none;
    TimestampType timestamp_type = TimestampType::create_time;
    LeaderEpoch leader_epoch{0};
    ProducerId producer_id = kNoProducer;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    bool control = false;
    bool transactional = false;
  };
  explicit BatchBuilder(Offset base_offset) : BatchBuilder(base_offset, Options()) {}
  BatchBuilder(Offset base_offset, const Options& options);

  // Offsets must rise; the first may lie above base_offset (compaction keeps a batch's base).
  void add(Offset offset, TimestampMs timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
           const std::vector<RecordHeader>& headers = {});
  // Copies a decoded record with its headers as they are.
  void add(const RecordView& record);
  std::size_t record_count() const { return count_; }
  // Uncompressed bytes so far, header included.
  std::size_t size_bytes() const { return kBatchHeaderBytes + records_.size(); }
  bool empty() const { return count_ == 0; }

  // Appends the batch to `out`. `last_offset` may lie above the last record's (a hole the reader steps over), and a
  // batch without records is legal (Kafka's RETAIN_EMPTY). Without `last_offset`: the last record's offset.
  // Fails only when the codec does.
  Status finish(std::string& out, std::optional<Offset> last_offset = std::nullopt);

 private:
  Offset base_offset_;
  Options options_;
  std::string records_;
  std::size_t count_ = 0;
  Offset last_record_offset_;
  TimestampMs base_timestamp_;
  TimestampMs max_timestamp_;
};

}  // namespace logcask
