#include "client/chunk_decoder.h"

namespace logcask::client {

void ChunkDecoder::begin(PartitionId partition, std::shared_ptr<const Buffer> owner, ByteView bytes, Offset position) {
  partition_ = partition;
  if (owner_) kept_.push_back(std::move(owner_));
  owner_ = std::move(owner);
  bytes_ = bytes;
  position_ = position;
  cursor_.reset();
}

void ChunkDecoder::abandon() {
  bytes_ = {};
  cursor_.reset();
}

void ChunkDecoder::forget(bool all) {
  kept_.clear();
  if (all || done()) {
    owner_.reset();
    bytes_ = {};
    cursor_.reset();
    scratch_.clear();
  } else if (scratch_.size() > 1) {
    scratch_.erase(scratch_.begin(), scratch_.end() - 1);  // the batch at hand may lie in the last one
  }
}

// Opens the next data batch; false when there is none.
Result<bool> ChunkDecoder::next_batch() {
  while (!bytes_.empty()) {
    LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(bytes_));
    if (header.total_bytes() > bytes_.size())
      return Error{Errc::corrupt_message,
                   "batch at offset " + std::to_string(header.base_offset.value()) + " is cut short"};
    const ByteView batch = bytes_.substr(0, header.total_bytes());
    if (!batch_crc_holds(batch))
      return Error{Errc::corrupt_message,
                   "batch at offset " + std::to_string(header.base_offset.value()) + " does not match its checksum"};
    bytes_.remove_prefix(header.total_bytes());
    if (header.next_offset() <= position_) continue;
    batch_next_ = header.next_offset();
    if (header.control() || header.record_count == 0) {
      position_ = batch_next_;
      continue;
    }
    if (header.compression() != Compression::none) scratch_.emplace_back();
    std::string none;
    std::string& scratch = header.compression() != Compression::none ? scratch_.back() : none;
    LOGCASK_ASSIGN(const ByteView records, batch_records(header, batch, max_batch_bytes_, scratch));
    cursor_.emplace(header, records);
    return true;
  }
  return false;
}

Result<bool> ChunkDecoder::decode(std::vector<ReadRecord>& out, std::size_t max_records) {
  logcask::RecordView record;
  while (out.size() < max_records) {
    if (!cursor_) {
      LOGCASK_ASSIGN(const bool more, next_batch());
      if (!more) return false;
    }
    LOGCASK_ASSIGN(const bool more, cursor_->next(record));
    if (!more) {
      cursor_.reset();
      position_ = batch_next_;
      continue;
    }
    if (record.offset < position_) continue;
    position_ = record.offset + 1;
    out.push_back({partition_, record.offset, record.timestamp, record.key, record.value, record.header_count,
                   record.raw_headers});
  }
  return !done();
}

}  // namespace logcask::client
