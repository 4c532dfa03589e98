#include <algorithm>

#include "tests/segment/segment_fixture.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

// Every offset by lookup, every start by read_batches, every timestamp: compared with what was written.
void check_all_reads(const TestLog& log, const Segment& segment, std::size_t max_bytes) {
  const Offset end = segment.next_offset();
  RecordScratch scratch;
  auto expected = log.records.begin();
  for (Offset offset = segment.base(); offset < end + 2; offset += 1) {
    CAPTURE(offset.value());
    const auto found = segment.read_record(offset, scratch);
    if (expected != log.records.end() && expected->offset == offset) {
      REQUIRE_OK(found);
      REQUIRE(same_record(*found, *expected));
      ++expected;
    } else {
      REQUIRE(found.code() == Errc::not_found);
    }
  }
  for (std::size_t start = 0; start < log.batch_ends.size(); ++start) {
    const Offset from = start == 0 ? segment.base() : log.batch_ends[start - 1];
    ByteBuffer bytes("kept");
    Offset next = from;
    while (true) {
      const auto read = segment.read_batches(next, end, max_bytes, bytes);
      REQUIRE_OK(read);
      if (read->batches == 0) break;
      REQUIRE((read->bytes <= max_bytes || read->batches == 1));
      next = read->next_offset;
    }
    REQUIRE(next == end);
    REQUIRE(bytes.view().substr(0, 4) == "kept");
    std::vector<TestRecord> decoded;
    REQUIRE(decode_batches(ByteView(bytes).substr(4), decoded));
    const auto first = std::find_if(log.records.begin(), log.records.end(),
                                    [&](const TestRecord& record) { return record.offset >= from; });
    REQUIRE(decoded.size() == static_cast<std::size_t>(log.records.end() - first));
    if (!decoded.empty()) REQUIRE(decoded.front().offset == first->offset);
  }
}

TEST_CASE("every record is found by its offset, in batches of any size, codec and generation") {
  const auto generation = GENERATE(0u, 2u);
  const auto compression = GENERATE(Compression::none, Compression::zstd, Compression::lz4);
  const bool closed = GENERATE(false, true);
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed << " generation " << generation << " codec " << compression_name(compression) << " closed "
               << closed);
  Random random(seed);
  TestLog log({Offset(700), Generation(generation)});
  for (int i = 0; i < 60; ++i) {
    BatchShape shape;
    shape.records = random.one_in(3) ? 1 + random.below(300) : 1 + random.below(4);
    shape.value_bytes = random.one_in(20) ? 20000 : random.below(200);
    shape.compression = random.one_in(2) ? compression : Compression::none;
    shape.epoch = LeaderEpoch(1 + i / 20);
    if (generation > 0) shape.hole_every = random.below(5);
    log.append(shape);
  }
  const auto segment = closed ? log.close() : log.writer->segment();
  check_all_reads(log, *segment, 10000);
  check_all_reads(log, *segment, 1);
}

// Reads that lookups of all records take, one after the other, with no cache; `most` of one of them.
std::uint64_t reads_of_all(const TestLog& log, const Segment& segment, std::uint64_t& most) {
  const auto& reads = log.environment->lookup_reads.reads;
  const std::uint64_t before = reads;
  most = 0;
  for (const TestRecord& record : log.records) {
    CAPTURE(record.offset.value());
    RecordScratch scratch;
    const std::uint64_t mark = reads;
    const auto found = segment.read_record(record.offset, scratch);
    REQUIRE_OK(found);
    REQUIRE(same_record(*found, record));
    most = std::max<std::uint64_t>(most, reads - mark);
  }
  return reads - before;
}

TEST_CASE("a cold key costs exactly one read, whatever its batch and its value are like") {
  const std::size_t records = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{500});
  const std::size_t value_bytes =
      GENERATE(std::size_t{20}, std::size_t{3'000}, std::size_t{30'000}, std::size_t{300'000});
  // Compaction leaves holes behind records.
  const std::size_t hole_every = GENERATE(std::size_t{0}, std::size_t{2});
  if (records * value_bytes > 2'000'000) return;
  CAPTURE(records, value_bytes, hole_every);
  TestLog log({Offset(0), Generation(hole_every > 0 ? 1u : 0u)});
  SegmentEnvironment::Limits limits;
  limits.record_cache_bytes = 0;
  log.environment = std::make_shared<SegmentEnvironment>(limits);
  BatchShape shape{records, value_bytes};
  shape.hole_every = records > 1 ? hole_every : 0;
  for (int i = 0; i < 12; ++i) {
    std::string bytes;
    add_batch(bytes, log.writer->next_offset() + (hole_every > 0 ? 5 : 0), shape, &log.records);
    REQUIRE_OK(log.writer->append(bytes, TimestampMs(5000)));
  }
  auto facts = log.writer->close(0);
  REQUIRE_OK(facts);
  const auto segment = Segment::closed(log.environment, log.files.root(), *facts);
  // What is larger than a guess, with a hole behind it, may take two.
  const bool guessed = hole_every > 0 && value_bytes > (256u << 10);
  std::uint64_t bytes_before = 0;
  // The second time the batches' CRCs have been checked, and less is read.
  for (int pass = 0; pass < 2; ++pass) {
    const std::uint64_t mark = log.environment->lookup_reads.bytes;
    std::uint64_t most = 0;
    const std::uint64_t reads = reads_of_all(log, *segment, most);
    CHECK((guessed || reads == log.records.size()));
    CHECK(most <= (guessed ? 2u : 1u));
    const std::uint64_t bytes = log.environment->lookup_reads.bytes - mark;
    CHECK((pass == 0 || guessed || bytes <= bytes_before));
    bytes_before = bytes;
  }
}

TEST_CASE("a cold key of a compressed batch costs one read of the batch") {
  TestLog log;
  SegmentEnvironment::Limits limits;
  limits.record_cache_bytes = 0;
  log.environment = std::make_shared<SegmentEnvironment>(limits);
  for (int i = 0; i < 5; ++i) log.append({400, 100, Compression::zstd});
  auto facts = log.writer->close(0);
  REQUIRE_OK(facts);
  const auto segment = Segment::closed(log.environment, log.files.root(), *facts);
  for (int pass = 0; pass < 2; ++pass) {
    std::uint64_t most = 0;
    CHECK(reads_of_all(log, *segment, most) == log.records.size());
    CHECK(most == 1);
  }
}

TEST_CASE("a closed segment rebuilds its indexes when they are missing and writes them again") {
  TestLog log;
  for (int i = 0; i < 50; ++i) log.append({static_cast<std::size_t>(1 + i * 3), 100});
  const auto segment = log.close();
  const std::string index = *log.files.content(log.file(SegmentFile::index));
  REQUIRE_OK(log.files.root()->unlink(log.file(SegmentFile::index)));
  REQUIRE_OK(log.files.root()->unlink(log.file(SegmentFile::time_index)));
  check_all_reads(log, *segment, 5000);
  REQUIRE(log.files.content(log.file(SegmentFile::index)) == index);
}

TEST_CASE("reading ends below the bound, at a whole batch") {
  TestLog log;
  for (int i = 0; i < 4; ++i) log.append({10, 30});
  const auto segment = log.writer->segment();
  ByteBuffer bytes;
  auto read = segment->read_batches(Offset(0), Offset(25), 1 << 20, bytes);
  REQUIRE_OK(read);
  REQUIRE(read->next_offset == Offset(20));
  REQUIRE(read->batches == 2);
  read = segment->read_batches(Offset(20), Offset(25), 1 << 20, bytes);
  REQUIRE_OK(read);
  REQUIRE(read->batches == 0);
  REQUIRE(read->next_offset == Offset(20));
  bytes.clear();
  read = segment->read_batches(Offset(15), Offset(40), 1, bytes);  // inside the second batch
  REQUIRE_OK(read);
  REQUIRE(read->batches == 1);
  REQUIRE(read->next_offset == Offset(20));
  REQUIRE(decode_batch_header(bytes)->base_offset == Offset(10));
}

TEST_CASE("an offset in a hole of a rewritten segment reads on with what follows, up to the empty last batch") {
  TestLog log({Offset(0), Generation(1)});
  log.append({10, 30});
  std::string bytes;
  add_batch(bytes, Offset(50), {1, 30}, &log.records);
  BatchBuilder empty(Offset(60));
  REQUIRE_OK(empty.finish(bytes, Offset(99)));
  REQUIRE_OK(log.writer->append(bytes, TimestampMs(1)));
  const auto segment = log.close();
  REQUIRE(segment->next_offset() == Offset(100));
  ByteBuffer out;
  auto read = segment->read_batches(Offset(20), Offset(100), 1 << 20, out);
  REQUIRE_OK(read);
  REQUIRE(read->batches == 2);
  REQUIRE(read->next_offset == Offset(100));
  out.clear();
  read = segment->read_batches(Offset(55), Offset(100), 1 << 20, out);
  REQUIRE_OK(read);
  REQUIRE(read->batches == 1);
  RecordScratch scratch;
  REQUIRE(segment->read_record(Offset(70), scratch).code() == Errc::not_found);
  REQUIRE(segment->read_record(Offset(20), scratch).code() == Errc::not_found);
  REQUIRE_OK(segment->read_record(Offset(50), scratch));
}

TEST_CASE("the first record at or after a timestamp is found") {
  const auto compression = GENERATE(Compression::none, Compression::zstd);
  TestLog log;
  for (int i = 0; i < 400; ++i) log.append({7, 100, compression});
  const auto segment = log.close();
  const Offset end = segment->next_offset();
  for (std::int64_t i = 0; i < end.value(); i += 13) {
    for (const std::int64_t early : {0, 5}) {
      const auto found = segment->offset_for_time(TimestampMs(1000 + i * 10 - early), Offset(0), end);
      REQUIRE_OK(found);
      REQUIRE(found->has_value());
      REQUIRE((*found)->offset == Offset(i));
      REQUIRE((*found)->timestamp == TimestampMs(1000 + i * 10));
      REQUIRE((*found)->leader_epoch == LeaderEpoch(3));
    }
  }
  auto found = segment->offset_for_time(TimestampMs(1000 + end.value() * 10), Offset(0), end);
  REQUIRE_OK(found);
  REQUIRE(!found->has_value());
  found = segment->offset_for_time(TimestampMs(0), Offset(30), end);
  REQUIRE_OK(found);
  REQUIRE((*found)->offset == Offset(30));
}

TEST_CASE("a scan hands out every batch once, from any offset") {
  TestLog log;
  for (int i = 0; i < 200; ++i) log.append({static_cast<std::size_t>(1 + i % 5), 9000});  // several read buffers
  const auto segment = log.close();
  for (const std::size_t start : {std::size_t{0}, std::size_t{77}, log.batch_ends.size() - 1}) {
    const Offset from = start == 0 ? Offset(0) : log.batch_ends[start - 1];
    std::vector<Offset> ends;
    REQUIRE_OK(segment->scan(from, [&](const ScannedBatch& batch) -> Status {
      ends.push_back(batch.header.next_offset());
      return {};
    }));
    REQUIRE(ends ==
            std::vector<Offset>(log.batch_ends.begin() + static_cast<std::ptrdiff_t>(start), log.batch_ends.end()));
  }
  const Status stopped = segment->scan([](const ScannedBatch&) -> Status { return Error{Errc::cancelled, "enough"}; });
  REQUIRE(stopped.code() == Errc::cancelled);
}

TEST_CASE("files of a removed segment go with its last reference, through the environment's hook") {
  TestLog log;
  log.append({3, 30});
  std::vector<FileRemoval> removals;
  log.environment->remove_files = [&](FileRemoval removal) { removals.push_back(std::move(removal)); };
  auto segment = log.close();
  auto view = segment;
  segment->remove_when_unused();
  segment.reset();
  RecordScratch scratch;
  REQUIRE_OK(view->read_record(Offset(1), scratch));
  REQUIRE(removals.empty());
  view.reset();
  REQUIRE(removals.size() == 1);
  REQUIRE(log.files.paths().size() == 4);
  REQUIRE_OK(removals[0].run());
  REQUIRE(log.files.paths().empty());
}

}  // namespace
}  // namespace logcask
