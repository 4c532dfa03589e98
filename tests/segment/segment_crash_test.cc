// Append, sync, crash, recover: in every state a power loss may leave behind, the log is a sound prefix of what was
// written, at least as long as what was acknowledged, and no offset that may have been shown is free again.

#include "tests/segment/segment_fixture.h"
#include "tests/support/crash_states.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

constexpr SegmentName kCrashedName{Offset(0), Generation(0)};

struct Run {
  MemoryFileSystem files;
  std::string written;                // the log's bytes, in order
  std::vector<std::size_t> edges{0};  // batch ends in it
  std::vector<Offset> ends{Offset(0)};
  std::vector<Offset> acked;  // durable end at each mark

  // What the workload does between two marks.
  void ack(const SegmentWriter& writer) {
    acked.push_back(writer.durable().durable_end);
    files.mark("acked " + std::to_string(acked.back().value()));
  }
};

struct Recovered {
  SyncEntry floor;
  ScanEnd end;
  LogState state{kCrashedName};
};

// As partition recovery does it, for one file.
Result<Recovered> recover(Directory& directory) {
  Recovered recovered;
  LOGCASK_ASSIGN(recovered.floor, read_sync_log(directory, kCrashedName.base));
  LOGCASK_ASSIGN(auto file, directory.open(segment_filename(kCrashedName, SegmentFile::log), OpenMode::read));
  LOGCASK_ASSIGN(recovered.end,
                 scan_batches(*file, {kCrashedName, 0, kCrashedName.base}, [&](const ScannedBatch& batch) -> Status {
                   recovered.state.add_batch(batch.header, batch.bytes);
                   return {};
                 }));
  return recovered;
}

void check_state(const Run& run, CrashState& crash) {
  INFO(crash.description);
  const auto root = crash.image->root();
  if (crash.marks == 0 && !crash.image->content(segment_filename(kCrashedName, SegmentFile::log)))
    return;  // never promised
  auto recovered = recover(*root);
  if (crash.marks == 0 && !recovered.ok()) return;
  REQUIRE_OK(recovered);
  const std::string log = *crash.image->content(segment_filename(kCrashedName, SegmentFile::log));
  // A prefix of what was written, to a batch edge.
  REQUIRE(log.compare(0, recovered->end.position, run.written, 0, recovered->end.position) == 0);
  const auto edge = std::find(run.edges.begin(), run.edges.end(), recovered->end.position);
  REQUIRE(edge != run.edges.end());
  REQUIRE(recovered->end.next_offset == run.ends[static_cast<std::size_t>(edge - run.edges.begin())]);
  // Everything acknowledged, and everything the sync log vouches for, is there and has its digest.
  const Offset acked = crash.marks == 0 ? Offset(0) : run.acked[crash.marks - 1];
  REQUIRE(recovered->end.next_offset >= acked);
  REQUIRE(recovered->end.position >= recovered->floor.position);
  REQUIRE(recovered->end.next_offset >= recovered->floor.durable_end);
  REQUIRE(xxh3_64(ByteView(log).substr(0, recovered->floor.position)) == recovered->floor.digest);
  // No offset of the lost tail can be given again to somebody who starts at the ceiling.
  std::size_t shown = 0;  // offsets whose write had been issued by then
  for (const Operation& operation : run.files.operations()) {
    if (shown++ >= crash.operation_index) break;
    if (operation.kind != OperationKind::write || operation.data.size() < kBatchHeaderBytes) continue;
    const auto header = decode_batch_header(operation.data);
    if (header.ok()) REQUIRE(recovered->floor.offset_ceiling >= header->next_offset());
  }
  // It goes on from there.
  const auto environment = std::make_shared<SegmentEnvironment>();
  auto writer =
      SegmentWriter::resume(environment, root, std::move(recovered->state), recovered->floor.offset_ceiling, {});
  REQUIRE_OK(writer);
  std::string more;
  add_batch(more, (*writer)->next_offset(), {2, 30}, nullptr);
  REQUIRE_OK((*writer)->append(more, TimestampMs(9)));
  const auto facts = (*writer)->close(9);
  REQUIRE_OK(facts);
  const auto segment = Segment::closed(environment, root, *facts);
  REQUIRE_OK(segment->scan([](const ScannedBatch&) -> Status { return {}; }));
  REQUIRE(read_sync_log(*root, kCrashedName.base)->durable_end == facts->next_offset);
}

void append(Run& run, SegmentWriter& writer, const BatchShape& shape) {
  std::string bytes;
  const Offset next = add_batch(bytes, writer.next_offset(), shape, nullptr);
  const Status appended = writer.append(bytes, TimestampMs(1));
  if (!appended.ok()) return;
  run.written += bytes;
  run.edges.push_back(run.written.size());
  run.ends.push_back(next);
}

void check_all_crashes(const Run& run, std::size_t least_states) {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  for (const CrashProfile profile : {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst}) {
    CrashStates states(run.files, profile, seed);
    std::size_t checked = 0;
    while (auto crash = states.next()) {
      check_state(run, *crash);
      ++checked;
    }
    REQUIRE(checked >= (profile == CrashProfile::worst ? 4 : 1) * least_states);
  }
}

TEST_CASE("after any power loss the log is a sound prefix with everything acknowledged in it") {
  Run run;
  const auto environment = std::make_shared<SegmentEnvironment>();
  SegmentWriter::Options options;
  options.offset_reserve = 12;  // renewed several times
  auto writer = SegmentWriter::create(environment, run.files.root(), kCrashedName, options);
  REQUIRE_OK(writer);
  REQUIRE_OK(run.files.root()->sync());
  run.ack(**writer);
  for (int i = 0; i < 12; ++i) {
    append(run, **writer, {static_cast<std::size_t>(1 + i % 4), i % 5 == 4 ? 1500u : 60u});
    if (i % 3 == 1) {
      REQUIRE_OK((*writer)->sync(std::int64_t{i} * 400'000'000));
      run.ack(**writer);
      if (i % 2 == 1) REQUIRE_OK((*writer)->settle(std::int64_t{i} * 400'000'000));
    }
  }
  REQUIRE_OK((*writer)->close(20'000'000'000));
  run.ack(**writer);
  check_all_crashes(run, 30);
}

TEST_CASE("after a full disk and a power loss the log is a sound prefix with everything acknowledged in it") {
  Run run;
  const auto environment = std::make_shared<SegmentEnvironment>();
  auto writer = SegmentWriter::create(environment, run.files.root(), kCrashedName, {});
  REQUIRE_OK(writer);
  REQUIRE_OK(run.files.root()->sync());
  append(run, **writer, {3, 100});
  REQUIRE_OK((*writer)->sync(1));
  run.ack(**writer);
  Fault fault;
  fault.kinds = {OperationKind::write};
  fault.name_suffix = ".log";
  fault.error_number = 28;
  fault.short_write = true;
  run.files.fail(fault);
  append(run, **writer, {3, 700});  // refused, cut back
  REQUIRE(run.edges.size() == 2);
  append(run, **writer, {2, 300});
  append(run, **writer, {1, 300});
  REQUIRE_OK((*writer)->sync(2));
  run.ack(**writer);
  append(run, **writer, {1, 300});
  check_all_crashes(run, 10);
}

TEST_CASE("after a failed sync and a power loss everything acknowledged before is there") {
  Run run;
  const auto environment = std::make_shared<SegmentEnvironment>();
  auto writer = SegmentWriter::create(environment, run.files.root(), kCrashedName, {});
  REQUIRE_OK(writer);
  REQUIRE_OK(run.files.root()->sync());
  append(run, **writer, {3, 100});
  REQUIRE_OK((*writer)->sync(1));
  run.ack(**writer);
  append(run, **writer, {3, 700});
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  run.files.fail(fault);
  REQUIRE(!(*writer)->sync(2).ok());
  run.ack(**writer);
  append(run, **writer, {3, 100});  // refused
  REQUIRE(run.edges.size() == 3);
  check_all_crashes(run, 10);
}

}  // namespace
}  // namespace logcask
