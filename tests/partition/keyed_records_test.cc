#include "partition/keyed_records.h"

#include "tests/partition/keyed_log.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr std::size_t kMaxDecompressed = 1u << 20;

// A segment from offset 100 on, and the edges of its batches.
struct KeyedLog {
  MemoryFileSystem files;
  std::shared_ptr<SegmentEnvironment> environment = std::make_shared<SegmentEnvironment>();
  std::unique_ptr<SegmentWriter> writer;
  std::vector<std::uint64_t> positions;  // where each batch begins, and the end

  KeyedLog() {
    SegmentWriter::Options options;
    options.preallocate_bytes = 0;
    auto created = SegmentWriter::create(environment, files.root(), {Offset(100), Generation(0)}, options);
    REQUIRE_OK(created);
    writer = std::move(created).value();
    positions.push_back(0);
  }
  void add(const std::string& bytes) {
    REQUIRE_OK(writer->append(bytes, TimestampMs(5000)));
    positions.push_back(positions.back() + bytes.size());
  }
  void add(const std::vector<KeyValue>& records, const BatchBuilder::Options& options = {}) {
    std::string bytes;
    append_batch(bytes, writer->next_offset(), records, options);
    add(bytes);
  }
  std::shared_ptr<const Segment> segment() const { return writer->segment(); }
  KeyedRange all() const { return {Offset(100), positions.back(), std::nullopt}; }
  void damage(std::uint64_t at) {
    for (const std::string& path : files.paths()) {
      if (!path.ends_with(".log")) continue;
      std::string content = *files.content(path);
      content.at(at) ^= 1;
      files.set_content(path, content);
    }
  }
};

struct Scan {
  Status status;
  KeyedTotals totals;
  std::vector<KeyedRecord> records;
  std::vector<std::size_t> groups;
};

Scan scan(const Segment& segment, const KeyedRange& range, std::size_t max_decompressed = kMaxDecompressed) {
  Scan out;
  out.status = walk_keyed_records(segment, range, test_hasher(), max_decompressed, out.totals,
                                  [&](std::span<const KeyedRecord> records) -> Status {
                                    out.groups.push_back(records.size());
                                    out.records.insert(out.records.end(), records.begin(), records.end());
                                    return {};
                                  });
  return out;
}

std::vector<std::int64_t> offsets(const Scan& scan) {
  std::vector<std::int64_t> all;
  for (const KeyedRecord& record : scan.records) all.push_back(record.offset.value());
  return all;
}

using Offsets = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a keyed scan tells every key's identity, offset, size and whether it is a tombstone", "[keyed-scan]") {
  for (const Compression codec : {Compression::none, Compression::zstd}) {
    KeyedLog log;
    BatchBuilder::Options options;
    options.compression = codec;
    log.add({{"a", "1"}, {"b", std::nullopt}}, options);
    log.add({{"a", std::string(50, 'x')}}, options);
    const Scan all = scan(*log.segment(), log.all());
    REQUIRE_OK(all.status);
    REQUIRE(offsets(all) == Offsets{100, 101, 102});
    CHECK(all.records[0].identity == test_hasher().identity("a"));
    CHECK(all.records[1].identity == test_hasher().identity("b"));
    CHECK(all.records[2].identity == test_hasher().identity("a"));
    CHECK(all.records[1].tombstone);
    CHECK_FALSE(all.records[0].tombstone);
    CHECK(all.records[2].encoded_bytes == all.records[0].encoded_bytes + 49);
    CHECK(all.totals.records == 3);
    CHECK(all.totals.tombstones == 1);
    CHECK(all.totals.record_bytes ==
          all.records[0].encoded_bytes + all.records[1].encoded_bytes + all.records[2].encoded_bytes);
    CHECK(all.totals.max_timestamp == TimestampMs(1102));
    CHECK(all.totals.next_offset == Offset(103));
  }
}

TEST_CASE("records without a key and markers count and are not handed on, and a hole at a batch's end is walked",
          "[keyed-scan]") {
  KeyedLog log;
  std::string bytes;
  BatchBuilder keyless(Offset(100));
  keyless.add(Offset(100), TimestampMs(9000), std::nullopt, ByteView("v"));
  keyless.add(Offset(101), TimestampMs(1), ByteView("k"), ByteView("v"));
  REQUIRE_OK(keyless.finish(bytes, Offset(109)));
  log.add(bytes);
  BatchBuilder::Options control;
  control.control = true;
  control.producer_id = ProducerId(1);
  control.producer_epoch = 0;
  log.add({{"marker", "x"}}, control);
  const Scan all = scan(*log.segment(), log.all());
  REQUIRE_OK(all.status);
  CHECK(offsets(all) == Offsets{101});
  CHECK(all.totals.records == 3);
  CHECK(all.totals.max_timestamp == TimestampMs(9000));
  CHECK(all.totals.next_offset == Offset(111));
}

TEST_CASE("records come in groups of at most 1024, over batch edges, none lost between them", "[keyed-scan]") {
  KeyedLog log;
  for (int batch = 0; batch < 3; ++batch) log.add(std::vector<KeyValue>(1000, {"k", "v"}));
  const Scan all = scan(*log.segment(), log.all());
  REQUIRE_OK(all.status);
  CHECK(all.groups == std::vector<std::size_t>{1024, 1024, 952});
  for (std::size_t i = 0; i < all.records.size(); ++i)
    REQUIRE(all.records[i].offset == Offset(100 + static_cast<std::int64_t>(i)));
}

TEST_CASE("a range begins at its offset's batch and ends before the batch at its end", "[keyed-scan]") {
  KeyedLog log;
  for (int batch = 0; batch < 4; ++batch) log.add({{"a", "1"}, {"b", "2"}});
  const auto segment = log.segment();
  const auto in = [&](std::int64_t from, std::size_t end_batch) {
    return scan(*segment, {Offset(from), log.positions[end_batch], std::nullopt});
  };
  CHECK(offsets(in(102, 3)) == Offsets{102, 103, 104, 105});
  CHECK(in(102, 3).totals.next_offset == Offset(106));
  CHECK(offsets(in(100, 1)) == Offsets{100, 101});
  CHECK(in(100, 0).records.empty());
  REQUIRE_OK(in(100, 0).status);
  CHECK(offsets(in(106, 4)) == Offsets{106, 107});
  CHECK(in(108, 4).records.empty());  // at the end
  REQUIRE_OK(in(108, 4).status);
  // Totals are added to.
  KeyedTotals totals = in(100, 2).totals;
  REQUIRE_OK(walk_keyed_records(*segment, {Offset(104), log.positions[4], std::nullopt}, test_hasher(),
                                kMaxDecompressed, totals, [](std::span<const KeyedRecord>) { return Status(); }));
  CHECK(totals.records == 8);
  CHECK(totals.next_offset == Offset(108));
}

TEST_CASE("who says where the first batch lies is held to it", "[keyed-scan]") {
  KeyedLog log;
  for (int batch = 0; batch < 3; ++batch) log.add({{"a", "1"}});
  REQUIRE_OK(scan(*log.segment(), {Offset(101), log.positions[3], log.positions[1]}).status);
  const Scan wrong = scan(*log.segment(), {Offset(101), log.positions[3], log.positions[1] + 1});
  REQUIRE(wrong.status.code() == Errc::corrupt_file);
  CHECK_THAT(wrong.status.error().message, Catch::Contains(std::to_string(log.positions[1] + 1)));
  CHECK(wrong.records.empty());
}

TEST_CASE("damage ends the walk, what was read before it has been handed on, and the totals say where",
          "[keyed-scan]") {
  KeyedLog log;
  for (int batch = 0; batch < 3; ++batch) log.add({{"a", "1"}, {"b", "2"}});
  const auto segment = log.segment();
  log.damage(log.positions[2] - 1);
  const Scan cut = scan(*segment, log.all());
  CHECK(cut.status.code() == Errc::corrupt_range);
  CHECK(offsets(cut) == Offsets{100, 101});
  CHECK(cut.totals.next_offset == Offset(102));
  CHECK(cut.totals.records == 2);
}

TEST_CASE("a batch that unpacks to more than is allowed is damage that names its place", "[keyed-scan]") {
  KeyedLog log;
  log.add({{"a", "1"}});
  BatchBuilder::Options options;
  options.compression = Compression::zstd;
  log.add({{"b", std::string(5000, 'x')}}, options);
  REQUIRE_OK(scan(*log.segment(), log.all(), 6000).status);
  const Scan refused = scan(*log.segment(), log.all(), 4000);
  REQUIRE(refused.status.code() == Errc::corrupt_range);
  CHECK_THAT(refused.status.error().message, Catch::Contains("position " + std::to_string(log.positions[1])));
  CHECK(offsets(refused) == Offsets{100});
}

TEST_CASE("the first error of who takes the records ends the walk, and he is not asked again", "[keyed-scan]") {
  KeyedLog log;
  for (int batch = 0; batch < 3; ++batch) log.add(std::vector<KeyValue>(1000, {"k", "v"}));
  KeyedTotals totals;
  int calls = 0;
  const Status status = walk_keyed_records(*log.segment(), log.all(), test_hasher(), kMaxDecompressed, totals,
                                           [&](std::span<const KeyedRecord>) -> Status {
                                             ++calls;
                                             return Error{Errc::cancelled, "enough"};
                                           });
  CHECK(status.code() == Errc::cancelled);
  CHECK(status.error().message == "enough");
  CHECK(calls == 1);
}
