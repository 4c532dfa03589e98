// Whose files a partition's are, and what becomes of a directory of format 1.
#include "partition/append_clock.h"
#include "segment/sync_log.h"
#include "tests/partition/recovery_disk.h"
#include "tests/support/crash_states.h"
#include "tests/support/format_1.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

PartitionIdentity topic_owner(std::uint8_t topic) {
  PartitionIdentity owner;
  owner.topic.bytes.fill(topic);
  return owner;
}

// A young partition: everything in its first log.
Disk young_disk(std::uint8_t topic, int records) {
  Disk disk;
  disk.owner = topic_owner(topic);
  disk.open();
  disk.put(records);
  disk.log.reset();
  return disk;
}

void exchange(Disk& one, Disk& other, SegmentFile file) {
  const std::string name = name_of(0, file);
  const std::string kept = *one.files->content(name);
  one.files->set_content(name, *other.files->content(name));
  other.files->set_content(name, kept);
}

// As 0.1.0 would have left it: manifests and sync logs of format 1.
std::unique_ptr<MemoryFileSystem> as_format_1(const Disk& disk) {
  auto image = disk.files->clone();
  for (const std::string& path : image->paths()) {
    if (path.starts_with("manifest")) {
      const auto manifest = decode_manifest(*image->content(path));
      REQUIRE_OK(manifest);
      image->set_content(path, format_1_manifest(*manifest));
    } else if (path.ends_with(".sync")) {
      const Offset base = parse_segment_filename(path)->name.base;
      const auto content = read_sync_content(*image->root(), base);
      REQUIRE_OK(content);
      image->set_content(path, format_1_sync_log(format_1_entry(content->newest), content->sequence, base));
    }
  }
  return image;
}

TEST_CASE("log and sync log of two topics that were exchanged on disk are named, and neither serves the other's data",
          "[identity]") {
  Disk first = young_disk(1, 4);
  Disk second = young_disk(2, 6);
  exchange(first, second, SegmentFile::log);
  exchange(first, second, SegmentFile::sync);
  for (Disk* disk : {&first, &second}) {
    const auto before = disk->files->paths();
    const auto refused = disk->recover();
    REQUIRE(refused.code() == Errc::foreign_file);
    CHECK(refused.error().message.find(name_of(0, SegmentFile::sync)) != std::string::npos);
    CHECK(refused.error().message.find(topic_owner(disk == &first ? 2 : 1).to_string()) != std::string::npos);
    CHECK(disk->files->paths() == before);
  }
  // Put back, both are as they were.
  exchange(first, second, SegmentFile::log);
  exchange(first, second, SegmentFile::sync);
  first.open();
  CHECK(first.offsets() == range(0, 4));
  second.open();
  CHECK(second.offsets() == range(0, 6));
}

TEST_CASE("a log of another partition whose base happens to chain is not adopted", "[identity]") {
  const bool with_sync_log = GENERATE(true, false);
  Disk other;
  other.owner = topic_owner(2);
  other.open();
  other.put(3);
  other.roll();
  other.put(2);
  Disk disk = young_disk(1, 3);
  disk.files->set_content(name_of(3), *other.files->content(name_of(3)));
  if (with_sync_log)
    disk.files->set_content(name_of(3, SegmentFile::sync), *other.files->content(name_of(3, SegmentFile::sync)));
  const auto refused = disk.recover();
  REQUIRE(refused.code() == Errc::foreign_file);
  CHECK(refused.error().message.find(name_of(3, SegmentFile::sync)) != std::string::npos);
  REQUIRE_OK(disk.files->root()->unlink(name_of(3)));
  if (with_sync_log) REQUIRE_OK(disk.files->root()->unlink(name_of(3, SegmentFile::sync)));
  disk.open();
  CHECK(disk.offsets() == range(0, 3));
}

// Where the closed segments end, and as the first log of a partition.
TEST_CASE("a log alone is the active one only while it is empty, as a crash may leave it", "[identity]") {
  const bool listed = GENERATE(true, false);
  Disk disk;
  disk.owner = topic_owner(1);
  disk.open();
  const std::int64_t base = listed ? 3 : 0;
  if (listed) {
    disk.put(3);
    disk.roll();
    disk.list();
  }
  disk.put(2);
  disk.log.reset();
  REQUIRE_OK(disk.files->root()->unlink(name_of(base, SegmentFile::sync)));
  if (listed) REQUIRE_OK(disk.files->root()->unlink(name_of(0, SegmentFile::sync)));  // as recovery does first
  const auto before = disk.files->paths();
  const auto refused = disk.recover();
  REQUIRE(refused.code() == Errc::foreign_file);
  CHECK(refused.error().message.find(name_of(base, SegmentFile::sync)) != std::string::npos);
  CHECK(disk.files->paths() == before);
  SECTION("an empty sync log says that it is ours, and its records are kept") {
    disk.files->set_content(name_of(base, SegmentFile::sync), "");
    disk.open();
    CHECK(disk.offsets() == range(0, base + 2));
  }
  SECTION("an empty log is ours") {
    disk.files->set_content(name_of(base), "");
    disk.open();
    CHECK(disk.offsets() == range(0, base));
    CHECK(disk.has(name_of(base, SegmentFile::sync)));
  }
  SECTION("what it holds need not be sound") {
    disk.files->set_content(name_of(base), "not a batch, and not to be cut off either" + std::string(100, 'x'));
    CHECK(disk.recover().code() == Errc::foreign_file);
    CHECK(disk.files->content(name_of(base))->size() > 100);
  }
  SECTION("reserved blocks are not records") {
    disk.files->set_content(name_of(base), std::string(4096, '\0'));
    disk.open();
    CHECK(disk.offsets() == range(0, base));
  }
}

TEST_CASE("a foreign log that does not chain is set aside as any other", "[identity]") {
  Disk other;
  other.owner = topic_owner(2);
  other.open();
  other.put(7);
  other.roll();
  other.put(2);
  Disk disk = young_disk(1, 3);
  for (const SegmentFile file : {SegmentFile::log, SegmentFile::sync})
    disk.files->set_content(name_of(7, file), *other.files->content(name_of(7, file)));
  disk.open();
  CHECK(disk.offsets() == range(0, 3));
  CHECK(disk.has(name_of(7) + ".aside"));
}

TEST_CASE("a directory of another partition is refused, whole or only its manifest", "[identity]") {
  Disk disk = young_disk(1, 3);
  disk.owner.partition = PartitionId(1);
  CHECK(disk.recover().code() == Errc::foreign_file);
  disk.owner = topic_owner(9);
  CHECK(disk.recover().code() == Errc::foreign_file);
  disk.owner = topic_owner(1);
  disk.open();
  CHECK(disk.offsets() == range(0, 3));
}

TEST_CASE("a sync log of format 1 is none of ours once the partition names its own", "[identity]") {
  Disk disk;
  disk.open();
  disk.put(3);
  const SyncEntry entry = format_1_entry(disk.writer().durable());
  disk.log.reset();
  disk.files->set_content(name_of(0, SegmentFile::sync), format_1_sync_log(entry, 5, Offset(0)));
  CHECK(disk.recover().code() == Errc::foreign_file);
}

TEST_CASE("a partition of format 1 opens with all it held, and names itself from then on", "[identity]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.put(2);
  disk.roll();
  disk.list();
  disk.put(4);
  Disk old(as_format_1(disk));
  old.owner = disk.owner;
  old.last_run = 50;
  old.open();
  CHECK(old.report().upgraded);
  CHECK(old.report().clean());
  CHECK(old.offsets() == range(0, 9));
  const auto manifest = decode_manifest(*old.files->content("manifest.a"));
  REQUIRE_OK(manifest);
  CHECK(manifest->owner == old.owner);
  CHECK(manifest->runs.runs() == std::vector<RunStart>{{RunId(51), Offset(9)}});
  CHECK(read_sync_content(*old.files->root(), Offset(5))->owner == old.owner);
  old.put(1);
  old.open();
  CHECK_FALSE(old.report().upgraded);
  CHECK(old.offsets() == range(0, 10));
}

TEST_CASE("a directory that is killed half-way through the upgrade opens", "[identity]") {
  const int story = GENERATE(0, 1, 2, 3);
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.list();
  disk.put(2);
  if (story == 1) disk.append(2);  // an unsynced tail
  if (story == 2) disk.roll();     // a closed log that nobody lists
  Disk old(as_format_1(disk));
  Offsets expected = range(0, 5);
  if (story == 1) expected = range(0, 7);
  if (story == 3) {
    REQUIRE_OK(old.files->root()->unlink("manifest.b"));
  }
  const auto image = old.files->clone();
  Disk whole(image->clone());
  whole.last_run = 100;
  whole.open();
  REQUIRE(whole.offsets() == expected);
  std::size_t images = 0;
  for (const CrashProfile profile : {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst}) {
    CrashStates states(*whole.files, profile, test_seed());
    while (auto crash = states.next()) {
      INFO("story " << story << ": " << crash->description);
      Disk again(std::move(crash->image));
      again.last_run = 200;
      again.open();
      INFO(again.report().to_string());
      REQUIRE(again.offsets() == expected);
      REQUIRE(again.report().damaged.empty());
      REQUIRE(again.report().cut_bytes == 0);
      ++images;
      again.put(1);
      again.open();
      REQUIRE_FALSE(again.report().upgraded);
      REQUIRE(again.offsets().size() == expected.size() + 1);
    }
  }
  CHECK(images > 10);
}

TEST_CASE("sync logs of segments that the manifest lists go at the next start", "[identity]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.list();
  disk.put(2);
  REQUIRE(disk.has(name_of(0, SegmentFile::sync)));
  disk.open();
  CHECK_FALSE(disk.has(name_of(0, SegmentFile::sync)));
  CHECK(disk.has(name_of(3, SegmentFile::sync)));
  CHECK(disk.offsets() == range(0, 5));
}

TEST_CASE("every run that wrote is in the history after whatever stops", "[identity]") {
  Disk disk;
  disk.open();  // run 1
  disk.put(3);
  disk.open();  // run 2 writes nothing
  disk.open();  // run 3
  disk.append(2);
  disk.open();  // run 4, which finds an unsynced tail
  disk.put(1);
  disk.open();  // run 5
  const RunHistory& runs = disk.log->manifest.runs;
  CHECK(runs.of(Offset(3)) == RunId(1));
  CHECK(runs.of(Offset(4)) == RunId(3));
  CHECK(runs.of(Offset(5)) == RunId(3));
  CHECK(runs.of(Offset(6)) == RunId(4));
  CHECK(runs.check(RunId(5), Offset(6), Offset(6)).ok());
  CHECK(runs.check(RunId(2), Offset(3), Offset(6)).code() == Errc::topic_changed);
}

TEST_CASE("a copy that was put back does not know the runs after it, and ends the one it was taken in", "[identity]") {
  const bool live = GENERATE(true, false);
  Disk disk;
  disk.open();  // run 1
  disk.put(3);
  const auto copy = disk.files->clone();
  if (!live) disk.open();  // run 2
  disk.put(5);
  const RunId read_in = disk.log->manifest.runs.of(Offset(8));
  Disk restored(copy->clone());
  restored.last_run = 10;
  restored.open();  // run 11
  restored.put(20);
  const RunHistory& runs = restored.log->manifest.runs;
  const Offset end = restored.writer().next_offset();
  REQUIRE(end > Offset(8));
  CHECK(runs.check(read_in, Offset(8), end).code() == Errc::topic_changed);
  // What both have in common can be gone on from.
  CHECK(runs.check(RunId(1), Offset(3), end).ok());
}

TEST_CASE("a start with the wall clock far ahead gives the unsynced tail no time from there", "[identity]") {
  Disk disk;
  disk.open();
  disk.put(1);
  const std::int64_t begun = disk.clock.wall;
  for (int start = 0; start < 20; ++start) {
    disk.append(1);
    disk.clock.wall += 365LL * 24 * 3600 * 1000;
    disk.open();
  }
  // TestClock lets monotonic time jump along within a run; only what a restart grants counts here.
  CHECK(disk.log->append_clock.time.value() - begun <= AppendClock::kDefaultSlackMs + 1000);
}

TEST_CASE("an append clock that ran ahead is set back on request, and what is how old stays", "[identity]") {
  constexpr std::int64_t kYearMs = 365LL * 24 * 3600 * 1000;
  Disk disk;
  disk.clock.wall += kYearMs;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.list();
  disk.put(2);
  disk.clock.wall -= kYearMs;
  disk.open();
  REQUIRE(disk.log->append_clock.ahead_ms == kYearMs);
  const TimestampMs closed = disk.log->closed[0]->facts().last_append;
  const std::int64_t age = disk.log->append_clock.time.value() - closed.value();
  disk.settle_clock = true;
  disk.open();
  CHECK(disk.report().clock_set_back_ms == kYearMs);
  CHECK(disk.log->append_clock.ahead_ms == 0);
  CHECK(disk.log->append_clock.time == disk.clock.wall_ms());
  CHECK(disk.log->append_clock.time.value() - disk.log->closed[0]->facts().last_append.value() == age);
  CHECK(disk.offsets() == range(0, 5));
  disk.settle_clock = false;
  disk.open();
  CHECK(disk.log->append_clock.ahead_ms == 0);
  CHECK(disk.log->closed[0]->facts().last_append.value() == closed.value() - kYearMs);
}

}  // namespace
}  // namespace logcask
