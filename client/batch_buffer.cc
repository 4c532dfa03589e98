#include "client/batch_buffer.h"

#include <algorithm>
#include <bit>

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask::client {
namespace {

constexpr std::size_t kFirstBytes = 4096;
constexpr std::size_t kVarintBytes = 5;
constexpr std::size_t kVarlongBytes = 10;

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::size_t varlong_bytes(std::int64_t value) {
  return static_cast<std::size_t>(70 - std::countl_zero(zigzag(value) | 1)) / 7;
}

char* put_varlong(char* at, std::int64_t value) {
  std::uint64_t raw = zigzag(value);
  for (; raw >= 0x80; raw >>= 7) *at++ = static_cast<char>(raw | 0x80);
  *at++ = static_cast<char>(raw);
  return at;
}

char* put_bytes(char* at, ByteView bytes) {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::int64_t length_of(const std::optional<ByteView>& bytes) {
  return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

std::size_t nullable_bytes(const std::optional<ByteView>& bytes) {
  return varlong_bytes(length_of(bytes)) + (bytes ? bytes->size() : 0);
}

char* put_nullable(char* at, const std::optional<ByteView>& bytes) {
  at = put_varlong(at, length_of(bytes));
  return bytes && !bytes->empty() ? put_bytes(at, *bytes) : at;
}

std::size_t headers_bytes(std::span<const HeaderView> headers) {
  std::size_t bytes = 0;
  for (const HeaderView& header : headers) bytes += nullable_bytes(header.name) + nullable_bytes(header.value);
  return bytes;
}

}  // namespace

std::size_t BatchBuffer::encoded_bound(const OutRecord& record) {
  std::size_t bytes = 3 * kVarintBytes + 1 + kVarlongBytes + kVarintBytes + headers_bytes(record.headers);
  if (record.key) bytes += record.key->size();
  if (record.value) bytes += record.value->size();
  return bytes;
}

std::size_t BatchBuffer::encoded_alone(const OutRecord& record) {
  const std::size_t body_bytes =
      1 + varlong_bytes(0) + varlong_bytes(0) + nullable_bytes(record.key) + nullable_bytes(record.value) +
      varlong_bytes(static_cast<std::int64_t>(record.headers.size())) + headers_bytes(record.headers);
  return varlong_bytes(static_cast<std::int64_t>(body_bytes)) + body_bytes;
}

void BatchBuffer::reserve(std::size_t more_bytes) {
  const std::size_t wanted = end_ + more_bytes;
  if (wanted <= bytes_.size()) return;
  Buffer larger = Buffer::uninitialized(std::max({wanted, bytes_.size() * 2, kFirstBytes}));
  if (!bytes_.empty()) std::memcpy(larger.data(), bytes_.data(), end_);
  bytes_ = std::move(larger);
}

// Makes room and writes the fields before the key; returns where the key goes.
char* BatchBuffer::begin_record(TimestampMs timestamp, std::size_t payload_bytes, std::size_t* body_bytes) {
  if (count_ == 0) base_timestamp_ = max_timestamp_ = timestamp;
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  const auto timestamp_delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp.value()) -
                                                         static_cast<std::uint64_t>(base_timestamp_.value()));
  *body_bytes = 1 + varlong_bytes(timestamp_delta) + varlong_bytes(count_) + payload_bytes;
  reserve(*body_bytes + kVarintBytes);
  char* at = put_varlong(bytes_.data() + end_, static_cast<std::int64_t>(*body_bytes));
  *at++ = 0;  // attributes, unused by the format
  at = put_varlong(at, timestamp_delta);
  return put_varlong(at, count_);
}

std::uint32_t BatchBuffer::append(const OutRecord& record, TimestampMs timestamp) {
  const auto header_count = static_cast<std::int64_t>(record.headers.size());
  std::size_t body_bytes = 0;
  char* at = begin_record(timestamp,
                          nullable_bytes(record.key) + nullable_bytes(record.value) + varlong_bytes(header_count) +
                              headers_bytes(record.headers),
                          &body_bytes);
  at = put_nullable(at, record.key);
  at = put_nullable(at, record.value);
  at = put_varlong(at, header_count);
  for (const HeaderView& header : record.headers) at = put_nullable(put_nullable(at, header.name), header.value);
  end_ = static_cast<std::size_t>(at - bytes_.data());
  return count_++;
}

std::uint32_t BatchBuffer::append(const logcask::RecordView& record) {
  std::size_t body_bytes = 0;
  char* at = begin_record(record.timestamp,
                          nullable_bytes(record.key) + nullable_bytes(record.value) +
                              varlong_bytes(record.header_count) + record.raw_headers.size(),
                          &body_bytes);
  at = put_nullable(at, record.key);
  at = put_nullable(at, record.value);
  at = put_varlong(at, record.header_count);
  if (!record.raw_headers.empty()) at = put_bytes(at, record.raw_headers);
  end_ = static_cast<std::size_t>(at - bytes_.data());
  return count_++;
}

void BatchBuffer::compress_records(Compression compression) {
  if (compression == Compression::none) return;
  compressed_.assign(kBatchHeaderBytes, '\0');
  const Status status = compress(compression, records(), compressed_);
  // What does not get smaller, or a codec that cannot, travels as it is.
  if (status.ok() && compressed_.size() < end_)
    codec_ = compression;
  else
    compressed_.clear();
}

Status BatchBuffer::seal(Compression compression, const BatchIdentity& identity) {
  if (sealed_ && identity == identity_) return {};
  if (count_ == 0) return Error{Errc::internal, "an empty batch was to be sent"};
  if (!sealed_) compress_records(compression);
  sealed_ = true;
  identity_ = identity;
  char* batch = compressed_.empty() ? bytes_.data() : compressed_.data();
  const std::size_t total_bytes = compressed_.empty() ? end_ : compressed_.size();
  store_be<std::int64_t>(batch, 0);
  store_be(batch + 8, static_cast<std::int32_t>(total_bytes - kBatchLengthEnd));
  store_be<std::int32_t>(batch + 12, -1);  // leader epoch: the broker's to know
  batch[16] = 2;
  store_be(batch + 21, static_cast<std::uint16_t>(codec_));
  store_be(batch + 23, static_cast<std::int32_t>(count_ - 1));
  store_be(batch + 27, base_timestamp_.value());
  store_be(batch + 35, max_timestamp_.value());
  store_be(batch + 43, identity.producer_id.value());
  store_be(batch + 51, identity.epoch);
  store_be(batch + 53, identity.sequence);
  store_be(batch + 57, static_cast<std::int32_t>(count_));
  store_be(batch + 17, crc32c(ByteView(batch + kBatchCrcStart, total_bytes - kBatchCrcStart)));
  return {};
}

BatchHeader BatchBuffer::walk_header() const {
  BatchHeader header;
  header.base_offset = Offset(0);
  header.batch_length = static_cast<std::int32_t>(end_ - kBatchLengthEnd);
  header.last_offset_delta = static_cast<std::int32_t>(count_) - 1;
  header.base_timestamp = base_timestamp_;
  header.max_timestamp = max_timestamp_;
  header.record_count = static_cast<std::int32_t>(count_);
  return header;
}

ByteView BatchBuffer::records() const { return bytes_.view().substr(kBatchHeaderBytes, end_ - kBatchHeaderBytes); }

}  // namespace logcask::client
