// Index files of segments: what decodes can be asked for every offset and time, and is written as it was.
#include "segment/derived_file.h"
#include "segment/offset_index.h"
#include "segment/time_index.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

SegmentFacts facts(bool rewritten) {
  SegmentFacts facts;
  facts.name = {Offset(100), Generation(rewritten ? 1 : 0)};
  facts.next_offset = Offset(1000);
  facts.size_bytes = 200'000;
  facts.digest = 0x0123456789abcdef;
  return facts;
}

// First byte: bit 0 the input is the payload of a sound file, bit 1 a generation of compaction.
std::string file_of(std::string_view kind, const SegmentFacts& known, bool payload, ByteView bytes) {
  return payload ? encode_derived_file(kind, known, bytes) : std::string(bytes);
}

void ask_offset(const OffsetIndex& index, const SegmentFacts& known, Offset offset) {
  std::optional<IndexEntry> next;
  const auto entry = index.find(offset, &next);
  LOGCASK_CHECK(entry.has_value() == (index.entry_count() > 0));
  if (!entry) return;
  LOGCASK_CHECK(entry->offset >= known.name.base && entry->batch_position <= entry->record_position);
  LOGCASK_CHECK(entry->record_position < known.size_bytes);
  if (next) {
    LOGCASK_CHECK(next->record_position > entry->record_position && next->record_position < known.size_bytes);
    // What a cold lookup reads of a batch that was not checked yet.
    if (next->batch_position == entry->batch_position)
      LOGCASK_CHECK(next->batch_position + index.large_batch(*next).total_bytes() <= known.size_bytes);
  }
  const auto batch = index.find_batch(offset);
  LOGCASK_CHECK(batch && batch->at_batch_start() && batch->batch_position == entry->batch_position);
  if (entry->at_batch_start()) return;
  const BatchHeader header = index.large_batch(*entry);
  LOGCASK_CHECK(header.last_offset_delta >= 0 && header.total_bytes() > kBatchHeaderBytes);
  LOGCASK_CHECK(entry->record_position < entry->batch_position + header.total_bytes());
  LOGCASK_CHECK(entry->batch_position + header.total_bytes() <= known.size_bytes);
}

}  // namespace

void fuzz_offset_index(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  const SegmentFacts known = facts((choice & 2) != 0);
  const std::string file = file_of("LCIX", known, (choice & 1) != 0, input.rest());
  const auto index = OffsetIndex::decode(file, known);
  if (!index.ok()) {
    LOGCASK_CHECK(index.code() == Errc::corrupt_file);
    return;
  }
  LOGCASK_CHECK(index->encode(known) == file);
  for (std::int64_t offset = 90; offset < 1010; offset += 7) ask_offset(*index, known, Offset(offset));
  const std::string raw(kBatchHeaderBytes, '\0');
  BatchHeader header;
  for (std::size_t i = 0; i < index->entry_count(); ++i) {
    const IndexEntry entry = index->entry(i);
    ask_offset(*index, known, entry.offset);
    header.leader_epoch = LeaderEpoch(static_cast<std::int32_t>(i));
    (void)index->header_holds(header, raw, entry.batch_position);
  }
}

void fuzz_time_index(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  const SegmentFacts known = facts((choice & 2) != 0);
  const std::string file = file_of("LCTX", known, (choice & 1) != 0, input.rest());
  const auto index = TimeIndex::decode(file, known);
  if (!index.ok()) {
    LOGCASK_CHECK(index.code() == Errc::corrupt_file);
    return;
  }
  LOGCASK_CHECK(index->encode(known) == file);
  Offset before = known.name.base;
  for (const std::int64_t time :
       {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1000}, index->max_timestamp().value(), INT64_MAX}) {
    const Offset start = index->find(TimestampMs(time));
    LOGCASK_CHECK(start >= known.name.base && start <= known.next_offset);
    if (time != index->max_timestamp().value()) {
      LOGCASK_CHECK(start >= before);
      before = start;
    }
  }
}

}  // namespace logcask::fuzz
