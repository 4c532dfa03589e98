#pragma once
// Reading the records of a batch, one by one, without allocating.
//
// Views point into the bytes given and live as long as those do. A cursor belongs to one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/batch_header.h"

namespace logcask {

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
  ByteView raw_headers;             // the encoded headers, already checked; see decode_headers
  std::uint32_t position = 0;       // of the record's length varint, from the start of the records section
  std::uint32_t encoded_bytes = 0;  // whole record including its length varint

  bool tombstone() const { return !value.has_value(); }
};

std::vector<RecordHeader> decode_headers(const RecordView& record);

// Walks the records of an uncompressed records section.
// Usage: while (true) { LOGCASK_ASSIGN(bool more, cursor.next(record)); if (!more) break; ... }
class RecordCursor {
 public:
  // `records` is the section after the header, uncompressed.
  RecordCursor(const BatchHeader& header, ByteView records) : RecordCursor(header, records, 0) {}
  // Starts at a record in the middle (an index entry's position) of the same section.
  RecordCursor(const BatchHeader& header, ByteView records, std::size_t position);

  // True and fills `record`; false at the end of the bytes. corrupt_message names the record's position when a
  // length, count, offset delta or varint is wrong; offsets rise from record to record. Does not check record_count:
  // see check_produced_batch. Timestamps are base + delta in wrapping arithmetic, as in Kafka's clients.
  Result<bool> next(RecordView& record);
  std::size_t position() const { return position_; }

 private:
  Error corrupt(const char* what) const;

  Offset base_offset_;
  std::int32_t last_offset_delta_;
  TimestampMs base_timestamp_;
  std::optional<TimestampMs> append_time_;  // every record's timestamp when the batch has LogAppendTime
  ByteView records_;
  std::size_t position_;
  std::int32_t read_offset_delta_ = -1;  // of the record before
};

// The records section, decompressed into `scratch` when the batch is compressed, else a view of `batch`.
// `max_bytes` bounds the decompressed size (message_too_large).
Result<ByteView> batch_records(const BatchHeader& header, ByteView batch, std::size_t max_bytes, std::string& scratch);

}  // namespace logcask
