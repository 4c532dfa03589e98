// The figures of the founding documents, to the digit (docs/REQUIREMENTS.md).
#include "sizing/figures.h"

#include "sizing/plan.h"
#include "sizing/quantity.h"
#include "sizing/sums.h"
#include "tests/support/catch.h"

using namespace logcask::sizing;

namespace {

// "About 50 bytes a key" for stores written in C or Rust, the key within.
constexpr KeydirCost kRuleOfThumb{"rule-of-thumb", 50};

constexpr double kMiB = 1024 * 1024, kGiB = 1024 * kMiB, kTiB = 1024 * kGiB;

Workload of(std::uint64_t keys, std::uint64_t key_bytes, std::uint64_t value_bytes) {
  Workload w;
  w.keys = keys;
  w.key_bytes = key_bytes;
  w.value_bytes = value_bytes;
  return w;
}

Workload photo_blobs() {
  Workload w = of(10'000'000, 32, 2u << 20);
  w.partitions = 4;
  w.segment_bytes = 2147483647;
  w.ram_budget = 1'024'000'000;
  return w;
}

}  // namespace

TEST_CASE("RAM is keys times the cost of a key, and the size of values has no part in it") {
  CHECK(kBitcask.per_key(32) == 76.5);
  CHECK(kLogcask.per_key(8) == 20);
  CHECK(kLogcask.per_key(256) == 20);
  for (const KeydirCost* cost : {&kLogcask, &kBitcask})
    CHECK(figures(of(1000, 32, 16), *cost).ram == figures(of(1000, 32, 1u << 20), *cost).ram);
}

TEST_CASE("preset session cache: 76.5 MB of RAM, 4.1 GB of disk, FITS") {
  const Figures f = figures(of(1'000'000, 32, 4096), kBitcask);
  CHECK(f.ram == 76'500'000);
  CHECK(decimal_bytes(f.ram) == "76.5 MB");
  CHECK(decimal_bytes(f.disk_live) == "4.1 GB");
  CHECK(f.verdict == Verdict::fits);
}

TEST_CASE("preset fat blobs: the same RAM, about 1 TB of disk, FITS") {
  const Figures f = figures(of(1'000'000, 32, 1'000'000), kBitcask);
  CHECK(f.ram == 76'500'000);
  CHECK(decimal_bytes(f.disk_live) == "1 TB");
  CHECK(f.verdict == Verdict::fits);
}

TEST_CASE("preset tiny tags: 60.5 GB of RAM, OOM") {
  const Figures f = figures(of(1'000'000'000, 16, 100), kBitcask);
  CHECK(f.ram == 60'500'000'000);
  CHECK(decimal_bytes(f.ram) == "60.5 GB");
  CHECK(f.verdict == Verdict::oom);
  CHECK(figures(of(1'000'000'000, 16, 100), kLogcask).verdict == Verdict::oom);
}

TEST_CASE("photo blobs: about 20 TB, 2,442 files a partition, 9,768 in all, 182 MiB of keydir a partition") {
  for (const KeydirCost* cost : {&kBitcask, &kLogcask}) {
    const Figures f = figures(photo_blobs(), *cost);
    CHECK(f.data_files_per_partition == 2442);
    CHECK(f.data_files == 9768);
    CHECK(f.disk_live / 1e12 == Approx(20.97).epsilon(0.001));
  }
  const Figures f = figures(photo_blobs(), kBitcask);
  CHECK(f.ram == 765'000'000);
  CHECK(binary_bytes(f.ram, 1) == "729.6 MiB");
  CHECK(binary_bytes(f.ram_per_partition, 0) == "182 MiB");
  CHECK(binary_bytes(f.ram_per_partition, 1) == "182.4 MiB");
}

TEST_CASE("sums the other way: 32 GiB hold 715,827,882 keys, which fill 5.36 TiB, and 16 TiB need 95.44 GiB") {
  const double record = kBitcaskRecordOverhead + 32 + 8192;
  CHECK(keys_of_ram(kBareEntry, 32 * kGiB, 32) == 715'827'882);
  CHECK(binary_bytes(disk_of_ram(kBareEntry, 32 * kGiB, 32, record), 2) == "5.36 TiB");
  CHECK(binary_bytes(ram_of_disk(kBareEntry, 16 * kTiB, 32, record), 2) == "95.44 GiB");
}

TEST_CASE("sizing points: 50M keys are 2.5 GB, 500M are 25 GB, 5B are 250 GB") {
  CHECK(kRuleOfThumb.ram(50'000'000, 32) == 2.5e9);
  CHECK(kRuleOfThumb.ram(500'000'000, 32) == 25e9);
  CHECK(kRuleOfThumb.ram(5'000'000'000, 32) == 250e9);
  // Of a budget of 10 GB the first is exactly a quarter.
  CHECK_FALSE(above_quarter(kRuleOfThumb.ram(50'000'000, 32), 10e9));
  CHECK(above_quarter(kRuleOfThumb.ram(50'000'001, 32), 10e9));
}

TEST_CASE("what is measured of an entry is below what is counted") {
  CHECK(kLogcaskMeasuredHigh < kLogcask.entry_bytes);
}

TEST_CASE("each partition with a key has 8 KiB resident beside its entries, which no verdict counts") {
  Workload w = of(100'000, 30, 100);
  w.partitions = 1000;
  const Figures f = figures(w, kLogcask);
  CHECK(f.ram == 2'000'000);
  CHECK(f.ram_resident == 2'000'000 + 1000 * 8192);
  CHECK(f.limit_used == f.ram);
  CHECK(figures(w, kBitcask).ram_resident == figures(w, kBitcask).ram);
  w.keys = 10;
  CHECK(figures(w, kLogcask).ram_resident == 10 * 20 + 10 * 8192);  // 990 partitions have none
}

TEST_CASE("copies multiply RAM and disk of all nodes, not those of one") {
  Workload w = of(50'000'000, 30, 1000);
  w.replication = 3;
  const Figures f = figures(w, kBitcask);
  CHECK(f.ram_all_copies == 3 * f.ram);
  CHECK(f.ram_needed == f.ram);
  CHECK(binary_bytes(f.ram_all_copies, 1) == "10.4 GiB");  // Riak's own example, by its own constant
}

TEST_CASE("the disk may reach what was written, 2.5 times the live bytes, or eight segments a partition beside them") {
  Workload w = of(1'000'000, 32, 958);
  w.segment_bytes = 1'000'000;
  const double hints = 24e6;
  w.updates_per_key = 0;
  CHECK(figures(w, kLogcask).disk_high == figures(w, kLogcask).disk_live);
  w.updates_per_key = 1;
  CHECK(figures(w, kLogcask).disk_high == 2e9 + hints);
  w.updates_per_key = 100;
  CHECK(figures(w, kLogcask).disk_high == 2.5e9 + hints);
  w.segment_bytes = 1'000'000'000;
  CHECK(figures(w, kLogcask).disk_high == 9e9 + hints);
}

TEST_CASE("garbage that a high dirty ratio lets lie is on the disk, too") {
  Workload w = of(1'000'000, 32, 958);
  w.segment_bytes = 1'000'000;
  w.updates_per_key = 100;
  w.dead_percent = 60;
  CHECK(figures(w, kLogcask).disk_high == Approx(2.5e9 + 24e6));
  w.dead_percent = 90;
  CHECK(figures(w, kLogcask).disk_high == Approx(10e9 + 24e6));
}

TEST_CASE("a key that is deleted and written again is written three times at least") {
  Workload w = of(1'000'000, 32, 958);
  w.updates_per_key = 0;
  w.deletes_and_recreates = true;
  CHECK(figures(w, kLogcask).write_amplification == Approx(1 + 2.0 / 3));
  CHECK(figures(w, kLogcask).disk_high == 3e9 + 24e6);
  w.updates_per_key = 9;
  CHECK(figures(w, kLogcask).updates == 9);
}

TEST_CASE("what is beyond any integer is told as the largest, and never negative") {
  Workload w = of(1'000'000'000'000, 65536, 2147483647);
  w.ram_budget = std::uint64_t{1} << 50;
  w.updates_per_key = 1'000'000;
  w.segment_bytes = 1024;
  w.partitions = 100'000;
  const Figures f = figures(w, kLogcask);
  CHECK(f.files == INT64_MAX);
  CHECK(f.descriptors > f.data_files);
  CHECK(f.data_files > f.data_files_per_partition);
  CHECK(whole(f.disk_live) == INT64_MAX);
  CHECK(whole(-1) == 0);
  CHECK(whole(1.5) == 2);
}

TEST_CASE("write amplification is 1 without updates and at most one over the dead share") {
  Workload w;
  w.updates_per_key = 0;
  CHECK(figures(w, kLogcask).write_amplification == 1);
  w.updates_per_key = 1'000'000;
  CHECK(figures(w, kLogcask).write_amplification == Approx(2.0).epsilon(0.001));
  // The measured run compacted once, when nine of ten records were dead.
  w.updates_per_key = 9;
  w.dead_percent = 90;
  CHECK(figures(w, kLogcask).write_amplification == Approx(kMeasuredWriteAmplification).epsilon(0.05));
}

TEST_CASE("the estimate of a restart gives back the run that it was measured by") {
  Workload w = of(10'000'000, 16, 100);
  w.updates_per_key = 0;
  const Figures f = figures(w, kLogcask);
  CHECK(f.restart.clean_s == Approx(0.832));
  CHECK(f.restart.killed_s == Approx(1.019));
  CHECK(f.restart.without_hints_s == Approx(3.011).epsilon(0.01));
}

TEST_CASE("a plan's sums use its model and its disk") {
  Workload w;
  w.ram_budget = static_cast<std::uint64_t>(32 * kGiB);
  w.disk_bytes = static_cast<std::uint64_t>(16 * kTiB);
  w.value_bytes = 8192;
  const Plan plan = make_plan(w, kBareEntry);
  CHECK(plan.sums.keys == 715'827'882);
  CHECK(binary_bytes(plan.sums.disk_of_keys, 2) == "5.36 TiB");
  CHECK(binary_bytes(plan.sums.ram_of_that_disk, 2) == "95.44 GiB");
}

TEST_CASE("the disk that keys fill holds their hints, as the live bytes do") {
  Workload w = of(100'000'000, 24, 100);
  w.ram_budget = 2'000'000'000;
  const Plan plan = make_plan(w, kLogcask);
  CHECK(plan.sums.keys == w.keys);
  CHECK(plan.sums.disk_of_keys == plan.logcask.disk_live);
}
