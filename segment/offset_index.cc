#include "segment/offset_index.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "segment/derived_file.h"
#include "segment/record_skim.h"

namespace logcask {
namespace {

constexpr std::string_view kOffsetIndexKind = "LCIX";
constexpr std::uint32_t kTypeBit = 0x80000000u;
constexpr std::uint16_t kLogAppendTimeAttribute = 8;

// Pairs and triples of 32-bit numbers, the whole payload.
template <class T>
void write_numbers(ByteWriter& writer, const std::vector<T>& items) {
  static_assert(sizeof(T) % 4 == 0);
  writer.fixed(static_cast<std::uint32_t>(items.size()));
  for (const T& item : items) {
    std::uint32_t numbers[sizeof(T) / 4];
    std::memcpy(numbers, &item, sizeof item);
    for (const std::uint32_t number : numbers) writer.fixed(number);
  }
}

template <class T>
bool read_numbers(ByteReader& reader, std::vector<T>& items) {
  const auto count = reader.fixed<std::uint32_t>();
  if (!reader.ok() || count > reader.remaining() / sizeof(T)) return false;
  items.resize(count);
  for (T& item : items) {
    std::uint32_t numbers[sizeof(T) / 4];
    for (std::uint32_t& number : numbers) number = reader.fixed<std::uint32_t>();
    std::memcpy(&item, numbers, sizeof item);
  }
  return reader.ok();
}

std::uint32_t header_crc(ByteView batch) { return crc32c(batch.substr(0, kBatchHeaderBytes)); }

}  // namespace

void OffsetIndex::add_entry(Offset offset, std::uint64_t record_position, std::uint64_t batch_position) {
  const std::int64_t delta = offset - name_.base;
  LOGCASK_CHECK(delta >= 0 && delta <= kMaxSegmentSpan && record_position <= kMaxSegmentBytes);
  entries_.push_back({static_cast<std::uint32_t>(delta), static_cast<std::uint32_t>(record_position),
                      static_cast<std::uint32_t>(batch_position)});
}

void OffsetIndex::add_batch(const BatchHeader& header, std::uint64_t position, ByteView batch) {
  if (name_.rewritten()) {
    header_sums_.push_back({static_cast<std::uint32_t>(position), header_crc(batch)});
  } else if (epochs_.empty() || epochs_.back().epoch != header.leader_epoch.value()) {
    epochs_.push_back({static_cast<std::uint32_t>(position), header.leader_epoch.value()});
  }
  // Decided by where the batch ends: a large one always gets an entry of its own, so that looking into it needs no
  // walk from the one before.
  if (entries_.empty() || position + batch.size() - entries_.back().record_position > kIndexIntervalBytes)
    add_entry(header.base_offset, position, position);
  if (header.compression() == Compression::none && batch.size() > kIndexIntervalBytes) {
    add_large_batch(header, position);
    add_record_entries(header, position, batch);
  }
}

void OffsetIndex::add_large_batch(const BatchHeader& header, std::uint64_t position) {
  const bool log_append = header.timestamp_type() == TimestampType::log_append_time;
  const auto time = static_cast<std::uint64_t>((log_append ? header.max_timestamp : header.base_timestamp).value());
  large_batches_.push_back({static_cast<std::uint32_t>(position),
                            static_cast<std::uint32_t>(header.base_offset - name_.base),
                            static_cast<std::uint32_t>(header.batch_length) | (log_append ? kTypeBit : 0),
                            static_cast<std::uint32_t>(header.last_offset_delta),
                            static_cast<std::uint32_t>(time >> 32), static_cast<std::uint32_t>(time)});
}

BatchHeader OffsetIndex::large_batch(const IndexEntry& entry) const {
  const auto found = std::partition_point(large_batches_.begin(), large_batches_.end(), [&](const LargeBatch& batch) {
    return batch.position < entry.batch_position;
  });
  LOGCASK_CHECK(found != large_batches_.end() && found->position == entry.batch_position);
  const bool log_append = (found->length_and_type & kTypeBit) != 0;
  const TimestampMs time(
      static_cast<std::int64_t>((std::uint64_t{found->timestamp_high} << 32) | found->timestamp_low));
  BatchHeader header;
  header.base_offset = name_.base + found->offset_delta;
  header.batch_length = static_cast<std::int32_t>(found->length_and_type & ~kTypeBit);
  header.last_offset_delta = static_cast<std::int32_t>(found->last_offset_delta);
  header.attributes = log_append ? kLogAppendTimeAttribute : 0;
  header.base_timestamp = time;
  header.max_timestamp = time;
  return header;
}

void OffsetIndex::add_record_entries(const BatchHeader& header, std::uint64_t position, ByteView batch) {
  RecordSkim skim(batch.substr(kBatchHeaderBytes));
  std::uint64_t record_position = position + kBatchHeaderBytes;
  while (!skim.at_end()) {
    std::int32_t offset_delta = 0;
    std::size_t encoded_bytes = 0;
    if (record_position - entries_.back().record_position >= kIndexIntervalBytes) {
      if (!skim.peek(offset_delta, encoded_bytes)) return;
      const Offset offset = header.base_offset + offset_delta;
      // Not sound: leave it to the reader to say so.
      if (offset_delta < 0 || offset > header.last_offset() || offset - name_.base <= entries_.back().offset_delta)
        return;
      add_entry(offset, record_position, position);
    } else if (!skim.peek_length(encoded_bytes)) {
      return;
    }
    if (!skim.skip(encoded_bytes)) return;
    record_position += encoded_bytes;
  }
}

IndexEntry OffsetIndex::entry(std::size_t i) const {
  const Entry& found = entries_[i];
  return {name_.base + found.offset_delta, found.record_position, found.batch_position};
}

std::optional<IndexEntry> OffsetIndex::find(Offset offset, std::optional<IndexEntry>* next) const {
  if (entries_.empty()) return std::nullopt;
  const std::int64_t delta = offset - name_.base;
  const auto above = std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return static_cast<std::int64_t>(e.offset_delta) <= delta;
  });
  const std::size_t i = above == entries_.begin() ? 0 : static_cast<std::size_t>(above - entries_.begin()) - 1;
  if (next && i + 1 < entries_.size()) *next = entry(i + 1);
  return entry(i);
}

std::optional<IndexEntry> OffsetIndex::find_batch(Offset offset) const {
  const auto found = find(offset);
  if (!found || found->at_batch_start()) return found;
  const auto start = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& e) { return e.record_position < found->batch_position; });
  LOGCASK_CHECK(start != entries_.end() && start->record_position == found->batch_position);
  return entry(static_cast<std::size_t>(start - entries_.begin()));
}

bool OffsetIndex::header_holds(const BatchHeader& header, ByteView raw, std::uint64_t position) const {
  const auto at_or_below = [position](const auto& list) {
    const auto above =
        std::partition_point(list.begin(), list.end(), [&](const auto& e) { return e.position <= position; });
    return above == list.begin() ? list.end() : above - 1;
  };
  if (name_.rewritten()) {
    const auto found = at_or_below(header_sums_);
    return found != header_sums_.end() && found->position == position && found->crc == header_crc(raw);
  }
  const auto found = at_or_below(epochs_);
  return found != epochs_.end() && found->epoch == header.leader_epoch.value();
}

std::size_t OffsetIndex::memory_bytes() const {
  return entries_.capacity() * sizeof(Entry) + large_batches_.capacity() * sizeof(LargeBatch) +
         epochs_.capacity() * sizeof(EpochChange) + header_sums_.capacity() * sizeof(HeaderSum);
}

// What find(), find_batch() and large_batch() take for granted: everything rises and lies in the log, and a record
// entry follows its batch's own, of a batch that is listed and that it lies in.
bool OffsetIndex::sound(const SegmentFacts& facts) const {
  const auto rise_within = [&](const auto& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i].position >= facts.size_bytes || (i > 0 && list[i].position <= list[i - 1].position)) return false;
    return true;
  };
  if (!rise_within(large_batches_) || !rise_within(epochs_) || !rise_within(header_sums_)) return false;
  if (name_.rewritten() ? !epochs_.empty() : !header_sums_.empty()) return false;
  const std::int64_t span = facts.next_offset - name_.base;
  auto large = large_batches_.begin();
  const Entry* before = nullptr;
  std::uint64_t batch_end = 0;  // of the batch that record entries may lie in; 0 = none
  for (const Entry& entry : entries_) {
    if (entry.record_position >= facts.size_bytes || static_cast<std::int64_t>(entry.offset_delta) >= span)
      return false;
    if (before && (entry.record_position <= before->record_position || entry.offset_delta <= before->offset_delta))
      return false;
    if (entry.record_position != entry.batch_position) {
      if (!before || entry.batch_position != before->batch_position || entry.record_position >= batch_end) return false;
    } else {
      batch_end = 0;
      if (large != large_batches_.end() && large->position == entry.batch_position) {
        const std::uint64_t length = large->length_and_type & ~kTypeBit;
        batch_end = entry.batch_position + kBatchLengthEnd + length;
        if (length < kBatchHeaderBytes - kBatchLengthEnd || batch_end > facts.size_bytes) return false;
        if (large->offset_delta != entry.offset_delta || large->last_offset_delta >= span - entry.offset_delta)
          return false;
        ++large;
      }
    }
    before = &entry;
  }
  return large == large_batches_.end();
}

std::string OffsetIndex::encode(const SegmentFacts& facts) const {
  std::string payload;
  ByteWriter writer(payload);
  write_numbers(writer, entries_);
  write_numbers(writer, large_batches_);
  write_numbers(writer, epochs_);
  write_numbers(writer, header_sums_);
  return encode_derived_file(kOffsetIndexKind, facts, payload);
}

Result<OffsetIndex> OffsetIndex::decode(ByteView file, const SegmentFacts& facts) {
  LOGCASK_ASSIGN(const ByteView payload, decode_derived_file(kOffsetIndexKind, facts, file, "index"));
  OffsetIndex index(facts.name);
  ByteReader reader(payload);
  const auto corrupt = [&](const char* why) {
    return Error{Errc::corrupt_file, "index of " + segment_filename(facts.name, SegmentFile::log) + ": " + why};
  };
  if (!read_numbers(reader, index.entries_) || !read_numbers(reader, index.large_batches_) ||
      !read_numbers(reader, index.epochs_) || !read_numbers(reader, index.header_sums_) || !reader.at_end())
    return corrupt("wrong lengths");
  if (!index.sound(facts)) return corrupt("its entries contradict each other or the log");
  return index;
}

}  // namespace logcask
