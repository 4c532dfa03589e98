#pragma once
// A record batch under construction: records are encoded straight into the bytes that will be sent, behind 61 bytes
// kept free for the header. One copy per record; one CRC when the batch is sealed. (proto/record_batch.h's BatchBuilder
// copies once more and must know the sequence number beforehand.)
//
// Owned by a ProducedBatch. Threads: none.

#include <cstdint>
#include <string>

#include "base/types.h"
#include "client/buffer.h"
#include "logcask/record.h"
#include "proto/record_batch.h"

namespace logcask::client {

// Under which number the broker knows the batch; none for producers that are not idempotent.
struct BatchIdentity {
  ProducerId producer_id = kNoProducer;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
  friend bool operator==(const BatchIdentity&, const BatchIdentity&) = default;
};

class BatchBuffer {
 public:
  BatchBuffer() = default;
  // Reuses `storage`, which may be empty.
  explicit BatchBuffer(Buffer storage) : bytes_(std::move(storage)) {}

  // What append() adds for the record when it is the first.
  static std::size_t encoded_alone(const OutRecord& record);
  // At most what append() adds for the record, wherever it stands.
  static std::size_t encoded_bound(const OutRecord& record);
  // Returns the record's index in the batch.
  std::uint32_t append(const OutRecord& record, TimestampMs timestamp);
  // A record of another batch, headers as they are.
  std::uint32_t append(const logcask::RecordView& record);

  std::uint32_t count() const { return count_; }
  std::size_t size_bytes() const { return end_; }  // uncompressed, header included

  // Completes header and CRC, compressing at the first call. May be called again with another identity.
  Status seal(Compression compression, const BatchIdentity& identity);
  // Valid after seal(), until the next.
  ByteView wire() const {
    return compressed_.empty() ? ByteView(bytes_.view().substr(0, end_)) : ByteView(compressed_);
  }

  // For walking the records: a header as decode_batch_header would give it, and the uncompressed records.
  BatchHeader walk_header() const;
  ByteView records() const;

  Buffer release_storage() { return std::move(bytes_); }

 private:
  char* begin_record(TimestampMs timestamp, std::size_t payload_bytes, std::size_t* body_bytes);
  void reserve(std::size_t more_bytes);
  void compress_records(Compression compression);

  Buffer bytes_;
  std::size_t end_ = kBatchHeaderBytes;
  std::uint32_t count_ = 0;
  TimestampMs base_timestamp_;
  TimestampMs max_timestamp_;
  Compression codec_ = Compression::none;
  bool sealed_ = false;
  BatchIdentity identity_;
  std::string compressed_;  // header and compressed records, when compression pays
};

}  // namespace logcask::client
