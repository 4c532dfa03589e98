// Segment: one record by its offset. The path of every Get, so it reads about 4 KiB and decodes one record.

#include <algorithm>

#include "base/coding.h"
#include "segment/record_skim.h"
#include "segment/segment_hold.h"

namespace logcask {
namespace {

constexpr std::size_t kReadAhead = kIndexIntervalBytes;
// Between two index entries there is rarely more, unless a record is large.
constexpr std::uint64_t kMaxGap = 4 * kIndexIntervalBytes;
// The fields in front of a record's key: length 5, attributes 1, timestamp 10, offset 5.
constexpr std::size_t kRecordFrontBytes = 21;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::int32_t kMinBatchLength = kBatchHeaderBytes - kBatchLengthEnd;

}  // namespace

class RecordLookup {
 public:
  RecordLookup(const Segment& segment, const Segment::Hold& hold, Offset offset, RecordScratch& scratch)
      : segment_(segment), hold_(hold), offset_(offset), scratch_(scratch) {}

  Result<RecordView> run() {
    std::uint64_t next_position = 0;
    const auto entry = hold_.find(offset_, &next_position);
    if (!entry && hold_.size > 0) return segment_.damaged(0, "no batch of the log can be read");
    if (!entry || entry->offset > offset_) return absent();
    gap_end_ = std::min(next_position, hold_.size);
    return entry->at_batch_start() ? from_batch_start(*entry) : from_record(*entry);
  }

 private:
  Error absent() const {
    return Error{Errc::not_found,
                 segment_.describe() + " holds no record at offset " + std::to_string(offset_.value())};
  }

  // At least `want` bytes of the file at `position`, in one read with what the index says is needed.
  Result<ByteView> window(std::uint64_t position, std::size_t want) {
    if (position >= start_ && position + want <= start_ + filled_) return view(position);
    if (want > hold_.size - position) return segment_.damaged(position, "the log ends inside a batch");
    const std::uint64_t gap = gap_end_ > position && gap_end_ - position <= kMaxGap ? gap_end_ - position : kReadAhead;
    const auto bytes = static_cast<std::size_t>(std::min(std::max<std::uint64_t>(want, gap), hold_.size - position));
    if (scratch_.bytes.size() < bytes) scratch_.bytes.resize(bytes);
    filled_ = 0;
    LOGCASK_TRY(segment_.read_exactly(hold_, position, std::span(scratch_.bytes.data(), bytes)));
    start_ = position;
    filled_ = bytes;
    return view(position);
  }
  ByteView view(std::uint64_t position) const {
    return ByteView(scratch_.bytes).substr(0, filled_).substr(static_cast<std::size_t>(position - start_));
  }

  Result<RecordView> from_batch_start(const IndexEntry& entry) {
    if (segment_.has_compressed_.load(std::memory_order_relaxed)) {
      auto cached = segment_.environment_->decoded.find(segment_.instance_id_, entry.batch_position);
      if (cached && offset_ <= cached->header().last_offset()) return from_decoded(std::move(cached));
    }
    std::uint64_t position = entry.batch_position;
    Offset expected = entry.offset;
    while (position < hold_.size) {
      LOGCASK_ASSIGN(const ByteView raw, window(position, kBatchHeaderBytes));
      if (const std::size_t step = step_over(raw, position, expected); step > 0) {
        position += step;
        continue;
      }
      LOGCASK_ASSIGN(const BatchHeader header, segment_.check_header(hold_, raw, position, expected));
      if (offset_ < header.base_offset) return absent();
      if (offset_ <= header.last_offset()) return from_batch(header, position, position + kBatchHeaderBytes);
      position += header.total_bytes();
      expected = header.next_offset();
    }
    return absent();
  }

  // Steps over one batch of generation 0 that ends before the offset: its size, `expected` moved on. 0 when the header
  // must be looked at in full. Batches of one record make this the hot loop; the chain is checked all the same.
  std::size_t step_over(ByteView raw, std::uint64_t position, Offset& expected) const {
    if (segment_.name_.rewritten()) return 0;
    const auto length = load_be<std::int32_t>(raw.data() + kLengthAt);
    const auto last_delta = load_be<std::int32_t>(raw.data() + kLastOffsetDeltaAt);
    if (load_be<std::int64_t>(raw.data()) != expected.value() || length < kMinBatchLength || last_delta < 0) return 0;
    const std::size_t size = kBatchLengthEnd + static_cast<std::size_t>(length);
    if (expected + last_delta >= offset_ || size > hold_.size - position) return 0;
    expected += std::int64_t{last_delta} + 1;
    return size;
  }

  Result<RecordView> from_record(const IndexEntry& entry) {
    const BatchHeader header = hold_.large_batch(entry);
    if (offset_ > header.last_offset()) return from_next_batch(entry.batch_position + header.total_bytes(), header);
    return from_batch(header, entry.batch_position, entry.record_position);
  }

  // The offset lies behind a large batch whose follower has no entry of its own.
  Result<RecordView> from_next_batch(std::uint64_t position, const BatchHeader& before) {
    IndexEntry entry;
    entry.offset = before.next_offset();
    entry.record_position = position;
    entry.batch_position = position;
    return from_batch_start(entry);
  }

  Result<RecordView> from_batch(const BatchHeader& header, std::uint64_t batch_position,
                                std::uint64_t record_position) {
    if (header.compression() != Compression::none) return from_compressed(header, batch_position);
    if (!segment_.crc_checked_.marked(batch_position)) {
      LOGCASK_ASSIGN(const ByteView raw, window(batch_position, header.total_bytes()));
      LOGCASK_ASSIGN(const BatchHeader stored, segment_.check_header(hold_, raw, batch_position, header.base_offset));
      if (stored.batch_length != header.batch_length)
        return segment_.damaged(batch_position, "its length is not the one that was written");
      LOGCASK_TRY(segment_.check_crc(header, raw.substr(0, header.total_bytes()), batch_position));
    }
    const std::uint64_t batch_end = batch_position + header.total_bytes();
    std::uint64_t position = record_position;
    while (position < batch_end) {
      const std::uint64_t left = batch_end - position;
      LOGCASK_ASSIGN(ByteView raw, window(position, std::min<std::uint64_t>(left, kRecordFrontBytes)));
      // As many records as the window holds.
      RecordSkim skim(raw.substr(0, left));
      std::int32_t delta = 0;
      std::size_t encoded_bytes = 0;
      while (skim.peek(delta, encoded_bytes)) {
        const Offset offset = header.base_offset + delta;
        if (offset == offset_) return decode(header, batch_position, position, encoded_bytes);
        if (offset > offset_) return absent();
        if (encoded_bytes > batch_end - position)
          return segment_.damaged(position, "a record reaches beyond its batch");
        position += encoded_bytes;
        if (!skim.skip(encoded_bytes)) break;
      }
      if (position < batch_end && position == batch_end - left)
        return segment_.damaged(position, "a record of the batch cannot be read");
    }
    return absent();
  }

  Result<RecordView> decode(const BatchHeader& header, std::uint64_t batch_position, std::uint64_t position,
                            std::size_t encoded_bytes) {
    LOGCASK_ASSIGN(const ByteView raw, window(position, encoded_bytes));
    RecordCursor cursor(header, raw.substr(0, encoded_bytes));
    RecordView record;
    const auto more = cursor.next(record);
    if (!more.ok()) return segment_.damaged(position, more.error().message);
    if (!*more || record.offset != offset_) return segment_.damaged(position, "a record of the batch cannot be read");
    record.position = static_cast<std::uint32_t>(position - batch_position - kBatchHeaderBytes);
    return record;
  }

  Result<RecordView> from_compressed(const BatchHeader& header, std::uint64_t batch_position) {
    auto& cache = segment_.environment_->decoded;
    auto decoded = cache.find(segment_.instance_id_, batch_position);
    if (!decoded) {
      LOGCASK_ASSIGN(const ByteView raw, window(batch_position, header.total_bytes()));
      const ByteView batch = raw.substr(0, header.total_bytes());
      LOGCASK_TRY(segment_.check_crc(header, batch, batch_position));
      auto made = DecodedBatch::decode(header, batch, segment_.environment_->max_decompressed_bytes);
      if (!made.ok()) return segment_.damaged(batch_position, made.error().message);
      decoded = std::move(made).value();
      cache.insert(segment_.instance_id_, batch_position, decoded);
      segment_.has_compressed_.store(true, std::memory_order_relaxed);
    }
    return from_decoded(std::move(decoded));
  }

  Result<RecordView> from_decoded(std::shared_ptr<const DecodedBatch> decoded) {
    scratch_.decoded = std::move(decoded);
    auto record = scratch_.decoded->record(offset_);
    if (record.code() == Errc::not_found) return absent();
    return record;
  }

  const Segment& segment_;
  const Segment::Hold& hold_;
  const Offset offset_;
  RecordScratch& scratch_;
  std::uint64_t gap_end_ = 0;
  std::uint64_t start_ = 0;  // of what scratch_.bytes holds
  std::size_t filled_ = 0;
};

Result<RecordView> Segment::read_record(Offset offset, RecordScratch& scratch) const {
  LOGCASK_ASSIGN(const Hold hold, this->hold());
  scratch.decoded.reset();
  if (offset < base() || offset >= hold.next_offset)
    return Error{Errc::not_found, describe() + " ends before offset " + std::to_string(offset.value())};
  return RecordLookup(*this, hold, offset, scratch).run();
}

}  // namespace logcask
