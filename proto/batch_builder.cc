#include "proto/batch_builder.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::size_t kMaxBatchLength = std::numeric_limits<std::int32_t>::max();
constexpr TimestampMs kNoTimestamp{-1};

std::int64_t wrapping_subtract(TimestampMs a, TimestampMs b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.value()) - static_cast<std::uint64_t>(b.value()));
}

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

// Seven bits a byte; inline because append() asks six times per record.
std::size_t varlong_bytes(std::int64_t value) {
  return static_cast<std::size_t>(std::bit_width(zigzag(value) | 1) + 6) / 7;
}

char* put_varlong(char* at, std::int64_t value) {
  std::uint64_t raw = zigzag(value);
  for (; raw >= 0x80; raw >>= 7) *at++ = static_cast<char>(raw | 0x80);
  *at++ = static_cast<char>(raw);
  return at;
}

std::int64_t nullable_size(const std::optional<ByteView>& bytes) {
  return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

std::size_t nullable_bytes(const std::optional<ByteView>& bytes) {
  return varlong_bytes(nullable_size(bytes)) + (bytes ? bytes->size() : 0);
}

char* put_bytes(char* at, ByteView bytes) { return std::copy(bytes.begin(), bytes.end(), at); }

char* put_nullable(char* at, const std::optional<ByteView>& bytes) {
  at = put_varlong(at, nullable_size(bytes));
  return bytes ? put_bytes(at, *bytes) : at;
}

std::string encode_headers(const std::vector<RecordHeader>& headers) {
  std::size_t size = 0;
  for (const RecordHeader& header : headers) size += nullable_bytes(header.key) + nullable_bytes(header.value);
  std::string encoded(size, '\0');
  char* at = encoded.data();
  for (const RecordHeader& header : headers) at = put_nullable(put_nullable(at, header.key), header.value);
  return encoded;
}

std::uint16_t attributes_of(const BatchBuilder::Options& options, Compression codec) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(codec) | static_cast<unsigned>(options.timestamp_type) << 3 |
                                    (options.transactional ? 0x10u : 0u) | (options.control ? 0x20u : 0u));
}

}  // namespace

BatchBuilder::BatchBuilder(Offset base_offset, const Options& options)
    : base_offset_(base_offset),
      options_(options),
      last_record_offset_(base_offset - 1),
      base_timestamp_(kNoTimestamp),
      max_timestamp_(kNoTimestamp) {}

void BatchBuilder::add(Offset offset, TimestampMs timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
                       const std::vector<RecordHeader>& headers) {
  append(offset, timestamp, key, value, static_cast<std::int32_t>(headers.size()), encode_headers(headers));
}

void BatchBuilder::add(const RecordView& record) {
  append(record.offset, record.timestamp, record.key, record.value, record.header_count, record.raw_headers);
}

void BatchBuilder::append(Offset offset, TimestampMs timestamp, const std::optional<ByteView>& key,
                          const std::optional<ByteView>& value, std::int32_t header_count, ByteView headers) {
  const std::int64_t offset_delta = offset - base_offset_;
  LOGCASK_CHECK(offset > last_record_offset_ && offset_delta <= std::numeric_limits<std::int32_t>::max());
  if (count_ == 0) base_timestamp_ = max_timestamp_ = timestamp;
  if (timestamp > max_timestamp_) max_timestamp_ = timestamp;
  const std::int64_t timestamp_delta = wrapping_subtract(timestamp, base_timestamp_);
  const std::size_t body = 1 + varlong_bytes(timestamp_delta) + varlong_bytes(offset_delta) + nullable_bytes(key) +
                           nullable_bytes(value) + varlong_bytes(header_count) + headers.size();
  const std::size_t start = records_.size();
  records_.resize(start + varlong_bytes(static_cast<std::int64_t>(body)) + body);
  char* at = put_varlong(records_.data() + start, static_cast<std::int64_t>(body));
  *at++ = 0;  // attributes, unused by the format
  at = put_varlong(at, timestamp_delta);
  at = put_varlong(at, offset_delta);
  at = put_nullable(at, key);
  at = put_nullable(at, value);
  at = put_varlong(at, header_count);
  at = put_bytes(at, headers);
  LOGCASK_CHECK(at == records_.data() + records_.size());
  last_record_offset_ = offset;
  ++count_;
}

Status BatchBuilder::finish(std::string& out, std::optional<Offset> last_offset) {
  LOGCASK_CHECK(count_ > 0 || last_offset.has_value());
  const Offset last = last_offset.value_or(last_record_offset_);
  const std::int64_t last_delta = last - base_offset_;
  LOGCASK_CHECK(last >= last_record_offset_ && last_delta >= 0 &&
                last_delta <= std::numeric_limits<std::int32_t>::max());
  // Nothing to compress: as Kafka writes the empty batches that compaction keeps.
  const Compression codec = count_ == 0 ? Compression::none : options_.compression;

  const std::size_t start = out.size();
  ByteWriter writer(out);
  writer.fixed(base_offset_.value());
  writer.fixed(std::int32_t{0});  // length and CRC are known at the end
  writer.fixed(options_.leader_epoch.value());
  writer.fixed(std::int8_t{2});
  writer.fixed(std::uint32_t{0});
  writer.fixed(attributes_of(options_, codec));
  writer.fixed(static_cast<std::int32_t>(last_delta));
  writer.fixed(base_timestamp_.value());
  writer.fixed(max_timestamp_.value());
  writer.fixed(options_.producer_id.value());
  writer.fixed(options_.producer_epoch);
  writer.fixed(options_.base_sequence);
  writer.fixed(static_cast<std::int32_t>(count_));
  Status status = compress(codec, records_, out);
  const std::size_t length = out.size() - start - kBatchLengthEnd;
  if (status.ok() && length > kMaxBatchLength)
    status = Error{Errc::message_too_large, "the batch would be " + std::to_string(length) +
                                                " bytes long, at most 2147483647 fit; build smaller batches"};
  if (!status.ok()) {
    out.resize(start);
    return status;
  }
  char* batch = out.data() + start;
  store_be(batch + 8, static_cast<std::int32_t>(length));
  store_be(batch + 17, crc32c(ByteView(batch + kBatchCrcStart, length + kBatchLengthEnd - kBatchCrcStart)));
  return {};
}

}  // namespace logcask
