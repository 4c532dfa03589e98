// What a rewrite writes: which records, how they are batched, and what happens when it fails.

#include "compactor/rewrite.h"

#include "compactor/compactor.h"
#include "tests/compactor/fake_partition.h"

namespace logcask {
namespace {

using namespace testing;

std::vector<std::int64_t> offsets_on_disk(const FakePartition& partition) {
  std::vector<std::int64_t> offsets;
  for (const auto& [offset, record] : partition.on_disk()) offsets.push_back(offset.value());
  return offsets;
}

std::vector<BatchHeader> batches_of(const Segment& segment) {
  std::vector<BatchHeader> headers;
  const Status scanned = segment.scan([&](const ScannedBatch& batch) {
    headers.push_back(batch.header);
    return Status();
  });
  REQUIRE_OK(scanned);
  return headers;
}

CompactionStats compact(FakePartition& partition, CompactionMode mode = CompactionMode::forced) {
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  auto stats = compactor.run_due(mode, no_pace);
  REQUIRE_OK(stats);
  partition.check();
  return *stats;
}

TEST_CASE("superseded records go, but offsets, order, timestamps and the final record of every key stay") {
  FakePartition partition;
  for (const char* key : {"a", "b", "a", "c", "b", "a"}) partition.put(key, std::string("v-") + key);
  partition.close_active();
  partition.put("c", "later");
  partition.close_active();
  const CompactionStats stats = compact(partition);
  CHECK(offsets_on_disk(partition) == std::vector<std::int64_t>{4, 5, 6});
  CHECK(stats.records_dropped == 4);
  CHECK(stats.records_kept == 3);
  CHECK(partition.closed.size() == 1);
  CHECK(partition.closed[0].facts.name == SegmentName{Offset(0), Generation(1)});
  CHECK(partition.closed[0].compacted_through == Offset(7));
}

TEST_CASE("a second run finds nothing due and writes nothing") {
  FakePartition partition;
  for (int i = 0; i < 200; ++i) partition.put("k" + std::to_string(i % 17), "v" + std::to_string(i));
  partition.close_active();
  CHECK(compact(partition).rewrites == 1);
  const std::size_t changes = partition.files.change_count();
  const CompactionStats second = compact(partition);
  CHECK(second.rewrites == 0);
  CHECK(partition.files.change_count() == changes);
}

TEST_CASE("a record whose newer one is not committed stays") {
  FakePartition partition;
  partition.put("a", "committed");
  partition.put("b", "1");
  partition.put("b", "2");
  partition.hold_commits = true;
  partition.put("a", "uncommitted");
  partition.close_active();
  compact(partition);
  CHECK(partition.installs == 0);  // the segment reaches above the committed end
  partition.put("c", "1");
  CHECK(offsets_on_disk(partition).front() == 0);
}

TEST_CASE("min.compaction.lag.ms keeps every record of young segments, and of old ones nothing that is superseded") {
  FakePartition partition;
  partition.config.min_compaction_lag_ms = 10'000;
  partition.put("a", "1");
  partition.put("a", "2");
  partition.put("b", "1");
  partition.close_active();
  partition.advance_ms(20'000);
  partition.put("b", "2");
  partition.put("b", "3");
  partition.close_active();
  compact(partition);
  CHECK(offsets_on_disk(partition) == std::vector<std::int64_t>{1, 3, 4});
  partition.advance_ms(10'000);
  compact(partition);
  CHECK(offsets_on_disk(partition) == std::vector<std::int64_t>{1, 4});
}

TEST_CASE("of keys that are written all the time no version stays in a closed segment") {
  FakePartition partition;
  for (int i = 0; i < 300; ++i) partition.put("hot" + std::to_string(i % 3), std::to_string(i));
  partition.put("cold", "1");
  partition.close_active();
  for (int i = 0; i < 3; ++i) partition.put("hot" + std::to_string(i), "active");
  const CompactionStats stats = compact(partition);
  CHECK(offsets_on_disk(partition) == std::vector<std::int64_t>{300, 301, 302, 303});
  CHECK(stats.records_dropped == 300);
  CHECK(compact(partition).rewrites == 0);
}

TEST_CASE("a segment of which all is dead goes while the active one still grows") {
  FakePartition partition;
  for (int i = 0; i < 50; ++i) partition.put("k" + std::to_string(i), "1");
  partition.close_active();
  for (int i = 0; i < 50; ++i) partition.put("k" + std::to_string(i), "2");
  const CompactionStats stats = compact(partition, CompactionMode::background);
  CHECK(stats.rewrites == 1);
  CHECK(stats.records_dropped == 50);
  CHECK(stats.bytes_read == stats.bytes_before);  // once
  CHECK(compact(partition, CompactionMode::background).rewrites == 0);
}

TEST_CASE("what is superseded while a rewrite runs does not count as looked at") {
  FakePartition partition;
  partition.put("a", "1");
  for (int i = 0; i < 200; ++i) partition.put("k", "v");
  partition.close_active();
  bool written = false;
  partition.after_probe = [&](Offset up_to) {
    if (!written && up_to > Offset(60)) partition.put("a", "2");
    written = written || up_to > Offset(60);
  };
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  REQUIRE_OK(compactor.step(CompactionMode::forced, no_pace));
  CHECK(partition.closed[0].compacted_through == Offset(201));
  CHECK(partition.on_disk().count(Offset(0)) == 1);
}

TEST_CASE("a forced run comes to an end though every rewrite of it makes more records superseded") {
  FakePartition partition;
  for (int i = 0; i < 200; ++i) partition.put("k" + std::to_string(i), "v");
  partition.put("k0", "v");
  partition.close_active();
  int round = 0;
  partition.before_install = [&] { partition.put("k" + std::to_string(++round % 200), "again"); };
  CHECK(compact(partition).rewrites == 1);
}

TEST_CASE("what has to stay although it is superseded is not rewritten again, new dead records beside it are") {
  FakePartition partition;
  for (int i = 0; i < 10; ++i) partition.put("odd", std::to_string(i));
  for (int i = 0; i < 10; ++i) partition.put("k" + std::to_string(i), "1");
  partition.close_active();
  partition.collided.insert(test_hasher().identity("odd"));
  partition.config.min_cleanable_dirty_ratio = 0.3;
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  const auto rewrites = [&](CompactionMode mode) {
    const auto stats = compactor.run_due(mode, no_pace);
    REQUIRE_OK(stats);
    partition.check();
    return stats->rewrites;
  };
  CHECK(rewrites(CompactionMode::background) == 1);
  CHECK(rewrites(CompactionMode::background) == 0);
  CHECK(rewrites(CompactionMode::forced) == 0);
  CHECK(compactor.decide(CompactionMode::background).segments[0].why.find("9 that have to stay") != std::string::npos);
  for (int i = 0; i < 5; ++i) partition.put("k" + std::to_string(i), "2");
  CHECK(rewrites(CompactionMode::background) == 0);  // 5 of 20, and not 14
  partition.put("k5", "2");
  CHECK(rewrites(CompactionMode::background) == 1);
  CHECK(rewrites(CompactionMode::background) == 0);
}

TEST_CASE("H10: what went behind the last survivor is a hole that readers step over") {
  FakePartition partition;
  partition.config.segment_bytes = 300;  // nothing is merged
  partition.put("a", "1");
  partition.put("gone", "1");
  partition.put("gone", "2");
  partition.close_active();
  partition.put("gone", std::string(250, 'v'));
  partition.close_active();
  compact(partition);
  REQUIRE(partition.closed.size() == 2);
  const auto& segment = *partition.closed[0].segment;
  CHECK(segment.next_offset() == Offset(3));
  const auto batches = batches_of(segment);
  REQUIRE(batches.size() == 2);
  CHECK(batches.back().record_count == 0);
  CHECK(batches.back().next_offset() == Offset(3));
  ByteBuffer out;
  const auto read = segment.read_batches(Offset(1), Offset(3), 1 << 20, out);
  REQUIRE_OK(read);
  CHECK(read->next_offset == Offset(3));
}

TEST_CASE("a segment of which nothing is left is one empty batch, and keeps its offsets") {
  FakePartition partition;
  partition.put("a", "1");
  partition.put("b", "1");
  partition.close_active(5);
  partition.put("a", "2");
  partition.put("b", "2");
  partition.close_active();
  partition.config.segment_bytes = 200;  // no merge
  compact(partition);
  REQUIRE(partition.closed.size() == 2);
  const auto& first = partition.closed[0];
  CHECK(first.facts.records == 0);
  CHECK(first.facts.next_offset == Offset(2));
  CHECK(first.end_offset == Offset(7));
  REQUIRE(batches_of(*first.segment).size() == 1);
  CHECK(batches_of(*first.segment)[0].record_count == 0);
}

TEST_CASE("H9: records are merged only where epoch, timestamp type and codec agree, without producer fields") {
  FakePartition partition;
  const auto options = [](Compression codec, std::int32_t epoch, std::int64_t producer) {
    BatchBuilder::Options o;
    o.compression = codec;
    o.leader_epoch = LeaderEpoch(epoch);
    if (producer >= 0) {
      o.producer_id = ProducerId(producer);
      o.producer_epoch = 0;
      o.base_sequence = 5;
    }
    return o;
  };
  partition.put("dead", "1");
  partition.put_batch({{"a", "1"}}, options(Compression::none, 0, 7));
  partition.put_batch({{"b", "1"}}, options(Compression::none, 0, 8));
  partition.put_batch({{"c", "1"}}, options(Compression::zstd, 0, -1));
  partition.put_batch({{"d", "1"}, {"e", "1"}}, options(Compression::zstd, 0, 7));
  partition.put_batch({{"f", "1"}}, options(Compression::zstd, 1, -1));
  partition.put("dead", "2");
  partition.close_active();
  compact(partition);
  const auto batches = batches_of(*partition.closed[0].segment);
  std::vector<std::pair<std::int64_t, std::int32_t>> shape;
  for (const BatchHeader& header : batches) {
    CHECK_FALSE(header.has_producer());
    shape.push_back({header.base_offset.value(), header.record_count});
  }
  CHECK(shape == std::vector<std::pair<std::int64_t, std::int32_t>>{{1, 2}, {3, 3}, {6, 1}, {7, 1}});
  CHECK(batches[1].compression() == Compression::zstd);
  CHECK(batches[2].leader_epoch == LeaderEpoch(1));
}

TEST_CASE("LogAppendTime batches keep their time") {
  FakePartition partition;
  BatchBuilder::Options stamped;
  stamped.timestamp_type = TimestampType::log_append_time;
  partition.put("dead", "1");
  partition.put_batch({{"a", "1"}}, stamped);
  partition.put_batch({{"b", "1"}}, stamped);
  partition.put("dead", "2");
  partition.close_active();
  compact(partition);  // check() compares every timestamp
  CHECK(batches_of(*partition.closed[0].segment).size() == 3);
}

TEST_CASE("a producer's last batch stays its own batch, empty if need be, with its sequence") {
  FakePartition partition;
  BatchBuilder::Options producer;
  producer.producer_id = ProducerId(7);
  producer.producer_epoch = 3;
  producer.base_sequence = 40;
  partition.put_batch({{"a", "1"}, {"b", "1"}}, producer);
  producer.base_sequence = 42;
  partition.put_batch({{"a", "2"}, {"b", "2"}, {"keep", "1"}}, producer);
  producer.producer_id = ProducerId(8);
  partition.put_batch({{"c", "1"}}, producer);
  for (const char* key : {"a", "b", "c"}) partition.put(key, "3");
  partition.close_active();
  partition.tails = {{Offset(4), ProducerId(7), 3, 44, {}}, {Offset(5), ProducerId(8), 3, 42, {}}};
  compact(partition);
  const auto batches = batches_of(*partition.closed[0].segment);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].producer_id == ProducerId(7));
  CHECK(batches[0].base_offset == Offset(2));
  CHECK(batches[0].last_offset() == Offset(4));
  CHECK(batches[0].base_sequence == 42);
  CHECK(batches[0].producer_epoch == 3);
  CHECK(batches[0].record_count == 1);
  CHECK(batches[1].producer_id == ProducerId(8));
  CHECK(batches[1].record_count == 0);
  CHECK(batches[1].base_sequence == 42);
  CHECK_FALSE(batches[2].has_producer());

  // The producer has written since: the batch is no longer its last one.
  partition.tails = {};
  partition.put("keep", "2");
  partition.close_active();
  compact(partition);
  for (const BatchHeader& header : batches_of(*partition.closed[0].segment)) CHECK_FALSE(header.has_producer());
}

TEST_CASE("headers, empty values and every codec come through") {
  const auto codec =
      GENERATE(Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd);
  FakePartition partition;
  BatchBuilder::Options options;
  options.compression = codec;
  partition.put("dead", "1");
  for (int i = 0; i < 30; ++i)
    partition.put_batch({{"k" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 7, 'x')},
                         {"t" + std::to_string(i), std::nullopt}},
                        options);
  partition.put("dead", "2");
  partition.close_active();
  const CompactionStats stats = compact(partition);
  CHECK(stats.records_dropped == 1);
  for (const BatchHeader& header : batches_of(*partition.closed[0].segment))
    if (header.record_count > 1) CHECK(header.compression() == codec);
}

TEST_CASE("H20: outputs stay below segment.bytes, in as many segments as that takes") {
  FakePartition partition;
  for (int i = 0; i < 100; ++i) partition.put("k" + std::to_string(i), std::string(100, 'v'));
  partition.put("k0", std::string(100, 'w'));
  partition.close_active();
  partition.config.segment_bytes = 2000;
  Compactor compactor(partition, {0, 0, 500, 0});
  REQUIRE_OK(compactor.run_due(CompactionMode::forced, no_pace));
  partition.check();
  CHECK(partition.closed.size() > 5);
  for (const CompactionSegment& segment : partition.closed) {
    CHECK(segment.facts.size_bytes <= 2000);
    CHECK(segment.facts.name.generation == Generation(1));
  }
  const int installs = partition.installs;
  REQUIRE_OK(compactor.run_due(CompactionMode::forced, no_pace));
  CHECK(partition.installs == installs);
}

TEST_CASE("sparse offsets beyond 2^31 and 2^32 do not break a rewrite") {
  FakePartition partition;
  partition.put("a", "1");
  partition.put("b", "1");
  partition.close_active((std::int64_t{1} << 31) - 4);
  partition.put("a", "2");
  partition.put("c", "1");
  partition.close_active(std::int64_t{1} << 32);
  partition.put("b", "2");
  partition.put("c", "2");
  partition.close_active();
  compact(partition);
  CHECK(partition.closed.size() == 3);
  CHECK(partition.on_disk().size() == 3);
  partition.reload();
  partition.check();
}

TEST_CASE("append times of the inputs come through, so retention and lag count from the append") {
  FakePartition partition;
  partition.put("a", "1");
  partition.advance_ms(100);
  partition.put("b", "1");
  partition.close_active();
  partition.advance_ms(5000);
  partition.put("a", "2");
  partition.advance_ms(100);
  partition.put("c", "1");
  partition.close_active();
  partition.advance_ms(100'000);
  compact(partition);
  REQUIRE(partition.closed.size() == 1);
  CHECK(partition.closed[0].facts.first_append == TimestampMs(1'000'000));
  CHECK(partition.closed[0].facts.last_append == TimestampMs(1'005'200));
}

TEST_CASE("the hint of an output loads the same keydir as its log") {
  FakePartition partition;
  for (int i = 0; i < 60; ++i)
    partition.put("k" + std::to_string(i % 13), i % 5 == 0 ? std::nullopt : std::optional<std::string>("v"));
  partition.close_active();
  compact(partition);
  const auto keydir = partition.keydir;
  partition.reload();
  CHECK(partition.keydir == keydir);
  auto hint = HintReader::open(*partition.files.root(), partition.closed[0].facts.name);
  REQUIRE_OK(hint);
  CHECK(hint_is_whole(hint->header(), extent_of(partition.closed[0].facts)));
  CHECK(hint->header().records == partition.closed[0].facts.records);
}

TEST_CASE("C4: a value that the keydir does not know quarantines the partition and keeps everything") {
  FakePartition partition;
  for (int i = 0; i < 20; ++i) partition.put("k" + std::to_string(i % 4), "v");
  partition.close_active();
  partition.keydir.erase(test_hasher().identity("k2"));
  const auto before = partition.log_files();
  Compactor compactor(partition);
  const auto stats = compactor.run_due(CompactionMode::forced, no_pace);
  CHECK(stats.code() == Errc::internal);
  REQUIRE(partition.quarantined);
  CHECK(partition.quarantined->find("offset") != std::string::npos);
  CHECK(partition.installs == 0);
  CHECK(partition.log_files() == before);
  CHECK(partition.on_disk().size() == 20);
  CHECK_FALSE(compactor.decide(CompactionMode::forced).plan);
}

TEST_CASE("C4: an entry that goes missing during the rewrite is found as well") {
  FakePartition partition;
  for (int i = 0; i < 200; ++i) partition.put("k" + std::to_string(i % 100), "v");
  partition.close_active();
  Compactor compactor(partition);
  int begun = 0;
  partition.before_probe = [&](Offset up_to) {
    if (up_to > Offset(120) && begun++ == 0) partition.keydir.erase(test_hasher().identity("k99"));
  };
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::internal);
  CHECK(partition.quarantined.has_value());
  CHECK(partition.on_disk().size() == 200);
  CHECK(partition.log_files().size() < 7);
}

class ClosedInTheMiddle final : public FakePartition {
 public:
  CompactionState state() const override { return shut ? CompactionState() : FakePartition::state(); }
  bool shut = false;
};

TEST_CASE("retention and then a close during a rewrite are no broken invariant") {
  ClosedInTheMiddle partition;
  for (int i = 0; i < 200; ++i) partition.put("k" + std::to_string(i), "v");
  partition.put("k199", "v2");
  partition.close_active();
  partition.before_probe = [&](Offset) {
    if (partition.log_start == Offset(0)) partition.move_log_start(Offset(150));
    partition.shut = true;
  };
  Compactor compactor(partition);
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::cancelled);
  CHECK_FALSE(partition.quarantined.has_value());
}

TEST_CASE("retention that removes an entry during the rewrite is no broken invariant") {
  FakePartition partition;
  for (int i = 0; i < 200; ++i) partition.put("k" + std::to_string(i), "v");
  partition.put("k199", "v2");
  partition.close_active();
  partition.before_probe = [&](Offset up_to) {
    if (up_to > Offset(60) && partition.log_start == Offset(0)) partition.move_log_start(Offset(150));
  };
  Compactor compactor(partition);
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::cancelled);
  CHECK_FALSE(partition.quarantined);
  REQUIRE_OK(compactor.run_due(CompactionMode::forced, no_pace));
  CHECK(partition.on_disk().size() == 50);
}

TEST_CASE("a damaged input quarantines the partition, naming file and position, and nothing goes") {
  FakePartition partition;
  for (int i = 0; i < 20; ++i) partition.put("k" + std::to_string(i % 4), "v");
  partition.close_active();
  const std::string name = segment_filename(partition.closed[0].facts.name, SegmentFile::log);
  std::string bytes = *partition.files.content(name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  partition.files.set_content(name, bytes);
  Compactor compactor(partition);
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::corrupt_range);
  REQUIRE(partition.quarantined);
  CHECK(partition.quarantined->find(name) != std::string::npos);
  CHECK(*partition.files.content(name) == bytes);
}

TEST_CASE("M5: a collided identity loses no record") {
  FakePartition partition;
  for (int i = 0; i < 10; ++i) partition.put("k" + std::to_string(i % 2), std::to_string(i));
  partition.close_active();
  partition.collided.insert(test_hasher().identity("k0"));
  compact(partition);
  CHECK(offsets_on_disk(partition) == std::vector<std::int64_t>{0, 2, 4, 6, 8, 9});
}

TEST_CASE("a rewrite that fails at any operation leaves the inputs, and nothing of its own") {
  FakePartition partition;
  for (int i = 0; i < 60; ++i) partition.put("k" + std::to_string(i % 7), "v" + std::to_string(i));
  partition.close_active();
  const auto before = partition.log_files();
  const bool full = GENERATE(false, true);
  bool done = false;
  for (std::uint64_t nth = 1; !done; ++nth) {
    INFO("operation " << nth);
    REQUIRE(nth < 100);
    Fault fault;
    fault.nth = nth;
    fault.error_number = full ? 28 : 5;
    partition.files.fail(fault);
    Compactor compactor(partition, {0, 0, 256, 0});
    done = compactor.run_due(CompactionMode::forced, no_pace).ok();
    partition.files.clear_faults();
    CHECK_FALSE(partition.quarantined);
    if (done) break;
    CHECK(partition.installs == 0);
    // Only a failed unlink may leave something, and the next try takes it away.
    if (partition.log_files() != before) CHECK(partition.log_files().size() <= before.size() + 1);
    partition.check();
  }
  CHECK(partition.installs == 1);
  partition.check();
  CHECK(partition.on_disk().size() == 7);
}

TEST_CASE("a failed install takes the outputs back, but when the manifest is uncertain nothing is removed") {
  FakePartition partition;
  for (int i = 0; i < 20; ++i) partition.put("k" + std::to_string(i % 3), "v");
  partition.close_active();
  const auto before = partition.log_files();
  Compactor compactor(partition);
  partition.install_fails = Error{Errc::cancelled, "retention took an input away"};
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::cancelled);
  CHECK(partition.log_files() == before);
  partition.install_fails = Error{Errc::read_only, "which manifest is on the disk is unknown"};
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::read_only);
  CHECK(partition.log_files().size() == before.size() + 4);
  // Reopened: the leftovers are written over.
  partition.install_fails.reset();
  compact(partition);
  CHECK(partition.on_disk().size() == 3);
}

TEST_CASE("outputs and their directory are synced before they are installed") {
  FakePartition partition;
  for (int i = 0; i < 20; ++i) partition.put("k" + std::to_string(i % 3), "v");
  partition.close_active();
  bool checked = false;
  partition.before_install = [&] {
    const std::string log = segment_filename({Offset(0), Generation(1)}, SegmentFile::log);
    std::uint64_t node = 0;
    bool data_synced = false, name_synced = false;
    for (const Operation& operation : partition.files.operations()) {
      if (operation.kind == OperationKind::create && operation.name == log) node = operation.child;
      if (node == 0) continue;
      if (operation.kind == OperationKind::write && operation.node == node) data_synced = false;
      if (operation.kind == OperationKind::sync_data && operation.node == node) data_synced = true;
      if (operation.kind == OperationKind::sync_directory) name_synced = data_synced;
      if (operation.kind == OperationKind::create || operation.kind == OperationKind::rename) name_synced = false;
    }
    CHECK(data_synced);
    CHECK(name_synced);
    checked = true;
  };
  compact(partition);
  CHECK(checked);
}

TEST_CASE("a rewrite stops when the partition closes or the pace says so, and takes its files back") {
  FakePartition partition;
  for (int i = 0; i < 500; ++i) partition.put("k" + std::to_string(i % 90), std::string(50, 'v'));
  partition.close_active();
  const auto before = partition.log_files();
  Compactor compactor(partition);
  SECTION("closing") {
    partition.after_probe = [&](Offset up_to) { partition.stop = up_to > Offset(200); };
    CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::cancelled);
  }
  SECTION("pace") {
    int asked = 0;
    const auto stats = compactor.run_due(CompactionMode::forced, [&](std::uint64_t, std::uint64_t) -> Status {
      if (++asked == 6) return Error{Errc::shutting_down, "stop"};
      return {};
    });
    CHECK(stats.code() == Errc::shutting_down);
  }
  CHECK(partition.log_files() == before);
  CHECK(partition.on_disk().size() == 500);
  CHECK_FALSE(partition.quarantined);
}

TEST_CASE("puts and deletes between any two steps of a rewrite lose nothing") {
  for (std::int64_t at = 0; at <= 130; at += 10) {
    INFO("interleaved at " << at);
    FakePartition partition;
    for (int i = 0; i < 130; ++i) partition.put("k" + std::to_string(i % 40), "v" + std::to_string(i));
    partition.close_active();
    bool done = false;
    partition.after_probe = [&](Offset up_to) {
      if (done || up_to.value() < at) return;
      done = true;
      for (int i = 0; i < 40; i += 3) partition.put("k" + std::to_string(i), std::nullopt);
      for (int i = 0; i < 40; i += 4) partition.put("k" + std::to_string(i), "new");
      partition.put("fresh", "1");
    };
    compact(partition);
    partition.reload();
    partition.check();
    partition.after_probe = {};
    partition.close_active();
    compact(partition);
    partition.reload();
    partition.check();
  }
}

TEST_CASE("control batches are kept as they are") {
  FakePartition partition;
  partition.put("a", "1");
  BatchBuilder::Options control;
  control.control = true;
  control.transactional = true;
  control.producer_id = ProducerId(3);
  control.producer_epoch = 0;
  partition.put_batch({{"marker", "commit"}}, control);
  partition.put("a", "2");
  partition.keydir.erase(test_hasher().identity("marker"));
  partition.close_active();
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  REQUIRE_OK(compactor.run_due(CompactionMode::forced, no_pace));
  const auto batches = batches_of(*partition.closed[0].segment);
  REQUIRE(batches.size() == 2);
  CHECK(batches[0].control());
  CHECK(batches[0].transactional());
  CHECK(batches[0].base_offset == Offset(1));
  CHECK(batches[0].record_count == 1);
}

}  // namespace
}  // namespace logcask
