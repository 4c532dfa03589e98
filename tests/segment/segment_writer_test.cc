#include <algorithm>

#include "tests/segment/segment_fixture.h"

namespace logcask {
namespace {

using namespace testing;

std::string batch_at(Offset base, std::size_t records = 3, std::size_t value_bytes = 50) {
  std::string bytes;
  add_batch(bytes, base, {records, value_bytes}, nullptr);
  return bytes;
}

TEST_CASE("a sync says what is durable, and the sync log repeats it after a restart") {
  TestLog log;
  log.append({3, 50});
  log.append({2, 50});
  auto durable = log.writer->sync(1);
  REQUIRE_OK(durable);
  REQUIRE(durable->durable_end == Offset(5));
  REQUIRE(durable->position == log.writer->position());
  REQUIRE(durable->digest == log.writer->facts().digest);
  REQUIRE(durable->offset_ceiling == Offset(std::int64_t{1} << 20));
  REQUIRE(durable->first_append == TimestampMs(5000));
  log.append({1, 50});
  REQUIRE(log.writer->durable().durable_end == Offset(5));
  const auto read = read_sync_log(*log.files.root(), Offset(0));
  REQUIRE_OK(read);
  REQUIRE(*read == *durable);
}

TEST_CASE("nothing new needs no second sync of the disk") {
  TestLog log;
  log.append({3, 50});
  REQUIRE_OK(log.writer->sync(1));
  const std::size_t before = log.files.operation_count();
  REQUIRE_OK(log.writer->sync(2));
  REQUIRE(log.files.operation_count() == before);
}

TEST_CASE("the sync log is itself synced by time, by bytes and at close, and never while a sync is waited for") {
  SegmentWriter::Options options;
  options.sync_log_interval_bytes = 1000;
  TestLog log({Offset(0), Generation(0)}, options);
  const auto syncs_of_sync_log = [&] {
    std::uint64_t node = 0;
    std::size_t count = 0;
    for (const Operation& operation : log.files.operations()) {
      if (operation.kind == OperationKind::create && operation.name == log.file(SegmentFile::sync))
        node = operation.child;
      count += operation.kind == OperationKind::sync_data && operation.node == node && node != 0;
    }
    return count;
  };
  REQUIRE(syncs_of_sync_log() == 1);  // at creation
  log.append({1, 50});
  const auto sync_at = [&](std::int64_t now_ns, bool due) {
    const std::size_t before = syncs_of_sync_log();
    REQUIRE_OK(log.writer->sync(now_ns));
    REQUIRE(syncs_of_sync_log() == before);
    REQUIRE(log.writer->settle_due() == due);
    REQUIRE_OK(log.writer->settle(now_ns));
    REQUIRE_OK(log.writer->settle(now_ns));  // nothing is left to do
    REQUIRE_FALSE(log.writer->settle_due());
  };
  sync_at(10, false);
  REQUIRE(syncs_of_sync_log() == 1);
  log.append({1, 50});
  sync_at(1'000'000'010, true);  // a second later
  REQUIRE(syncs_of_sync_log() == 2);
  log.append({1, 50});
  sync_at(1'000'000'020, false);
  REQUIRE(syncs_of_sync_log() == 2);
  log.append({1, 2000});
  sync_at(1'000'000'030, true);
  REQUIRE(syncs_of_sync_log() == 3);
  log.append({1, 50});
  REQUIRE_OK(log.writer->close(1'000'000'040));
  REQUIRE(syncs_of_sync_log() == 4);
}

TEST_CASE("a full disk refuses the append, cuts back to the batch edge, and goes on when space returns") {
  SegmentWriter::Options options;
  options.preallocate_bytes = GENERATE(0, 100'000);
  TestLog log({Offset(0), Generation(0)}, options);
  log.append({3, 50});
  const std::uint64_t before = log.writer->position();
  log.files.set_capacity(log.files.used_bytes() + 300);
  const std::string large = batch_at(Offset(3), 10, 60'000);
  const Status refused = log.writer->append(large, TimestampMs(1));
  REQUIRE(refused.code() == Errc::storage_full);
  REQUIRE(log.writer->position() == before);
  REQUIRE(log.files.content(log.file(SegmentFile::log))->size() == before);
  REQUIRE_OK(log.writer->latched());
  log.files.set_capacity(UINT64_MAX);
  log.append({10, 60'000});
  REQUIRE_OK(log.writer->sync(1));
  RecordScratch scratch;
  REQUIRE_OK(log.writer->segment()->read_record(Offset(12), scratch));
}

TEST_CASE("reserved blocks are given back at close") {
  TestLog log;
  log.append({3, 50});
  const std::uint64_t size = log.writer->position();
  REQUIRE(log.files.used_bytes() > size + 60'000);
  REQUIRE_OK(log.writer->close(1));
  REQUIRE(log.files.used_bytes() < 100'000);
}

TEST_CASE("a failed sync latches the writer: nothing is written or synced any more, also when the disk is well again") {
  TestLog log;
  log.append({3, 50});
  REQUIRE_OK(log.writer->sync(1));
  log.append({3, 50});
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fault.name_suffix = ".log";
  log.files.fail(fault);
  const auto failed = log.writer->sync(2);
  REQUIRE(failed.code() == Errc::read_only);
  REQUIRE(failed.error().message.find(".log") != std::string::npos);
  const std::size_t operations = log.files.operation_count();
  REQUIRE(log.writer->append(batch_at(Offset(6)), TimestampMs(1)).code() == Errc::read_only);
  REQUIRE(log.writer->sync(3).code() == Errc::read_only);
  REQUIRE(log.writer->close(4).code() == Errc::read_only);
  REQUIRE(log.files.operation_count() == operations);
  REQUIRE(log.writer->latched().error().message == failed.error().message);
  REQUIRE(log.writer->durable().durable_end == Offset(3));
  RecordScratch scratch;
  REQUIRE_OK(log.writer->segment()->read_record(Offset(4), scratch));  // reads go on
}

TEST_CASE("a write error other than a full disk latches the writer, and so does a cut that fails") {
  const bool cut_fails = GENERATE(false, true);
  TestLog log;
  log.append({3, 50});
  Fault fault;
  fault.kinds = {OperationKind::write};
  fault.short_write = true;
  fault.error_number = cut_fails ? 28 : 5;  // ENOSPC : EIO
  log.files.fail(fault);
  if (cut_fails) {
    Fault second;
    second.kinds = {OperationKind::truncate};
    log.files.fail(second);
  }
  REQUIRE(log.writer->append(batch_at(Offset(3)), TimestampMs(1)).code() == Errc::read_only);
  REQUIRE(log.writer->append(batch_at(Offset(3)), TimestampMs(1)).code() == Errc::read_only);
  REQUIRE(log.writer->next_offset() == Offset(3));
}

TEST_CASE("offsets are reserved on disk before they are written") {
  SegmentWriter::Options options;
  options.offset_reserve = 10;
  TestLog log({Offset(0), Generation(0)}, options);
  for (int i = 0; i < 30; ++i) {
    log.append({4, 20});
    const auto entry = read_sync_log(*log.files.root(), Offset(0));
    REQUIRE_OK(entry);
    REQUIRE(entry->offset_ceiling >= log.writer->next_offset());
    if (i % 5 == 0) REQUIRE_OK(log.writer->sync(i));
    if (i % 10 == 0) REQUIRE_OK(log.writer->settle(i));
  }
}

TEST_CASE("offsets are reserved ahead when half of them are used, so that an append syncs nothing") {
  SegmentWriter::Options options;
  options.offset_reserve = 10;
  TestLog log({Offset(0), Generation(0)}, options);
  for (int i = 0; i < 30; ++i) {
    const std::size_t before = log.files.operation_count();
    log.append({4, 20});
    const auto operations = log.files.operations();
    for (std::size_t at = before; at < operations.size(); ++at)
      REQUIRE(operations[at].kind != OperationKind::sync_data);
    REQUIRE_OK(log.writer->sync(i));
    REQUIRE_OK(log.writer->settle(i));
  }
}

TEST_CASE("what does not continue the log is refused and changes nothing") {
  TestLog log;
  log.append({3, 50});
  const std::string gap = batch_at(Offset(4));
  const std::string overlap = batch_at(Offset(2));
  const std::string good = batch_at(Offset(3));
  REQUIRE(log.writer->append(gap, TimestampMs(1)).code() == Errc::invalid_argument);
  REQUIRE(log.writer->append(overlap, TimestampMs(1)).code() == Errc::invalid_argument);
  REQUIRE(log.writer->append(ByteView(good).substr(0, good.size() - 1), TimestampMs(1)).code() ==
          Errc::invalid_argument);
  REQUIRE(log.writer->next_offset() == Offset(3));
  REQUIRE(!log.writer->fits(kMaxSegmentBytes, Offset(4)));
  REQUIRE(!log.writer->fits(1, Offset(kMaxSegmentSpan + 1)));
  REQUIRE(log.writer->fits(1000, Offset(kMaxSegmentSpan)));
}

TEST_CASE("several batches in several pieces are one write") {
  TestLog log;
  const std::string first = batch_at(Offset(0), 2) + batch_at(Offset(2), 1);
  const std::string second = batch_at(Offset(3), 4);
  const ByteView pieces[] = {first, second};
  REQUIRE_OK(log.writer->append(pieces, TimestampMs(7)));
  REQUIRE(log.writer->next_offset() == Offset(7));
  const SegmentFacts facts = log.writer->facts();
  REQUIRE(facts.batches == 3);
  REQUIRE(facts.records == 7);
  REQUIRE(facts.first_append == TimestampMs(7));
  REQUIRE(facts.max_timestamp == TimestampMs(1060));
  REQUIRE(log.files.content(log.file(SegmentFile::log)) == first + second);
  REQUIRE(facts.digest == xxh3_64(first + second));
}

TEST_CASE("a log resumed from a scan goes on as if it had never stopped") {
  TestLog log;
  log.append({3, 50});
  log.append({200, 50});
  REQUIRE_OK(log.writer->sync(1));
  const SegmentFacts before = log.writer->facts();
  log.writer.reset();
  // Bytes of a write that was never finished, and of an older one behind it.
  std::string content = *log.files.content(log.file(SegmentFile::log));
  log.files.set_content(log.file(SegmentFile::log), content + std::string(100, '\0') + batch_at(Offset(203)));
  {
    auto file = log.files.root()->open(log.file(SegmentFile::log), OpenMode::read);
    LogState state(log.name);
    const auto end = scan_batches(**file, {log.name, 0, Offset(0)}, [&](const ScannedBatch& batch) -> Status {
      state.add_batch(batch.header, batch.bytes);
      return {};
    });
    REQUIRE_OK(end);
    REQUIRE(end->why == ScanEnd::Why::zeros);
    REQUIRE(end->position == before.size_bytes);
    auto resumed = SegmentWriter::resume(log.environment, log.files.root(), std::move(state), Offset(5'000'000), {});
    REQUIRE_OK(resumed);
    log.writer = std::move(resumed).value();
  }
  REQUIRE(log.files.content(log.file(SegmentFile::log)) == content);
  REQUIRE(log.writer->facts().digest == before.digest);
  REQUIRE(log.writer->durable().durable_end == Offset(203));
  REQUIRE(log.writer->durable().offset_ceiling == Offset(5'000'000));
  log.append({5, 50});
  const auto segment = log.close();
  RecordScratch scratch;
  for (const TestRecord& record : log.records) {
    const auto found = segment->read_record(record.offset, scratch);
    REQUIRE_OK(found);
    REQUIRE(same_record(*found, record));
  }
}

TEST_CASE("whichever operation fails, the writer reports it and what it acknowledged can be read") {
  for (std::uint64_t nth = 1;; ++nth) {
    CAPTURE(nth);
    MemoryFileSystem files;
    const auto environment = std::make_shared<SegmentEnvironment>();
    Fault fault;
    fault.nth = nth;
    fault.error_number = nth % 2 == 0 ? 5 : 28;
    fault.short_write = true;
    files.fail(fault);
    bool failed = false;
    Offset acked(0);
    auto created = SegmentWriter::create(environment, files.root(), {Offset(0), Generation(0)}, {});
    if (!created.ok()) {
      failed = true;
      // The same base can be tried again.
      created = SegmentWriter::create(environment, files.root(), {Offset(0), Generation(0)}, {});
    }
    REQUIRE_OK(created);
    SegmentWriter& writer = **created;
    for (int i = 0; i < 5; ++i) {
      const Status appended = writer.append(batch_at(writer.next_offset()), TimestampMs(1));
      failed = failed || !appended.ok();
      const auto synced = writer.sync(i);
      failed = failed || !synced.ok();
      if (synced.ok()) acked = synced->durable_end;
    }
    const auto facts = writer.close(9);
    if (facts.ok()) {
      const auto segment = Segment::closed(environment, files.root(), *facts);
      REQUIRE_OK(segment->scan([](const ScannedBatch&) -> Status { return {}; }));
    } else {
      failed = true;
      REQUIRE(facts.code() == Errc::read_only);
    }
    RecordScratch scratch;
    for (Offset offset(0); offset < acked; offset += 1) REQUIRE_OK(writer.segment()->read_record(offset, scratch));
    REQUIRE(read_sync_log(*files.root(), Offset(0))->durable_end >= acked);
    if (nth > files.change_count()) {
      REQUIRE(!failed);
      break;
    }
  }
}

}  // namespace
}  // namespace logcask
