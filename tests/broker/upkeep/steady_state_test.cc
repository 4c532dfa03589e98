// A bounded set of keys, overwritten for ever: what the disk holds does not grow, whatever segment.bytes is.

#include <algorithm>

#include "base/random.h"
#include "compactor/compactor.h"
#include "segment/filename.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr std::uint64_t kBlock = 4096;

Status steady_pace(std::uint64_t, std::uint64_t) { return {}; }

// What the files take in blocks. Sync logs go with the manifest step that lists their segment.
std::uint64_t bytes_on_disk(MemoryFileSystem& disk) {
  std::uint64_t bytes = 0;
  for (const std::string& path : disk.paths()) {
    const auto parsed = parse_segment_filename(path);
    if (parsed && parsed->file == SegmentFile::sync) continue;
    bytes += (disk.content(path)->size() + kBlock - 1) / kBlock * kBlock;
  }
  return bytes;
}

}  // namespace

TEST_CASE("one rewrite for every three rolls keeps the disk within its bound, however small the segments are",
          "[compaction]") {
  const std::int64_t segment_bytes = GENERATE(1024, 16 * 1024, 256 * 1024);
  const int keys = GENERATE(50, 500);
  CAPTURE(segment_bytes, keys);
  PartitionConfig config;
  config.segment_bytes = segment_bytes;
  PartitionFixture fixture(config);
  Random random(test_seed());
  Compactor compactor(fixture.partition(), {0, 0, 32 * 1024});
  const std::string value(100, 'v');
  std::vector<TestRecord> all;
  for (int i = 0; i < keys; ++i) all.push_back({"k" + std::to_string(i), value, {}});
  const std::uint64_t live = make_batch(all).size();
  const std::uint64_t bound =
      live + std::max(live * 3 / 2, 8 * (static_cast<std::uint64_t>(segment_bytes) + 16 * 1024));
  std::size_t segments = 0;
  int rolls = 0;
  std::uint64_t most = 0;
  const std::uint64_t total = std::max<std::uint64_t>(6 * bound, 400 * static_cast<std::uint64_t>(keys));
  for (std::uint64_t written = 0; written < total && rolls < 300;) {
    std::vector<TestRecord> records;
    for (int i = 0; i < 5; ++i) records.push_back(all[random.below(all.size())]);
    REQUIRE(fixture.append(records).error.ok());
    written += make_batch(records).size();
    const std::size_t now = fixture.partition().segments().size();
    if (now == segments) continue;
    segments = now;
    fixture.run_all();  // the checkpoint
    most = std::max(most, bytes_on_disk(fixture.disk()));
    if (++rolls % 3 != 0) continue;
    REQUIRE_OK(compactor.step(CompactionMode::background, steady_pace));
    fixture.run_all();
    segments = fixture.partition().segments().size();
    most = std::max(most, bytes_on_disk(fixture.disk()));
  }
  REQUIRE(rolls > 10);
  CHECK(most <= bound);
}
