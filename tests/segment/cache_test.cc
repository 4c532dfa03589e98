#include <thread>

#include "segment/crc_bitmap.h"
#include "segment/digest.h"
#include "tests/segment/segment_fixture.h"

namespace logcask {
namespace {

using namespace testing;

std::shared_ptr<const OpenSegment> open_segment() {
  const SegmentName name{Offset(0), Generation(0)};
  return std::make_shared<OpenSegment>(OpenSegment{nullptr, OffsetIndex(name), TimeIndex(name)});
}

TEST_CASE("the file cache keeps the number of open files below its limit and what is used longest") {
  const auto cache = std::make_shared<FileCache>(FileCache::Limits{3, 1 << 20});
  std::vector<std::unique_ptr<FileCache::Slot>> slots;
  for (int i = 0; i < 10; ++i) slots.push_back(std::make_unique<FileCache::Slot>(cache));
  std::size_t opened = 0;
  const auto open = [&]() -> Result<std::shared_ptr<const OpenSegment>> {
    ++opened;
    return open_segment();
  };
  const auto use = [&](std::size_t i) {
    const std::size_t before = opened;
    REQUIRE_OK(slots[i]->get(open));
    REQUIRE(cache->open_files() <= 3);
    return opened == before;  // it was there
  };
  REQUIRE(!use(0));
  REQUIRE(use(0));
  for (std::size_t i = 1; i < 10; ++i) {
    REQUIRE(!use(i));
    REQUIRE(use(i));
  }
  // What somebody holds stays his when it is evicted.
  const auto held = *slots[9]->get(open);
  for (std::size_t i = 0; i < 6; ++i) use(i);
  REQUIRE(held.use_count() == 1);
  REQUIRE(!use(9));
  slots.clear();
  REQUIRE(cache->open_files() == 0);
  REQUIRE(cache->index_bytes() == 0);
}

TEST_CASE("the file cache bounds index memory, and a failed open leaves nothing") {
  TestLog log;
  for (int i = 0; i < 300; ++i) log.append({10, 300});
  const SegmentFacts facts = log.close()->facts();
  SegmentEnvironment::Limits limits;
  limits.files = {100, 4096};
  const auto environment = std::make_shared<SegmentEnvironment>(limits);
  std::vector<std::shared_ptr<const Segment>> segments;
  RecordScratch scratch;
  for (int i = 0; i < 5; ++i) {
    segments.push_back(Segment::closed(environment, log.files.root(), facts));
    REQUIRE_OK(segments.back()->read_record(Offset(7), scratch));
    REQUIRE(environment->files->open_files() == 1);  // one index alone is above the limit: only the newest stays
  }
  SegmentFacts missing = facts;
  missing.name.generation = Generation(9);
  const auto none = Segment::closed(environment, log.files.root(), missing);
  REQUIRE(none->read_record(Offset(7), scratch).code() == Errc::corrupt_range);
  REQUIRE(environment->files->open_files() == 1);
}

TEST_CASE("a marked position is marked, its neighbours are not, from many threads") {
  CrcBitmap bitmap;
  REQUIRE(!bitmap.marked(0));
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = t; i < 20000; i += 4) bitmap.mark(i * 128 * 797 % kMaxSegmentBytes / 128 * 128);
    });
  for (std::thread& thread : threads) thread.join();
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const std::uint64_t position = i * 128 * 797 % kMaxSegmentBytes / 128 * 128;
    REQUIRE(bitmap.marked(position));
    REQUIRE(!bitmap.marked(position + 64));
  }
  bitmap.mark(kMaxSegmentBytes);
  REQUIRE(bitmap.marked(kMaxSegmentBytes));
  REQUIRE(!bitmap.marked(kMaxSegmentBytes + 64));
}

TEST_CASE("the digest is XXH3-64, in any pieces, and a copy goes on by itself") {
  REQUIRE(Digest().value() == 0x2d06800538d394c2ull);  // XXH3-64 of nothing, seed 0
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 31);
  Digest whole;
  whole.update(bytes);
  Digest pieces;
  Digest copy;
  for (std::size_t at = 0; at < bytes.size(); at += 77) {
    if (at == 77 * 30) copy = pieces;
    pieces.update(ByteView(bytes).substr(at, 77));
  }
  REQUIRE(pieces.value() == whole.value());
  REQUIRE(xxh3_64(bytes) == whole.value());
  copy.update(ByteView(bytes).substr(77 * 30));
  REQUIRE(copy.value() == whole.value());
}

TEST_CASE("readers on other threads see only what is written while the log grows and is synced") {
  TestLog log;
  const auto segment = log.writer->segment();
  std::atomic<bool> done{false};
  std::atomic<std::size_t> looked{0};
  std::atomic<std::size_t> wrong{0};
  const auto look = [&](std::uint64_t seed) {
    Random random(seed);
    RecordScratch scratch;
    ByteBuffer bytes;
    while (!done.load()) {
      const Offset end = segment->next_offset();
      if (end == Offset(0)) continue;
      const Offset offset(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(end.value()))));
      const auto found = segment->read_record(offset, scratch);
      if (!found.ok() || !same_record(*found, make_record(offset, 60))) ++wrong;
      bytes.clear();
      const auto read = segment->read_batches(offset, end, 5000, bytes);
      if (!read.ok() || read->batches == 0) ++wrong;
      ++looked;
    }
  };
  std::thread first(look, 1);
  std::thread second(look, 2);
  std::thread syncer([&] {
    std::int64_t now = 0;
    while (!done.load())
      if (!log.writer->sync(now += 1'000'000'000).ok()) ++wrong;
  });
  std::vector<TestRecord> ignored;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    add_batch(bytes, log.writer->next_offset(), {static_cast<std::size_t>(1 + i % 90), 60}, nullptr);
    if (!log.writer->append(bytes, TimestampMs(i)).ok()) ++wrong;
  }
  while (looked.load() < 200) std::this_thread::yield();
  done = true;
  first.join();
  second.join();
  syncer.join();
  REQUIRE(wrong.load() == 0);
}

}  // namespace
}  // namespace logcask
