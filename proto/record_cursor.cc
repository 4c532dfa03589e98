#include "proto/record_cursor.h"

#include "proto/record_parse.h"

namespace logcask {
namespace {

std::optional<ByteView> nullable(const char* bytes, std::int32_t size) {
  if (size < 0) return std::nullopt;
  return ByteView(bytes, static_cast<std::size_t>(size));
}

// Two's complement wrap-around, as Java adds.
TimestampMs wrapping_add(TimestampMs base, std::int64_t delta) {
  return TimestampMs(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(base.value()) + static_cast<std::uint64_t>(delta)));
}

}  // namespace

std::vector<RecordHeader> decode_headers(const RecordView& record) {
  std::vector<RecordHeader> headers;
  const char* at = record.raw_headers.data();
  const char* end = at + record.raw_headers.size();
  for (std::int32_t i = 0; i < record.header_count; ++i) {
    std::int32_t key_size = 0;
    std::int32_t value_size = 0;
    const char* key = nullptr;
    const char* value = nullptr;
    LOGCASK_CHECK(record_parse::read_bytes(at, end, false, key_size, key));
    LOGCASK_CHECK(record_parse::read_bytes(at, end, true, value_size, value));
    headers.push_back({ByteView(key, static_cast<std::size_t>(key_size)), nullable(value, value_size)});
  }
  return headers;
}

RecordCursor::RecordCursor(const BatchHeader& header, ByteView records, std::size_t position)
    : base_offset_(header.base_offset),
      last_offset_delta_(header.last_offset_delta),
      base_timestamp_(header.base_timestamp),
      records_(records),
      position_(position) {
  if (header.timestamp_type() == TimestampType::log_append_time) append_time_ = header.max_timestamp;
}

Error RecordCursor::corrupt(const char* what) const {
  return Error{Errc::corrupt_message, "record at byte " + std::to_string(position_) + " of the batch at offset " +
                                          std::to_string(base_offset_.value()) + ": " + what};
}

Result<bool> RecordCursor::next(RecordView& record) {
  if (position_ >= records_.size()) {
    if (position_ > records_.size()) return corrupt("the position lies behind the batch's last record");
    return false;
  }
  const char* start = records_.data() + position_;
  record_parse::Parsed parsed;
  if (const char* wrong = record_parse::parse(start, records_.data() + records_.size(), parsed)) return corrupt(wrong);
  if (parsed.offset_delta < 0 || parsed.offset_delta > last_offset_delta_)
    return corrupt("its offset lies outside the batch");
  if (parsed.offset_delta <= read_offset_delta_) return corrupt("its offset is not above that of the record before");
  read_offset_delta_ = parsed.offset_delta;
  record.offset = base_offset_ + parsed.offset_delta;
  record.timestamp = append_time_ ? *append_time_ : wrapping_add(base_timestamp_, parsed.timestamp_delta);
  record.key = nullable(parsed.key, parsed.key_size);
  record.value = nullable(parsed.value, parsed.value_size);
  record.header_count = parsed.header_count;
  record.raw_headers = ByteView(parsed.headers, static_cast<std::size_t>(parsed.end - parsed.headers));
  record.position = static_cast<std::uint32_t>(position_);
  record.encoded_bytes = static_cast<std::uint32_t>(parsed.end - start);
  position_ += record.encoded_bytes;
  return true;
}

Result<ByteView> batch_records(const BatchHeader& header, ByteView batch, std::size_t max_bytes, std::string& scratch) {
  if (batch.size() < header.total_bytes())
    return Error{Errc::corrupt_message, "batch at offset " + std::to_string(header.base_offset.value()) + " is " +
                                            std::to_string(header.total_bytes()) + " bytes long, only " +
                                            std::to_string(batch.size()) + " are there"};
  const ByteView body = batch.substr(kBatchHeaderBytes, header.total_bytes() - kBatchHeaderBytes);
  if (header.compression() == Compression::none) return body;
  if (header.record_count == 0 && body.empty()) return body;
  LOGCASK_TRY(decompress(header.compression(), body, max_bytes, scratch));
  return ByteView(scratch);
}

}  // namespace logcask
