// Blocks of records in memory: what they hold, what the cache keeps of them, and that lookups through it are right.

#include <atomic>
#include <thread>

#include "segment/segment_lookup.h"
#include "tests/segment/segment_fixture.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

RecordBlockPtr block_of(const BatchShape& shape, Offset base, std::vector<TestRecord>* records = nullptr) {
  std::string bytes;
  add_batch(bytes, base, shape, records);
  auto block = RecordBlock::of_batch(*decode_batch_header(bytes), bytes, 1 << 20);
  REQUIRE_OK(block);
  return *std::move(block);
}

bool holds(const RecordBlock& block, const TestRecord& record) {
  RecordView view;
  return block.covers(record.offset) && block.find(record.offset, view) && same_record(view, record);
}

std::size_t wrong_lookups(const Segment& segment, const std::vector<TestRecord>& records) {
  std::size_t wrong = 0;
  RecordScratch scratch;
  for (const TestRecord& record : records) {
    const auto found = segment.read_record(record.offset, scratch);
    if (!found.ok() || !same_record(*found, record)) ++wrong;
  }
  return wrong;
}

TEST_CASE("a block finds each record of its batch by the offset, and says that others are not there") {
  for (const Compression codec : {Compression::none, Compression::zstd}) {
    for (const std::size_t holes : {0, 2, 7}) {
      INFO("codec " << static_cast<int>(codec) << ", holes every " << holes);
      std::vector<TestRecord> records;
      BatchShape shape{50, 100, codec};
      shape.hole_every = holes;
      const RecordBlockPtr block = block_of(shape, Offset(1000), &records);
      for (const TestRecord& record : records) REQUIRE(holds(*block, record));
      RecordView view;
      std::size_t found = 0;
      for (Offset offset(990); offset < Offset(1060); offset += 1) found += block->find(offset, view);
      REQUIRE(found == records.size());
      REQUIRE(!block->covers(Offset(999)));
      REQUIRE(block->covers(Offset(1049)));
      REQUIRE(!block->covers(Offset(1050)));
    }
  }
  std::string bytes;
  add_batch(bytes, Offset(0), {50, 100, Compression::zstd}, nullptr);
  REQUIRE(RecordBlock::of_batch(*decode_batch_header(bytes), bytes, 100).code() == Errc::message_too_large);
}

TEST_CASE("a block without records covers nothing but its batch") {
  std::string bytes;
  BatchBuilder builder(Offset(40), {});
  REQUIRE_OK(builder.finish(bytes, Offset(49)));
  const auto block = RecordBlock::of_batch(*decode_batch_header(bytes), bytes, 1 << 20);
  REQUIRE_OK(block);
  RecordView view;
  REQUIRE(!(*block)->covers(Offset(39)));
  for (Offset offset(39); offset < Offset(51); offset += 1) {
    (*block)->prefetch_mark(offset);
    REQUIRE(!(*block)->find(offset, view));
  }
}

TEST_CASE("the record cache stays within its bound and keeps what is used over a sweep of what is not") {
  const RecordBlockPtr block = block_of({35, 100}, Offset(0));
  const std::size_t budget = block->memory_bytes() * 8 * 32;
  for (const auto cost : {RecordCache::Cost::read, RecordCache::Cost::decode}) {
    RecordCache cache(budget);
    REQUIRE(cache.bytes() == 0);
    for (std::uint64_t hot = 0; hot < 40; ++hot) cache.insert({1, hot}, block, cost);
    std::size_t offered = 0;
    for (std::uint64_t position = 1000; position < 21000; ++position) {
      // Somebody asks for each hot block all the time.
      for (std::uint64_t hot = position % 4; hot < 40; hot += 4) REQUIRE((cache.find({1, hot})));
      REQUIRE(!cache.find({2, position}));
      if (cost == RecordCache::Cost::read && !cache.wants({2, position})) continue;
      cache.insert({2, position}, block, cost);
      ++offered;
      REQUIRE(cache.bytes() <= budget);
    }
    INFO("offered " << offered);
    if (cost == RecordCache::Cost::decode) {
      REQUIRE((cache.find({2, 20999})));
    } else {
      REQUIRE(offered > 2000);
      REQUIRE(offered < 3000);
    }
    REQUIRE(cache.bytes() > budget / 2);
    const auto stats = cache.stats();
    REQUIRE(stats.blocks * block->memory_bytes() <= stats.bytes);
    REQUIRE(stats.hits >= 20000 * 10);
  }
}

TEST_CASE("the record cache finds what it holds, and only that, after any inserts and evictions") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  std::vector<RecordBlockPtr> blocks;
  for (std::int64_t i = 0; i < 64; ++i)
    blocks.push_back(block_of({static_cast<std::size_t>(1 + i % 9), 50}, Offset(i)));
  RecordCache cache(100'000);
  RecordCache::Key keys[64];
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t at = random.below(2000);
    cache.insert({at % 3 + 1, at}, blocks[at % 64], RecordCache::Cost::decode);
    REQUIRE((cache.find({at % 3 + 1, at})));
    RecordBlockPtr found[64];
    for (auto& key : keys) {
      const std::uint64_t other = random.below(2000);
      key = other % 5 == 0 ? RecordCache::Key() : RecordCache::Key(other % 3 + 1, other);
    }
    cache.find(keys, found);
    for (std::size_t i = 0; i < 64; ++i)
      if (found[i]) REQUIRE(found[i].get() == blocks[(keys[i].bits & 0xffffffff) % 64].get());
    REQUIRE(cache.bytes() <= 100'000);
  }
  REQUIRE(cache.stats().blocks > 50);
}

TEST_CASE("a cache of no bytes holds nothing and asks for nothing, a block too large for it stays out") {
  const RecordBlockPtr block = block_of({35, 100}, Offset(0));
  RecordCache none(0);
  REQUIRE(!none.wants({1, 1}));
  none.insert({1, 1}, block, RecordCache::Cost::decode);
  REQUIRE(!none.find({1, 1}));
  RecordCache tiny(800);
  tiny.insert({1, 1}, block, RecordCache::Cost::decode);
  REQUIRE(tiny.bytes() == 0);
}

TEST_CASE("lookups are right on the first and on every later read, whatever the batches are like", "[one-thread]") {
  const std::vector<std::vector<BatchShape>> logs = {
      {{1, 30}},                       // many batches between two index entries
      {{2000, 100}},                   // record entries inside a batch
      {{1, 9000}},                     // records above what a block takes
      {{300, 60, Compression::zstd}},  //
      {{1, 20}, {500, 40}, {3, 200, Compression::zstd}, {2, 30}, {1, 20000}, {7, 100}},  // all at once
  };
  for (const std::int32_t generation : {0, 3}) {
    for (std::size_t i = 0; i < logs.size(); ++i) {
      INFO("log " << i << " generation " << generation);
      TestLog log(SegmentName{Offset(0), Generation(static_cast<std::uint32_t>(generation))});
      for (int round = 0; round < 40; ++round)
        for (BatchShape shape : logs[i]) {
          if (generation > 0) shape.hole_every = 5;
          log.append(shape);
        }
      const auto active = log.writer->segment();
      for (int pass = 0; pass < 3; ++pass) REQUIRE(wrong_lookups(*active, log.records) == 0);
      const auto closed = log.close();
      for (int pass = 0; pass < 3; ++pass) REQUIRE(wrong_lookups(*closed, log.records) == 0);
      RecordScratch scratch;
      std::size_t next = 0;
      for (Offset offset(0); offset < log.records.back().offset; offset += 1) {
        if (log.records[next].offset == offset) {
          ++next;
        } else {
          REQUIRE(closed->read_record(offset, scratch).code() == Errc::not_found);
        }
      }
    }
  }
}

TEST_CASE("records that were asked for once are answered from memory, also many at a time") {
  TestLog log;
  for (int i = 0; i < 20; ++i) log.append({100, 100});
  const auto segment = log.close();
  REQUIRE(wrong_lookups(*segment, log.records) == 0);  // checks every CRC
  REQUIRE(wrong_lookups(*segment, log.records) == 0);
  const auto before = log.environment->records.stats();
  REQUIRE(before.blocks > 20 * 100 * 100 / 8192);
  log.files.set_content(log.file(SegmentFile::log), std::string(segment->size_bytes(), '?'));
  REQUIRE(wrong_lookups(*segment, log.records) == 0);
  SegmentLookup lookup(*segment);
  SegmentLookup::Place places[SegmentLookup::kPlacesMax];
  for (std::size_t i = 0; i < std::size(places); ++i) places[i] = lookup.find(log.records[i * 31].offset);
  SegmentLookup::find_blocks(log.environment->records, places);
  RecordScratch scratch;
  for (std::size_t i = 0; i < std::size(places); ++i) {
    const auto found = lookup.read(places[i], scratch);
    REQUIRE_OK(found);
    REQUIRE(same_record(*found, log.records[i * 31]));
  }
  const auto after = log.environment->records.stats();
  REQUIRE(after.misses == before.misses);
  REQUIRE(after.hits == before.hits + log.records.size() + std::size(places));
}

TEST_CASE("a rewritten segment of the same log is not answered from its predecessor's blocks") {
  TestLog log;
  for (int i = 0; i < 20; ++i) log.append({100, 100});
  const auto before = log.close();
  REQUIRE(wrong_lookups(*before, log.records) == 0);
  REQUIRE(wrong_lookups(*before, log.records) == 0);
  // Every other record is gone, and what stays is elsewhere.
  const SegmentName name{Offset(0), Generation(1)};
  auto writer = SegmentWriter::create(log.environment, log.files.root(), name, {});
  REQUIRE_OK(writer);
  std::vector<TestRecord> kept;
  for (std::int64_t base = 0; base < 2000; base += 500) {
    std::string bytes;
    BatchShape shape{500, 40};
    shape.hole_every = 2;
    add_batch(bytes, Offset(base), shape, &kept);
    REQUIRE_OK((*writer)->append(bytes, TimestampMs(1)));
  }
  const auto facts = (*writer)->close(0);
  REQUIRE_OK(facts);
  const auto after = Segment::closed(log.environment, log.files.root(), *facts);
  REQUIRE(wrong_lookups(*after, kept) == 0);
  REQUIRE(wrong_lookups(*after, kept) == 0);
  REQUIRE(wrong_lookups(*before, log.records) == 0);
  RecordScratch scratch;
  REQUIRE(after->read_record(Offset(1), scratch).code() == Errc::not_found);
}

TEST_CASE("a batch whose CRC does not hold never becomes a block") {
  TestLog log;
  for (int i = 0; i < 10; ++i) log.append({200, 100});
  const auto segment = log.close();
  const std::uint64_t batch_bytes = segment->size_bytes() / 10;
  std::string damaged = *log.files.content(log.file(SegmentFile::log));
  damaged[3 * batch_bytes + 9000] = static_cast<char>(damaged[3 * batch_bytes + 9000] ^ 4);
  log.files.set_content(log.file(SegmentFile::log), damaged);
  RecordScratch scratch;
  for (int pass = 0; pass < 3; ++pass)
    for (const TestRecord& record : log.records) {
      const auto found = segment->read_record(record.offset, scratch);
      if (record.offset >= Offset(600) && record.offset < Offset(800)) {
        REQUIRE(found.code() == Errc::corrupt_range);
      } else {
        REQUIRE_OK(found);
        REQUIRE(same_record(*found, record));
      }
    }
}

TEST_CASE("many threads look up, evict and drop blocks at the same time") {
  SegmentEnvironment::Limits limits;
  limits.record_cache_bytes = 300'000;  // far less than the log
  TestLog log;
  for (int i = 0; i < 60; ++i) log.append({100, 100, i % 3 == 0 ? Compression::zstd : Compression::none});
  const SegmentFacts facts = log.close()->facts();
  const auto environment = std::make_shared<SegmentEnvironment>(limits);
  const auto segment = Segment::closed(environment, log.files.root(), facts);
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Random random(t + 1);
      RecordScratch scratch;
      SegmentLookup::Place places[16];
      for (int round = 0; round < 400; ++round) {
        SegmentLookup lookup(*segment);
        for (auto& place : places) place = lookup.find(Offset(static_cast<std::int64_t>(random.below(6000))));
        SegmentLookup::find_blocks(environment->records, places);
        for (auto& place : places) {
          const auto found = lookup.read(place, scratch);
          if (!found.ok() || !same_record(*found, log.records[static_cast<std::size_t>(place.offset.value())])) ++wrong;
        }
        if (environment->records.bytes() > 300'000) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE(wrong.load() == 0);
  REQUIRE(environment->records.stats().hits > 0);
}

}  // namespace
}  // namespace logcask
