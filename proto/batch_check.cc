#include "proto/batch_check.h"

#include <algorithm>
#include <limits>

#include "proto/record_cursor.h"
#include "proto/record_parse.h"

namespace logcask {
namespace {

// Codec, timestamp type, transactional, control, delete horizon.
constexpr std::uint16_t kKnownAttributes = 0x7f;

Error invalid(std::string message) { return Error{Errc::invalid_record, std::move(message)}; }

Error bad_record(Errc code, std::size_t index, const std::string& what) {
  return Error{code, "record " + std::to_string(index) + ": " + what};
}

Status check_extent(const BatchHeader& header, ByteView bytes) {
  if (header.total_bytes() > bytes.size())
    return Error{Errc::corrupt_message, "the batch says it is " + std::to_string(header.total_bytes()) +
                                            " bytes long, only " + std::to_string(bytes.size()) + " arrived"};
  if (header.total_bytes() < bytes.size())
    return invalid(std::to_string(bytes.size() - header.total_bytes()) +
                   " bytes follow the batch; send exactly one batch per partition");
  if (!batch_crc_holds(bytes))
    return Error{Errc::corrupt_message, "the batch does not match its CRC-32C; send it again"};
  return {};
}

Status check_attributes(const BatchHeader& header) {
  if (header.control()) return invalid("control batches are written by the broker only; clear attribute bit 5");
  if (header.has_delete_horizon())
    return invalid("the delete horizon is set by compaction only; clear attribute bit 6");
  if (header.timestamp_type() != TimestampType::create_time)
    return invalid("LogAppendTime is set by the broker only; clear attribute bit 3");
  if (header.transactional()) return invalid("transactions are not served; produce without a transactional id");
  if ((header.attributes & ~kKnownAttributes) != 0)
    return invalid("attributes " + std::to_string(header.attributes) + " hold unknown bits; clear bits 7 to 15");
  return {};
}

Status check_counts(const BatchHeader& header, const BatchRules& rules) {
  if (header.record_count < 1) return invalid("the batch holds no record; send at least one");
  if (header.last_offset_delta != header.record_count - 1)
    return invalid("last offset delta " + std::to_string(header.last_offset_delta) + " does not fit " +
                   std::to_string(header.record_count) + " records; it must be the count minus 1");
  if (static_cast<std::size_t>(header.record_count) > rules.max_records)
    return Error{Errc::message_too_large, "the batch holds " + std::to_string(header.record_count) +
                                              " records, at most " + std::to_string(rules.max_records) +
                                              " are taken; send smaller batches"};
  return {};
}

Status check_producer(const BatchHeader& header) {
  if (!header.has_producer()) return {};
  if (header.producer_id.value() < 0)
    return invalid("producer id " + std::to_string(header.producer_id.value()) + " is negative; -1 means none");
  if (header.producer_epoch < 0)
    return invalid("producer " + std::to_string(header.producer_id.value()) + " sent no epoch; set 0 or more");
  if (header.base_sequence < 0)
    return invalid("producer " + std::to_string(header.producer_id.value()) + " sent no base sequence; set 0 or more");
  return {};
}

// What parse found is sound in itself; is it this batch's record `index`?
Status check_record(const record_parse::Parsed& parsed, std::size_t index, bool keys_required) {
  if (parsed.offset_delta != static_cast<std::int64_t>(index))
    return bad_record(Errc::invalid_record, index,
                      "offset delta " + std::to_string(parsed.offset_delta) + ", want " + std::to_string(index));
  if (keys_required && parsed.key_size < 0)
    return bad_record(Errc::invalid_record, index, "null key on a compacted topic; give every record a key");
  return bad_record(Errc::invalid_record, index, "its timestamp does not fit 64 bits");
}

Status check_records(CheckedBatch& batch, ByteView section, const BatchRules& rules) {
  const auto count = static_cast<std::size_t>(batch.header.record_count);
  if (count > section.size() / record_parse::kMinRecordBytes)
    return Error{Errc::corrupt_message, "the batch says it holds " + std::to_string(count) + " records in " +
                                            std::to_string(section.size()) + " bytes; they do not fit"};
  batch.records.reserve(count);
  const char* start = section.data();
  const char* end = start + section.size();
  const char* at = start;
  std::int64_t max_timestamp = std::numeric_limits<std::int64_t>::min();
  record_parse::Parsed parsed;
  for (std::size_t i = 0; i < count; ++i) {
    if (const char* wrong = record_parse::parse(at, end, parsed)) return bad_record(Errc::corrupt_message, i, wrong);
    std::int64_t timestamp;
    const bool overflow =
        __builtin_add_overflow(batch.header.base_timestamp.value(), parsed.timestamp_delta, &timestamp);
    const bool has_key = parsed.key_size >= 0;
    if (parsed.offset_delta != static_cast<std::int64_t>(i) || overflow || (rules.keys_required && !has_key))
        [[unlikely]]
      return check_record(parsed, i, rules.keys_required);
    max_timestamp = std::max(max_timestamp, timestamp);
    CheckedRecord& record = batch.records.emplace_back();
    if (has_key) record.key = ByteView(parsed.key, static_cast<std::size_t>(parsed.key_size));
    record.has_key = has_key;
    record.tombstone = parsed.value_size < 0;
    record.encoded_bytes = static_cast<std::uint32_t>(parsed.end - at);
    record.position = static_cast<std::uint32_t>(at - start);
    record.timestamp = TimestampMs(timestamp);
    at = parsed.end;
  }
  batch.max_timestamp = TimestampMs(max_timestamp);
  if (at != end)
    return Error{Errc::corrupt_message,
                 std::to_string(end - at) + " bytes follow the last of " + std::to_string(count) + " records"};
  return {};
}

}  // namespace

Result<std::unique_ptr<CheckedBatch>> check_produced_batch(ByteView bytes, const BatchRules& rules) {
  if (bytes.size() > rules.max_batch_bytes)
    return Error{Errc::message_too_large, "the batch is " + std::to_string(bytes.size()) + " bytes long, " +
                                              std::string(rules.max_batch_setting) + " is " +
                                              std::to_string(rules.max_batch_bytes)};
  if (bytes.empty()) return invalid("there is no batch; send exactly one batch per partition");
  LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(bytes));
  return check_produced_batch(header, bytes, rules);
}

Result<std::unique_ptr<CheckedBatch>> check_produced_batch(const BatchHeader& header, ByteView bytes,
                                                           const BatchRules& rules) {
  LOGCASK_TRY(check_extent(header, bytes));
  LOGCASK_TRY(check_attributes(header));
  LOGCASK_TRY(check_counts(header, rules));
  LOGCASK_TRY(check_producer(header));
  auto batch = std::make_unique<CheckedBatch>();
  batch->header = header;
  batch->batch = bytes;
  LOGCASK_ASSIGN(const ByteView section,
                 batch_records(header, bytes, rules.max_decompressed_bytes, batch->decompressed));
  LOGCASK_TRY(check_records(*batch, section, rules));
  return batch;
}

}  // namespace logcask
