#include <map>

#include "base/coding.h"
#include "segment/derived_file.h"
#include "tests/segment/segment_fixture.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

TEST_CASE("the offset index has an entry every 4 KiB, at records of uncompressed batches and starts of others") {
  const auto generation = GENERATE(0u, 1u);
  Random random(test_seed());
  const SegmentName name{Offset(50), Generation(generation)};
  OffsetIndex index(name);
  std::string log;
  std::map<std::uint64_t, Offset> places;  // of everything an entry may point at
  Offset next(50);
  for (int i = 0; i < 300; ++i) {
    std::string batch;
    BatchShape shape{1 + random.below(100), random.below(300)};
    shape.compression = random.one_in(4) ? Compression::zstd : Compression::none;
    next = add_batch(batch, next, shape, nullptr);
    const auto header = decode_batch_header(batch);
    places[log.size()] = header->base_offset;
    if (header->compression() == Compression::none) {
      RecordCursor cursor(*header, ByteView(batch).substr(kBatchHeaderBytes));
      RecordView record;
      while (*cursor.next(record)) places[log.size() + kBatchHeaderBytes + record.position] = record.offset;
    }
    index.add_batch(*header, log.size(), batch);
    log += batch;
  }
  for (std::size_t i = 0; i < index.entry_count(); ++i) {
    const IndexEntry entry = index.entry(i);
    REQUIRE(places.at(entry.record_position) == entry.offset);
    REQUIRE(places.contains(entry.batch_position));
    if (i == 0) continue;
    const IndexEntry before = index.entry(i - 1);
    REQUIRE(before.offset < entry.offset);
    // Between two entries lie at most 4 KiB and one indivisible thing.
    const auto last_place = std::prev(places.find(entry.record_position));
    REQUIRE(last_place->first - before.record_position <= kIndexIntervalBytes);
  }
  REQUIRE(index.memory_bytes() < log.size() / 50);
  for (Offset offset(49); offset < next + 3; offset += 1) {
    std::optional<IndexEntry> after;
    const auto found = index.find(offset, &after);
    REQUIRE(found.has_value());
    REQUIRE((found->offset <= offset || found->record_position == 0));
    if (after) REQUIRE(places.at(after->record_position) > offset);
    const auto start = index.find_batch(offset);
    REQUIRE(start->at_batch_start());
    REQUIRE(start->record_position <= found->record_position);
  }
}

TEST_CASE("an empty index knows no place") {
  const OffsetIndex index({Offset(0), Generation(0)});
  REQUIRE(!index.find(Offset(0)));
  REQUIRE(!index.find_batch(Offset(0)));
  REQUIRE(TimeIndex({Offset(9), Generation(0)}).find(TimestampMs(5)) == Offset(9));
}

TEST_CASE("a header with another leader epoch, or any other bit when rewritten, is not the one that was written") {
  const auto generation = GENERATE(0u, 1u);
  OffsetIndex index({Offset(0), Generation(generation)});
  std::string log;
  std::vector<std::uint64_t> positions;
  for (int i = 0; i < 6; ++i) {
    positions.push_back(log.size());
    std::string batch;
    add_batch(batch, Offset(i * 2), {2, 10, Compression::none, LeaderEpoch(i / 2)}, nullptr);
    index.add_batch(*decode_batch_header(batch), log.size(), batch);
    log += batch;
  }
  for (const std::uint64_t position : positions) {
    const std::string raw = log.substr(position, kBatchHeaderBytes);
    REQUIRE(index.header_holds(*decode_batch_header(raw), raw, position));
    for (std::size_t bit = 0; bit < kBatchHeaderBytes * 8; ++bit) {
      if (generation == 0 && (bit / 8 < 12 || bit / 8 >= 16)) continue;
      std::string damaged = raw;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      const auto header = decode_batch_header(damaged);
      if (header.ok()) REQUIRE(!index.header_holds(*header, damaged, position));
    }
  }
}

TEST_CASE("the time index leads to a place below which everything is older") {
  Random random(test_seed());
  TimeIndex index({Offset(100), Generation(0)});
  struct Seen {
    Offset base;
    std::int64_t max;
  };
  std::vector<Seen> seen;
  std::uint64_t position = 0;
  for (int i = 0; i < 2000; ++i) {
    BatchHeader header;
    header.base_offset = Offset(100 + i * 3);
    header.max_timestamp = TimestampMs(static_cast<std::int64_t>(i * 10 + random.below(3000)));
    index.add_batch(header, position);
    seen.push_back({header.base_offset, header.max_timestamp.value()});
    position += 500 + random.below(1000);
  }
  REQUIRE(index.entry_count() > 10);
  REQUIRE(index.entry_count() < position / kTimeIndexIntervalBytes + 1);
  std::size_t skipped = 0;
  for (std::int64_t time = -5; time < 24000; time += 7) {
    const Offset start = index.find(TimestampMs(time));
    for (const Seen& batch : seen)
      if (batch.base < start) {
        REQUIRE(batch.max < time);
        ++skipped;
      }
  }
  REQUIRE(skipped > 1000);
}

TEST_CASE("index files come back as they were, and for no other log") {
  TestLog log;
  for (int i = 0; i < 500; ++i) log.append({10, 100});
  const SegmentFacts facts = log.close()->facts();
  const std::string file = *log.files.content(log.file(SegmentFile::index));
  const std::string time_file = *log.files.content(log.file(SegmentFile::time_index));
  const auto index = OffsetIndex::decode(file, facts);
  REQUIRE_OK(index);
  REQUIRE(index->encode(facts) == file);
  const auto times = TimeIndex::decode(time_file, facts);
  REQUIRE_OK(times);
  REQUIRE(times->encode(facts) == time_file);
  REQUIRE(times->max_timestamp() == facts.max_timestamp);
  REQUIRE(times->entry_count() > 0);
  SegmentFacts other = facts;
  other.digest ^= 1;
  REQUIRE(OffsetIndex::decode(file, other).code() == Errc::corrupt_file);
  REQUIRE(TimeIndex::decode(time_file, other).code() == Errc::corrupt_file);
  other = facts;
  other.name.generation = Generation(1);
  REQUIRE(OffsetIndex::decode(file, other).code() == Errc::corrupt_file);
  REQUIRE(OffsetIndex::decode(time_file, facts).code() == Errc::corrupt_file);
  for (std::size_t bit = 0; bit < time_file.size() * 8; ++bit) {
    std::string damaged = time_file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(TimeIndex::decode(damaged, facts).code() == Errc::corrupt_file);
  }
  for (std::size_t size = 0; size < time_file.size(); ++size)
    REQUIRE(TimeIndex::decode(ByteView(time_file).substr(0, size), facts).code() == Errc::corrupt_file);
}

// An index file as OffsetIndex writes it, of any numbers: entries {offset delta, record position, batch position},
// large batches {position, offset delta, length, last offset delta, time, time}.
using Numbers = std::vector<std::vector<std::uint32_t>>;
std::string index_file(const SegmentFacts& facts, const Numbers& entries, const Numbers& large,
                       const Numbers& epochs = {{0, 3}}, const Numbers& sums = {}) {
  std::string payload;
  ByteWriter writer(payload);
  for (const Numbers* list : {&entries, &large, &epochs, &sums}) {
    writer.fixed(static_cast<std::uint32_t>(list->size()));
    for (const auto& item : *list)
      for (const std::uint32_t number : item) writer.fixed(number);
  }
  return encode_derived_file("LCIX", facts, payload);
}

SegmentFacts facts_of_100kb() {
  SegmentFacts facts;
  facts.name = {Offset(100), Generation(0)};
  facts.next_offset = Offset(200);
  facts.size_bytes = 100'000;
  return facts;
}

// Found by fuzzing: a lookup ended the process, or was sent beyond the log.
TEST_CASE("an index file with a right checksum whose entries contradict each other or the log is refused") {
  const SegmentFacts facts = facts_of_100kb();
  const Numbers large = {{0, 0, 8988, 49, 0, 0}};
  const auto code = [&](const Numbers& entries, const Numbers& batches) {
    return OffsetIndex::decode(index_file(facts, entries, batches), facts).code();
  };
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}, {50, 9000, 9000}}, large) == Errc::ok);
  REQUIRE(code({}, {}) == Errc::ok);
  // Offsets or positions that do not rise.
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}, {20, 9000, 9000}}, large) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}, {50, 4100, 4100}}, large) == Errc::corrupt_file);
  // Behind the log's end, in bytes and in offsets.
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}, {50, 100'000, 100'000}}, large) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}, {100, 9000, 9000}}, large) == Errc::corrupt_file);
  // A record of a batch that has no entry, is not listed, or ends before it.
  REQUIRE(code({{0, 0, 0}, {20, 4100, 50}}, large) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}, {20, 4100, 0}}, {}) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}, {20, 9000, 0}}, large) == Errc::corrupt_file);
  // A large batch without an entry, of another offset, beyond the log, shorter than a header.
  REQUIRE(code({{0, 0, 0}}, {{0, 0, 8988, 49, 0, 0}, {9000, 50, 5000, 1, 0, 0}}) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}}, {{0, 1, 8988, 49, 0, 0}}) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}}, {{0, 0, 100'000, 49, 0, 0}}) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}}, {{0, 0, 48, 49, 0, 0}}) == Errc::corrupt_file);
  REQUIRE(code({{0, 0, 0}}, {{0, 0, 8988, 100, 0, 0}}) == Errc::corrupt_file);
  // Checksums of headers belong to rewritten logs only, changes of epochs to the others.
  REQUIRE(OffsetIndex::decode(index_file(facts, {{0, 0, 0}}, {}, {{0, 3}}, {{0, 1}}), facts).code() ==
          Errc::corrupt_file);
  REQUIRE(OffsetIndex::decode(index_file(facts, {{0, 0, 0}}, {}, {{5, 3}, {5, 4}}), facts).code() ==
          Errc::corrupt_file);
}

TEST_CASE("a time index with a right checksum whose entries do not rise or leave the log is refused") {
  const SegmentFacts facts = facts_of_100kb();
  const auto code = [&](std::int64_t max, const std::vector<std::pair<std::int64_t, std::uint32_t>>& entries) {
    std::string payload;
    ByteWriter writer(payload);
    writer.fixed(max);
    writer.fixed(static_cast<std::uint32_t>(entries.size()));
    for (const auto& [time, delta] : entries) {
      writer.fixed(time);
      writer.fixed(delta);
    }
    return TimeIndex::decode(encode_derived_file("LCTX", facts, payload), facts).code();
  };
  REQUIRE(code(20, {{10, 5}, {20, 99}}) == Errc::ok);
  REQUIRE(code(20, {{10, 5}, {10, 99}}) == Errc::corrupt_file);
  REQUIRE(code(20, {{10, 5}, {20, 5}}) == Errc::corrupt_file);
  REQUIRE(code(20, {{10, 5}, {20, 100}}) == Errc::corrupt_file);
  REQUIRE(code(19, {{10, 5}, {20, 99}}) == Errc::corrupt_file);
  REQUIRE(code(20, {{-1, 5}}) == Errc::corrupt_file);
}

}  // namespace
}  // namespace logcask
