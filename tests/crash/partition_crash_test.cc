// Power loss at every moment of what a partition does: nothing acknowledged is lost, nothing deleted comes back, no
// offset is given twice, whatever of the unsynced writes has landed.

#include <iostream>

#include "base/random.h"
#include "tests/crash/crash_run.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

PartitionConfig small() {
  PartitionConfig config;
  config.offset_reserve = 16;
  return config;
}

std::string key(int i) { return std::string(1, static_cast<char>('a' + i % 5)); }
std::string value(int i, std::size_t size = 20) { return "v" + std::to_string(i) + std::string(size, '.'); }

// By default some workloads check one image in so many; LOGCASK_CRASH_ALL=1 checks them all.
bool every_image() { return std::getenv("LOGCASK_CRASH_ALL") != nullptr; }

void check(CrashRun& run, const std::string& workload, std::size_t least, std::size_t every = 1) {
  const auto checked = run.check_all_crashes(workload, test_seed(), every_image() ? 1 : every);
  if (std::getenv("LOGCASK_CRASH_REPLAY")) return;
  if (std::getenv("LOGCASK_TEST_VERBOSE")) std::cerr << workload << ": " << checked.images << " images\n";
  REQUIRE(checked.images >= least);
}

// Segments with old versions and deletes, everything settled.
void fill(CrashRun& run, int records) {
  for (int i = 0; i < records; ++i) {
    if (i % 7 == 6)
      run.remove(key(i));
    else
      run.put(key(i), value(i));
    if (i % 4 == 3) run.roll();
  }
  run.background();
}

}  // namespace

TEST_CASE("crash while a partition is created and takes its first records", "[crash]") {
  CrashRun run(small());
  run.put("a", "1");
  run.put("b", "2");
  run.remove("a");
  run.put("c", "3", Acks::one);
  run.put("a", "4");
  check(run, "create", 50);
}

TEST_CASE("crash while appends share a sync", "[crash]") {
  CrashRun run(small());
  run.put("a", "0");
  run.begin();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4; ++i) run.write(key(i), value(i, 300));
    run.append({{"a", "batch"}, {"b", std::nullopt}, {"c", std::string(700, 'x')}});
  }
  check(run, "group-commit", 100);
}

TEST_CASE("crash around the ceiling of reserved offsets", "[crash]") {
  PartitionConfig config = small();
  config.offset_reserve = 4;
  CrashRun run(config);
  run.put("a", "0");
  run.begin();
  for (int i = 0; i < 10; ++i) run.write(key(i), value(i));
  run.flush();
  for (int i = 0; i < 6; ++i) run.put(key(i), value(i));
  check(run, "ceiling", 60);
}

TEST_CASE("crash while segments roll, hints are written and the manifest lists them", "[crash]") {
  PartitionConfig config = small();
  config.segment_bytes = 250;
  CrashRun run(config);
  run.put("a", "0");
  run.begin();
  for (int i = 0; i < 9; ++i) {
    if (i % 4 == 3)
      run.remove(key(i));
    else
      run.put(key(i), value(i));
    if (i % 3 == 2) run.background();
  }
  run.write("a", "unsynced");
  run.roll();
  run.roll();
  run.background();
  check(run, "roll", 200, 4);
}

TEST_CASE("crash while the active segment spills hints", "[crash]") {
  PartitionConfig config = small();
  config.hint_spill_bytes = 150;
  CrashRun run(config);
  run.put("a", "0");
  run.begin();
  for (int i = 0; i < 8; ++i) {
    run.put(key(i), value(i));
    run.background();
  }
  check(run, "hint-spill", 60, 2);
}

TEST_CASE("crash while recovery copies an unsynced tail", "[crash]") {
  CrashRun run(small());
  run.put("a", "0");
  run.begin();
  for (int i = 0; i < 4; ++i) run.write(key(i), value(i));
  run.kill();
  run.background();
  for (int i = 4; i < 6; ++i) run.put(key(i), value(i));
  run.write("a", "again");
  run.kill();
  run.write("b", "twice");
  run.kill();
  run.put("c", "last");
  check(run, "tail-rewrite", 150, 3);
}

TEST_CASE("crash while recovery mends a log whose sync had failed", "[crash]") {
  CrashRun run(small());
  run.put("a", "0");
  run.begin();
  run.put("b", "1");
  run.write("c", "2");
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  run.fixture().disk().fail(fault);
  run.flush();
  run.fixture().disk().clear_faults();
  REQUIRE(run.partition().snapshot().state == PartitionSnapshot::State::read_only);
  REQUIRE_OK(run.partition().reopen());
  run.mark();
  run.background();
  run.put("c", "3");
  check(run, "failed-sync", 60);
}

TEST_CASE("crash while recovery cuts a torn write", "[crash]") {
  CrashRun run(small());
  run.put("a", "0");
  run.begin();
  run.write("b", "1");
  Fault fault;
  fault.kinds = {OperationKind::write};
  fault.name_suffix = ".log";
  fault.short_write = true;
  run.fixture().disk().fail(fault);
  run.append({{"a", "torn"}, {"c", std::string(900, 'x')}});
  run.flush();
  run.fixture().disk().clear_faults();
  REQUIRE_OK(run.partition().reopen());
  run.mark();
  run.background();
  run.put("c", "3");
  check(run, "torn-write", 60, 2);
}

TEST_CASE("crash while log start moves", "[crash]") {
  CrashRun run(small());
  fill(run, 16);
  run.begin();
  run.delete_records(Offset(5));
  run.background();
  run.put("a", "1");
  run.roll();
  run.delete_records(Offset(17));
  run.put("b", "2");
  run.background();
  run.delete_records(Offset(18));
  run.roll();
  run.background();
  check(run, "log-start", 150, 2);
}

TEST_CASE("crash while the producers are saved", "[crash]") {
  PartitionConfig config = small();
  config.segment_bytes = 300;
  CrashRun run(config);
  run.produce(7, "a", "0");
  run.background();
  run.begin();
  for (int i = 0; i < 3; ++i) {
    run.produce(7, key(i), value(i));
    run.produce(8, key(i + 1), value(i, 100));
    run.background();
  }
  run.roll();
  run.kill();
  run.background();
  run.produce(8, "b", "last");
  check(run, "producers", 200, 4);
}

TEST_CASE("crash while a compaction is installed", "[crash]") {
  CrashRun run(small());
  fill(run, 16);
  run.begin();
  run.compact();
  run.put("a", "between");
  run.roll();
  run.background();
  run.compact();
  run.put("b", "after");
  check(run, "compaction", 200, 2);
}

TEST_CASE("crash while tombstones are dropped: the deleted stays deleted", "[crash]") {
  PartitionConfig config = small();
  config.delete_retention_ms = 1000;
  CrashRun run(config);
  fill(run, 12);
  run.remove("a");
  run.remove("b");
  run.roll();
  run.background();
  run.compact();
  run.fixture().clock().advance_ms(2000);
  run.begin();
  run.compact();
  REQUIRE(run.partition().snapshot().tombstone_horizon > Offset(0));
  run.fixture().clock().advance_ms(2000);
  run.put("d", "again");
  run.roll();
  run.background();
  run.compact();
  check(run, "tombstones", 100);
}

TEST_CASE("crash during an orderly stop and start", "[crash]") {
  PartitionConfig config = small();
  config.segment_bytes = 300;
  CrashRun run(config);
  fill(run, 6);
  run.begin();
  run.produce(7, "a", "1");
  run.write("b", "2");
  run.restart();
  run.put("c", "3");
  run.restart();
  check(run, "restart", 60);
}

// Recovery after a power loss is itself interrupted, again and again.
TEST_CASE("crash while recovery from a crash is at work", "[crash]") {
  const std::uint64_t seed = test_seed();
  PartitionConfig config = small();
  config.segment_bytes = 250;
  config.offset_reserve = 8;
  CrashRun first(config);
  first.put("a", "0");
  first.begin();
  for (int i = 0; i < 6; ++i) {
    first.put(key(i), value(i));
    first.write(key(i + 1), value(i));
    if (i == 3) first.background();
  }
  CrashStates states(first.fixture().disk(), CrashProfile::worst, seed, true);
  Random random(seed);
  std::size_t images = 0;
  std::size_t number = 0;
  while (auto crash = states.next()) {
    if (random.below(every_image() ? 40 : 300) != 0) continue;
    INFO("the first crash: " << crash->description);
    Oracle promised = first.promised_at(crash->marks);
    promised.may_also_hold(first.promised_at(crash->marks + 1));
    CrashRun second(config, std::move(crash->image), promised);
    second.put("a", "second life");
    images += second.check_all_crashes("recovery-" + std::to_string(number++), seed, every_image() ? 1 : 5).images;
  }
  if (std::getenv("LOGCASK_TEST_VERBOSE")) std::cerr << "recovery: " << images << " images\n";
  if (!std::getenv("LOGCASK_CRASH_REPLAY")) REQUIRE(images > 200);
}
