// The compactor's loop: what it begins, what it leaves, and that it comes to an end.

#include "compactor/compactor.h"

#include "tests/compactor/fake_partition.h"

namespace logcask {
namespace {

using namespace testing;

TEST_CASE("background compaction leaves what lies below the thresholds, forced does not") {
  FakePartition partition;
  for (int i = 0; i < 10; ++i) partition.put("k" + std::to_string(i), "1");
  partition.put("k0", "2");
  partition.close_active();
  Compactor compactor(partition, {0, 0, 32 * 1024, 0});
  auto stats = compactor.run_due(CompactionMode::background, no_pace);
  REQUIRE_OK(stats);
  CHECK(stats->rewrites == 0);
  stats = compactor.run_due(CompactionMode::forced, no_pace);
  REQUIRE_OK(stats);
  CHECK(stats->records_dropped == 1);
  partition.check();
}

TEST_CASE("every step reports, and what the steps did adds up") {
  FakePartition partition;
  partition.config.segment_bytes = 1000;
  for (int segment = 0; segment < 6; ++segment) {
    for (int i = 0; i < 20; ++i) partition.put("k" + std::to_string(i), std::string(30, 'v'));
    partition.close_active();
  }
  Compactor compactor(partition, {0, 0, 300, 0});
  int reports = 0;
  std::uint64_t paced_read = 0;
  const auto stats = compactor.run_due(
      CompactionMode::forced,
      [&](std::uint64_t bytes_read, std::uint64_t) {
        paced_read += bytes_read;
        return Status();
      },
      [&](const CompactionStats&) { ++reports; });
  REQUIRE_OK(stats);
  partition.check();
  CHECK(stats->records_dropped == 100);
  CHECK(reports >= 1);
  CHECK(paced_read == stats->bytes_read);
  CHECK(stats->bytes_after < stats->bytes_before);
  CHECK(partition.on_disk().size() == 20);
}

TEST_CASE("a rewrite under way elsewhere is in_use, and nothing else happens") {
  FakePartition partition;
  partition.put("a", "1");
  partition.put("a", "2");
  partition.close_active();
  REQUIRE_OK(partition.begin_rewrite(Offset(0), Offset(2)));
  Compactor compactor(partition);
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).code() == Errc::in_use);
  partition.abandon_rewrite();
  CHECK(compactor.run_due(CompactionMode::forced, no_pace).ok());
}

TEST_CASE("many small segments are merged, and merged ones are left alone") {
  FakePartition partition;
  partition.config.segment_bytes = 100'000;
  std::uint64_t written = 0, appended = 0;
  Compactor compactor(partition, {0, 0, 32 * 1024, 0, 0});
  for (int i = 0; i < 200; ++i) {
    partition.put("k" + std::to_string(i), std::string(100, 'v'));
    appended += 180;
    partition.close_active();
    const auto stats = compactor.run_due(CompactionMode::background, no_pace);
    REQUIRE_OK(stats);
    written += stats->bytes_written;
  }
  partition.check();
  CHECK(partition.closed.size() < 20);
  // Every byte is merged a logarithmic number of times.
  CHECK(written < appended * 8);
}

}  // namespace
}  // namespace logcask
