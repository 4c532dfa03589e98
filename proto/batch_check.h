#pragma once
// The one check of a batch that came from a client. Everything after it may trust the batch.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/batch_header.h"

namespace logcask {

// What a topic demands of produced batches.
struct BatchRules {
  bool keys_required = false;  // compacted topics
  std::size_t max_batch_bytes = 1048588;
  std::string_view max_batch_setting = "max.message.bytes";  // which bounds it; a literal
  std::size_t max_decompressed_bytes = 64u << 20;
  std::size_t max_records = 1u << 20;  // a small compressed batch could hold millions of empty ones
};

// A record of a produced batch as the append path needs it.
struct CheckedRecord {
  ByteView key;  // empty view when null
  bool has_key = false;
  bool tombstone = false;
  std::uint32_t encoded_bytes = 0;
  std::uint32_t position = 0;  // in the (decompressed) records section
  TimestampMs timestamp;
};

// A batch that passed check_produced_batch. Views point into `batch` or into `decompressed`, so it stays where it is.
struct CheckedBatch {
  CheckedBatch() = default;
  CheckedBatch(const CheckedBatch&) = delete;
  CheckedBatch& operator=(const CheckedBatch&) = delete;

  BatchHeader header;
  ByteView batch;
  std::string decompressed;  // empty unless compressed
  std::vector<CheckedRecord> records;
  // The largest of the records' timestamps. Where it differs from the header's, the append path patches the header
  // (patch_max_timestamp), or lookups by time would miss records.
  TimestampMs max_timestamp;
};

// The single check of a batch from a client: exactly one batch, CRC, bounds, inner offsets 0..n-1,
// last_offset_delta == n-1, n >= 1, keys where required, decompressed size; refuses control batches,
// the delete-horizon bit, LogAppendTime from a client, transactional batches (not served yet) and unknown attribute
// bits; base_sequence and producer_epoch >= 0 when a producer id is set. Errors: corrupt_message, invalid_record,
// message_too_large, each naming the record where there is one.
Result<std::unique_ptr<CheckedBatch>> check_produced_batch(ByteView bytes, const BatchRules& rules);
// The same for whoever has decoded the header already and looked at the batch's size.
Result<std::unique_ptr<CheckedBatch>> check_produced_batch(const BatchHeader& header, ByteView bytes,
                                                           const BatchRules& rules);

}  // namespace logcask
