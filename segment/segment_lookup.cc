// One record by its offset, the path of every Get: from a block in memory, else by one read of about 4 KiB, which
// becomes a block when the cache wants it.

#include "segment/segment_lookup.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/coding.h"
#include "segment/record_skim.h"

namespace logcask {
namespace {

constexpr std::size_t kReadAhead = kIndexIntervalBytes;
// Between two index entries there is rarely more, unless a record is large.
constexpr std::uint64_t kMaxGap = 4 * kIndexIntervalBytes;
// A larger gap is read whole where that is what the record needs, and up to the smaller figure where it probably is.
constexpr std::uint64_t kMaxWholeGap = 2u << 20;
constexpr std::uint64_t kMaxLikelyGap = 256u << 10;
// The fields in front of a record's key: length 5, attributes 1, timestamp 10, offset 5.
constexpr std::size_t kRecordFrontBytes = 21;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::int32_t kMinBatchLength = kBatchHeaderBytes - kBatchLengthEnd;

}  // namespace

class RecordLookup {
 public:
  RecordLookup(const Segment& segment, const Segment::Hold& hold, const SegmentLookup::Place& place,
               RecordScratch& scratch)
      : segment_(segment), hold_(hold), place_(place), offset_(place.offset), scratch_(scratch) {}

  Result<RecordView> run() {
    if (offset_ < segment_.base() || offset_ >= hold_.next_offset)
      return Error{Errc::not_found, segment_.describe() + " ends before offset " + std::to_string(offset_.value())};
    if (!place_.entry && hold_.size > 0) return segment_.damaged(0, "no batch of the log can be read");
    if (!place_.entry || place_.entry->offset > offset_) return absent();
    if (place_.block && place_.block->covers(offset_)) return from_block(place_.block);
    const IndexEntry& entry = *place_.entry;
    if (entry.at_batch_start()) return from_batch_start(entry);
    const BatchHeader header = hold_.large_batch(entry);
    if (offset_ > header.last_offset()) return from_next_batch(entry.batch_position + header.total_bytes(), header);
    if (auto block = new_block(entry, &header)) return from_block(std::move(block));
    return from_batch(header, entry.batch_position, entry.record_position);
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
    const auto bytes =
        static_cast<std::size_t>(std::min(std::max<std::uint64_t>(want, ahead(position)), hold_.size - position));
    if (scratch_.bytes.size() < bytes) scratch_.bytes.resize(bytes);
    filled_ = 0;
    LOGCASK_TRY(segment_.read_exactly(hold_, position, std::span(scratch_.bytes.data(), bytes)));
    segment_.environment_->lookup_reads.add(bytes);
    start_ = position;
    filled_ = bytes;
    return view(position);
  }
  // How much from `position` on the record will take, so that one read is all. A batch whose CRC was not checked yet is
  // read whole; so is a gap that the record is the last of, since the last one is what makes a gap large. Probably that
  // is what makes the gap behind a batch's start large, too: one record, or one compressed batch. Compaction leaves
  // holes, so that nobody knows.
  std::uint64_t ahead(std::uint64_t position) const {
    const IndexEntry& entry = *place_.entry;
    const bool unchecked = !segment_.crc_checked_.marked(entry.batch_position);
    const bool more_of_batch = place_.next && place_.next->batch_position == entry.batch_position;
    if (unchecked && more_of_batch && position == entry.batch_position)
      return hold_.large_batch(*place_.next).total_bytes();
    if (place_.gap_end <= position) return kReadAhead;
    const std::uint64_t gap = place_.gap_end - position;
    const bool last = offset_ + 1 >= (place_.next ? place_.next->offset : hold_.next_offset);
    const bool likely = (entry.at_batch_start() && !more_of_batch) || entry.offset == offset_;
    return gap <= (unchecked || last ? kMaxWholeGap : likely ? kMaxLikelyGap : kMaxGap) ? gap : kReadAhead;
  }
  ByteView view(std::uint64_t position) const {
    return ByteView(scratch_.bytes).substr(0, filled_).substr(static_cast<std::size_t>(position - start_));
  }

  Result<RecordView> from_batch_start(const IndexEntry& entry) {
    if (auto block = new_block(entry, nullptr)) return from_block(std::move(block));
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
    return segment_.damaged(hold_.size, "the batches end at offset " + std::to_string(expected.value()) +
                                            " instead of " + std::to_string(hold_.next_offset.value()));
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

  // The offset lies behind a large batch whose follower has no entry of its own.
  Result<RecordView> from_next_batch(std::uint64_t position, const BatchHeader& before) {
    IndexEntry entry;
    entry.offset = before.next_offset();
    entry.record_position = position;
    entry.batch_position = position;
    auto block = cache().find(key_of(position));
    if (block && block->covers(offset_)) return from_block(std::move(block));
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
    auto block = cache().find(key_of(batch_position));
    if (!block) {
      LOGCASK_ASSIGN(const ByteView raw, window(batch_position, header.total_bytes()));
      const ByteView batch = raw.substr(0, header.total_bytes());
      LOGCASK_TRY(segment_.check_crc(header, batch, batch_position));
      auto made = RecordBlock::of_batch(header, batch, segment_.environment_->max_decompressed_bytes);
      if (!made.ok()) return segment_.undecodable("position " + std::to_string(batch_position), made.error());
      block = std::move(made).value();
      cache().insert(key_of(batch_position), block, RecordCache::Cost::decode);
    }
    return from_block(std::move(block));
  }

  Result<RecordView> from_block(RecordBlockPtr block) {
    RecordView record;
    if (!block->find(offset_, record)) return absent();
    scratch_.block = std::move(block);
    return record;
  }

  // ---- filling the cache

  RecordCache& cache() const { return segment_.environment_->records; }
  RecordCache::Key key_of(std::uint64_t position) const { return {segment_.instance_id_, position}; }

  // The bytes that belong to the entry as a block, kept in the cache, when it wants them and they cover the offset.
  // Null when they do not, or when anything about them needs a closer look: the other ways report it.
  RecordBlockPtr new_block(const IndexEntry& entry, const BatchHeader* large) {
    const std::uint64_t start = entry.record_position;
    std::uint64_t end = place_.gap_end;
    if (large) end = std::min(end, entry.batch_position + large->total_bytes());
    if (!place_.settled || end <= start || end - start > kMaxGap) return {};
    if (large && !segment_.crc_checked_.marked(entry.batch_position)) return {};
    if (!cache().wants(key_of(start))) return {};
    const auto raw = window(start, static_cast<std::size_t>(end - start));
    if (!raw.ok()) return {};
    const ByteView bytes = raw->substr(0, static_cast<std::size_t>(end - start));
    RecordBlockBuilder builder;
    Offset next = entry.offset;
    if (large) {
      builder.start_batch(*large);
      if (!add_records(builder, *large, bytes, 0, next)) return {};
      if (end == entry.batch_position + large->total_bytes()) next = large->next_offset();
    } else if (!add_batches(builder, bytes, start, next)) {
      return {};
    }
    if (builder.records() == 0) return {};
    auto block = builder.finish(bytes, next);
    if (!block) return {};
    cache().insert(key_of(start), block, RecordCache::Cost::read);
    return block->covers(offset_) ? block : RecordBlockPtr();
  }

  // The records in bytes[position..], which end with one. `next`: one past the last of them.
  static bool add_records(RecordBlockBuilder& builder, const BatchHeader& header, ByteView bytes, std::size_t position,
                          Offset& next) {
    RecordCursor cursor(header, bytes, position);
    RecordView record;
    while (true) {
      const auto more = cursor.next(record);
      if (!more.ok()) return false;
      if (!*more) return true;
      if (!builder.add(record.offset, record.position)) return false;
      next = record.offset + 1;
    }
  }

  // Whole uncompressed batches, or the records of the first one up to its second index entry.
  bool add_batches(RecordBlockBuilder& builder, ByteView bytes, std::uint64_t start, Offset& next) const {
    for (std::size_t at = 0; at < bytes.size();) {
      const ByteView rest = bytes.substr(at);
      if (rest.size() < kBatchHeaderBytes) return false;
      const auto header = segment_.check_header(hold_, rest, start + at, next);
      if (!header.ok() || header->compression() != Compression::none) return false;
      const bool whole = header->total_bytes() <= rest.size();
      if (whole ? !segment_.check_crc(*header, rest.substr(0, header->total_bytes()), start + at).ok()
                : !segment_.crc_checked_.marked(start + at))
        return false;
      const std::size_t size = std::min(header->total_bytes(), rest.size());
      builder.start_batch(*header);
      if (!add_records(builder, *header, bytes.substr(0, at + size), at + kBatchHeaderBytes, next)) return false;
      if (whole) next = header->next_offset();
      at += size;
    }
    return true;
  }

  const Segment& segment_;
  const Segment::Hold& hold_;
  const SegmentLookup::Place& place_;
  const Offset offset_;
  RecordScratch& scratch_;
  std::uint64_t start_ = 0;  // of what scratch_.bytes holds
  std::size_t filled_ = 0;
};

SegmentLookup::Place SegmentLookup::find(Offset offset) const {
  Place place;
  place.offset = offset;
  if (!hold_.ok()) return place;
  place.entry = hold_->find(offset, &place.next);
  if (!place.entry) return place;
  const std::uint64_t next_position =
      place.next ? place.next->record_position : std::numeric_limits<std::uint64_t>::max();
  place.gap_end = std::min(next_position, hold_->size);
  place.settled = next_position <= hold_->size || hold_->open;
  place.key = {segment_.instance_id_, place.entry->record_position};
  return place;
}

void SegmentLookup::find_blocks(RecordCache& cache, std::span<Place> places) {
  if (places.size() == 1) {
    if (places[0].entry) places[0].block = cache.find(places[0].key);
    return;
  }
  RecordCache::Key keys[kPlacesMax];
  RecordBlockPtr blocks[kPlacesMax];
  LOGCASK_CHECK(places.size() <= kPlacesMax);
  for (std::size_t i = 0; i < places.size(); ++i) keys[i] = places[i].key;
  cache.find({keys, places.size()}, {blocks, places.size()});
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i].block = std::move(blocks[i]);
    if (places[i].block) places[i].block->prefetch_mark(places[i].offset);
  }
  for (const Place& place : places)
    if (place.block) place.block->prefetch_record(place.offset);
}

Result<RecordView> SegmentLookup::read(Place& place, RecordScratch& scratch) const {
  if (!hold_.ok()) return hold_.error();
  if (RecordView record; place.block && place.block->find(place.offset, record)) return record;
  return RecordLookup(segment_, *hold_, place, scratch).run();
}

Result<RecordView> Segment::read_record(Offset offset, RecordScratch& scratch) const {
  const SegmentLookup lookup(*this);
  SegmentLookup::Place place = lookup.find(offset);
  SegmentLookup::find_blocks(environment_->records, {&place, 1});
  auto record = lookup.read(place, scratch);
  if (place.block) scratch.block = std::move(place.block);
  return record;
}

}  // namespace logcask
