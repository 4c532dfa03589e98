// What one partition does, workload by workload. Each draws its details from the seed, so that other seeds give other
// images of the same thing.

#include "base/random.h"
#include "tests/crash/crash_run.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

PartitionConfig small(std::int64_t segment_bytes = 1 << 20) {
  PartitionConfig config;
  config.offset_reserve = 16;
  config.segment_bytes = segment_bytes;
  return config;
}

// Keys and values as the seed draws them.
class PartitionDraw {
 public:
  explicit PartitionDraw(Random& random) : random_(random) {}
  std::string key() { return std::string(1, static_cast<char>('a' + random_.below(5))); }
  // Now and then large enough to touch three sectors.
  std::string value() {
    const std::size_t size = random_.one_in(5) ? 300 + random_.below(700) : 5 + random_.below(60);
    return "v" + std::to_string(++count_) + std::string(size, static_cast<char>('a' + random_.below(26)));
  }
  std::string small_value() { return "v" + std::to_string(++count_) + std::string(random_.below(40), '.'); }
  std::size_t between(std::size_t least, std::size_t most) { return least + random_.below(most - least + 1); }
  bool one_in(std::size_t n) { return random_.one_in(n); }

 private:
  Random& random_;
  int count_ = 0;
};

// Segments with old versions and deletes.
void fill(CrashRun& run, PartitionDraw& draw, std::size_t records) {
  for (std::size_t i = 0; i < records; ++i) {
    if (draw.one_in(6))
      run.remove(draw.key());
    else
      run.put(draw.key(), draw.small_value());
    if (i % 4 == 3) run.roll();
  }
  run.background();
}

void start_settled(CrashRun& run) {
  run.put("a", "0");
  run.background();
  run.begin();
}

// A partition is created and takes its first records.
void append(CrashRun& run, PartitionDraw& draw) {
  for (std::size_t i = draw.between(4, 6); i > 0; --i) {
    if (draw.one_in(4))
      run.remove(draw.key());
    else
      run.put(draw.key(), draw.value(), draw.one_in(3) ? Acks::one : Acks::all);
  }
  run.put("a", "last");
}

// Appends share a sync.
void group_commit(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = draw.between(2, 4); i > 0; --i) run.write(draw.key(), draw.value());
    run.append({{"a", "batch"}, {draw.key(), std::nullopt}, {draw.key(), draw.value()}});
  }
}

// The ceiling of reserved offsets is reached again and again.
void ceiling(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (std::size_t i = draw.between(7, 10); i > 0; --i) run.write(draw.key(), draw.small_value());
  run.flush();
  for (std::size_t i = draw.between(4, 6); i > 0; --i) run.put(draw.key(), draw.small_value());
}

void roll(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (std::size_t i = draw.between(5, 7); i > 0; --i) run.put(draw.key(), draw.small_value());
  run.write("a", "unsynced");
  run.roll();
  run.roll();
  run.put("b", "after");
}

// Hints and indexes of closed segments, spilled hints of the active one.
void hints(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (std::size_t i = draw.between(4, 6); i > 0; --i) {
    run.put(draw.key(), draw.small_value());
    run.background();
  }
  run.roll();
  run.background();
}

// Steps of the manifest: what was closed is listed.
void manifest(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (int round = 0; round < 3; ++round) {
    run.put(draw.key(), draw.small_value());
    if (draw.one_in(2)) run.remove(draw.key());
    run.roll();
    run.background();
  }
  run.put("a", "last");
}

void producers(CrashRun& run, PartitionDraw& draw) {
  run.produce(7, "a", "0");
  run.background();
  run.begin();
  for (std::size_t i = draw.between(2, 3); i > 0; --i) {
    run.produce(7, draw.key(), draw.small_value());
    run.produce(8, draw.key(), draw.small_value());
    if (draw.one_in(2)) run.background();
  }
  run.roll();
  run.kill();
  run.background();
  run.produce(8, "b", "last");
}

void compaction(CrashRun& run, PartitionDraw& draw) {
  fill(run, draw, draw.between(12, 16));
  run.begin();
  run.compact();
  run.put("a", "between");
  run.roll();
  run.background();
  run.compact();
  run.put("b", "after");
}

// Tombstones are dropped: what they deleted stays deleted.
void tombstones(CrashRun& run, PartitionDraw& draw) {
  fill(run, draw, draw.between(8, 12));
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
  run.put(draw.key(), "again");
  run.roll();
  run.background();
  run.compact();
}

// Old segments expire by age and by size.
void retention(CrashRun& run, PartitionDraw& draw) {
  for (int segment = 0; segment < 4; ++segment) {
    for (std::size_t i = draw.between(1, 3); i > 0; --i) run.put(draw.key(), draw.small_value());
    run.roll();
    run.background();
    run.fixture().clock().advance_ms(1000);
  }
  run.begin();
  run.tick();
  REQUIRE(run.partition().snapshot().log_start_offset > Offset(0));
  run.put(draw.key(), draw.small_value());
  run.roll();
  run.background();
  run.fixture().clock().advance_ms(1500);
  run.tick();
  run.put("a", "last");
}

void log_start(CrashRun& run, PartitionDraw& draw) {
  fill(run, draw, 12);
  run.begin();
  run.delete_records(Offset(static_cast<std::int64_t>(draw.between(3, 7))));
  run.background();
  run.put(draw.key(), draw.small_value());
  run.roll();
  run.delete_records(run.partition().snapshot().committed_end);
  run.put("b", "2");
  run.background();
}

// Recovery after a kill copies what was not synced.
void recovery(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (std::size_t i = draw.between(2, 4); i > 0; --i) run.write(draw.key(), draw.value());
  run.kill();
  run.background();
  run.put(draw.key(), draw.small_value());
  run.write("a", "again");
  run.kill();
  run.write("b", "twice");
  run.kill();
  run.put("c", "last");
}

void failed_sync(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  run.put(draw.key(), draw.value());
  for (std::size_t i = draw.between(1, 3); i > 0; --i) run.write(draw.key(), draw.value());
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
}

void torn_write(CrashRun& run, PartitionDraw& draw) {
  start_settled(run);
  for (std::size_t i = draw.between(1, 2); i > 0; --i) run.write(draw.key(), draw.value());
  Fault fault;
  fault.kinds = {OperationKind::write};
  fault.name_suffix = ".log";
  fault.short_write = true;
  run.fixture().disk().fail(fault);
  run.append({{"a", "torn"}, {draw.key(), std::string(draw.between(600, 1200), 'x')}});
  run.flush();
  run.fixture().disk().clear_faults();
  REQUIRE_OK(run.partition().reopen());
  run.mark();
  run.background();
  run.put("c", "3");
}

// An orderly stop and start.
void restart(CrashRun& run, PartitionDraw& draw) {
  fill(run, draw, 6);
  run.begin();
  run.produce(7, draw.key(), draw.small_value());
  run.write(draw.key(), draw.value());
  run.restart();
  run.put(draw.key(), draw.small_value());
  run.restart();
  run.put("c", "last");
}

Workload partition_workload(const std::string& name, const PartitionConfig& config,
                            void (*play)(CrashRun&, PartitionDraw&)) {
  return {name, [=](std::uint64_t seed, std::unique_ptr<MemoryFileSystem> disk) -> std::unique_ptr<Recording> {
            auto run = std::make_unique<CrashRun>(config, std::move(disk));
            Random random(seed);
            PartitionDraw draw(random);
            play(*run, draw);
            return run;
          }};
}

}  // namespace

std::vector<Workload> partition_workloads() {
  PartitionConfig near_ceiling = small();
  near_ceiling.offset_reserve = 4;
  PartitionConfig spilling = small(400);
  spilling.hint_spill_bytes = 150;
  PartitionConfig dropping = small();
  dropping.delete_retention_ms = 1000;
  PartitionConfig expiring = small();
  expiring.deletes = true;
  expiring.retention_ms = 2500;
  expiring.retention_bytes = 900;
  return {partition_workload("append", small(), append),
          partition_workload("group-commit", small(), group_commit),
          partition_workload("ceiling", near_ceiling, ceiling),
          partition_workload("roll", small(250), roll),
          partition_workload("hints", spilling, hints),
          partition_workload("manifest", small(), manifest),
          partition_workload("producers", small(300), producers),
          partition_workload("compaction", small(), compaction),
          partition_workload("tombstones", dropping, tombstones),
          partition_workload("retention", expiring, retention),
          partition_workload("log-start", small(), log_start),
          partition_workload("recovery", small(), recovery),
          partition_workload("failed-sync", small(), failed_sync),
          partition_workload("torn-write", small(), torn_write),
          partition_workload("restart", small(300), restart)};
}

}  // namespace logcask::testing
