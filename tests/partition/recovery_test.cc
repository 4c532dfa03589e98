#include "partition/recovery.h"

#include "partition/view_read.h"
#include "segment/digest.h"
#include "segment/filename.h"
#include "segment/sync_log.h"
#include "tests/partition/recovery_disk.h"
#include "tests/support/crash_states.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

TEST_CASE("an empty directory becomes a partition, and stays one", "[recovery]") {
  Disk disk;
  disk.open();
  CHECK(disk.report().created);
  CHECK(disk.report().clean());
  CHECK(disk.writer().next_offset() == Offset(0));
  CHECK(disk.log->epoch == LeaderEpoch(0));
  disk.open();
  CHECK_FALSE(disk.report().created);
  CHECK(disk.report().clean());
  CHECK(disk.log->manifest.generation == 1);
}

TEST_CASE("what was synced is resumed in place", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.put(2);
  disk.open();
  CHECK(disk.report().rewritten_bytes == 0);
  CHECK(disk.report().skipped_offsets == 0);
  CHECK(disk.log->closed.empty());
  CHECK(disk.offsets() == range(0, 5));
  CHECK(disk.log->epoch == LeaderEpoch(0));
  disk.put(1);
  CHECK(disk.offsets() == range(0, 6));
}

TEST_CASE("bytes above the recovery point go into a file of their own, once", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.append(2);
  disk.append(1);
  const std::uint64_t unsynced = disk.writer().position() - disk.writer().durable().position;
  disk.open();
  CHECK(disk.report().rewritten_bytes == unsynced);
  CHECK(disk.report().skipped_offsets == 0);
  CHECK(disk.log->epoch == LeaderEpoch(0));
  REQUIRE(disk.log->closed.size() == 1);
  CHECK(disk.log->closed[0]->next_offset() == Offset(3));
  CHECK(disk.writer().name().base == Offset(3));
  CHECK(disk.offsets() == range(0, 6));
  CHECK(disk.log->manifest.segments[0].tombstones == 1);
  disk.open();
  CHECK(disk.report().rewritten_bytes == 0);
  CHECK(disk.offsets() == range(0, 6));
}

TEST_CASE("when nothing was ever synced the file is made again under its name", "[recovery]") {
  Disk disk;
  disk.open();
  disk.append(4);
  disk.open();
  CHECK(disk.report().rewritten_bytes > 0);
  CHECK(disk.log->closed.empty());
  CHECK(disk.writer().name().base == Offset(0));
  CHECK(disk.offsets() == range(0, 4));
}

TEST_CASE("a torn tail is cut at the batch edge, and its offsets are never given again", "[recovery]") {
  const int how = GENERATE(0, 1, 2);
  Disk disk;
  disk.open();
  disk.put(3);
  disk.append(2);
  disk.append(2);
  const std::string name = name_of(0);
  std::string bytes = *disk.files->content(name);
  if (how == 0) bytes.resize(bytes.size() - 5);
  if (how == 1) bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 1);
  if (how == 2) bytes += std::string(30, 'r');
  disk.files->set_content(name, bytes);
  disk.open();
  INFO("way " << how << ": " << disk.report().to_string());
  const std::int64_t end = how == 2 ? 7 : 5;
  CHECK(disk.report().cut_bytes > 0);
  CHECK_FALSE(disk.report().cut_reason.empty());
  CHECK(disk.offsets() == range(0, end));
  CHECK(disk.writer().next_offset() == Offset(100));
  CHECK(disk.report().skipped_offsets == 100 - end);
  CHECK(disk.log->epoch == LeaderEpoch(1));
  CHECK(disk.log->manifest.epochs.back().start_offset == Offset(100));
  disk.put(1);
  Offsets expected = range(0, end);
  expected.push_back(100);
  CHECK(disk.offsets() == expected);
  disk.open();
  CHECK(disk.report().clean());
  CHECK(disk.report().skipped_offsets == 0);
  CHECK(disk.offsets() == expected);
}

TEST_CASE("a log that was torn in its very first batch begins at the ceiling", "[recovery]") {
  Disk disk;
  disk.open();
  disk.append(3);
  disk.damage(name_of(0), 2);
  disk.open();
  CHECK(disk.offsets().empty());
  CHECK(disk.writer().next_offset() == Offset(100));
  disk.put(1);
  disk.open();
  CHECK(disk.offsets() == Offsets{100});
  CHECK(disk.report().clean());
}

TEST_CASE("zeros end a log: disk blocks that were reserved are no damage", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.files->set_content(name_of(0), *disk.files->content(name_of(0)) + std::string(5000, '\0'));
  disk.open();
  CHECK(disk.report().clean());
  CHECK(disk.report().skipped_offsets == 0);
  CHECK(disk.offsets() == range(0, 3));
  disk.put(2);
  disk.open();
  CHECK(disk.offsets() == range(0, 5));
}

TEST_CASE("damage below the recovery point is kept and named, never cut", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.put(2);
  disk.put(2);
  std::string bytes = *disk.files->content(name_of(0));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);  // in the second batch
  disk.files->set_content(name_of(0), bytes);
  disk.open();
  INFO(disk.report().to_string());
  REQUIRE(disk.report().damaged.size() == 1);
  CHECK(disk.report().damaged[0].from == Offset(3));
  CHECK(disk.report().damaged[0].to == Offset(7));
  CHECK(disk.report().damaged[0].reason.find(name_of(0) + ": at position 104: ") != std::string::npos);
  CHECK(disk.report().cut_bytes == 0);
  CHECK(disk.files->content(name_of(0)) == bytes);
  CHECK(disk.offsets() == range(0, 3));
  CHECK(disk.writer().next_offset() == Offset(100));
  CHECK(disk.log->epoch == LeaderEpoch(1));
  disk.put(1);
  disk.open();
  CHECK(disk.report().damaged.size() == 1);
  CHECK(disk.files->content(name_of(0)) == bytes);
  CHECK(disk.log->epoch == LeaderEpoch(1));
  CHECK(disk.offsets() == Offsets{0, 1, 2, 100});
}

TEST_CASE("a log that ends below its recovery point is damaged", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.put(2);
  const std::string bytes = *disk.files->content(name_of(0));
  disk.files->set_content(name_of(0), bytes.substr(0, bytes.size() - 1));
  disk.open();
  REQUIRE(disk.report().damaged.size() == 1);
  CHECK(disk.report().damaged[0].from == Offset(0));
  CHECK(disk.report().damaged[0].to == Offset(5));
  CHECK(disk.offsets().empty());
  CHECK(disk.writer().next_offset() == Offset(100));
}

TEST_CASE("a deleted log is damage as long as its sync log tells of it", "[recovery]") {
  const bool rolled = GENERATE(false, true);
  Disk disk;
  disk.open();
  disk.put(3);
  disk.put(2);
  if (rolled) {
    disk.roll();
    disk.put(2);
  }
  REQUIRE_OK(disk.files->root()->unlink(name_of(0)));
  for (int i = 0; i < 2; ++i) {
    disk.open();
    INFO(disk.report().to_string());
    REQUIRE(disk.report().damaged.size() == 1);
    CHECK(disk.report().damaged[0].from == Offset(0));
    CHECK(disk.report().damaged[0].to == Offset(5));
    CHECK(disk.report().damaged[0].reason.find(name_of(0) + ": the file is missing") != std::string::npos);
    CHECK(disk.offsets() == (rolled ? Offsets{5, 6} : Offsets()));
    CHECK(disk.writer().next_offset() == Offset(rolled ? 7 : 100));
  }
}

// The active log is an older copy, or it was emptied by hand: what compaction has removed because of records in it is
// gone.
TEST_CASE("a log that has lost what compaction judged by is damaged there, and its offsets are not given again",
          "[recovery]") {
  const int how = GENERATE(0, 1, 2);
  Disk disk;
  disk.open();
  disk.put(5);
  disk.roll();
  disk.list();
  const std::string promises_nothing = *disk.files->content(name_of(5, SegmentFile::sync));
  disk.put(3);
  const std::string log = *disk.files->content(name_of(5));
  const std::string sync = *disk.files->content(name_of(5, SegmentFile::sync));
  disk.put(4);
  Manifest manifest = disk.log->manifest;
  manifest.judged_end = Offset(11);
  disk.store(manifest);
  disk.open();
  CHECK(disk.report().damaged.empty());
  disk.log.reset();
  if (how == 0) {
    disk.files->set_content(name_of(5), log);
    disk.files->set_content(name_of(5, SegmentFile::sync), sync);
  } else {
    disk.files->set_content(name_of(5), "");
    REQUIRE_OK(disk.files->root()->unlink(name_of(5, SegmentFile::sync)));
    if (how == 2) {
      REQUIRE_OK(disk.files->root()->unlink(name_of(5)));
      disk.files->set_content(name_of(5, SegmentFile::sync), promises_nothing);
    }
  }
  disk.open();
  const Offset end = how == 0 ? Offset(8) : Offset(5);
  REQUIRE(disk.report().damaged.size() == 1);
  CHECK(disk.report().damaged[0].from == end);
  CHECK(disk.report().damaged[0].to == Offset(11));
  CHECK(disk.report().damaged[0].reason.find("compaction has removed records") != std::string::npos);
  CHECK(disk.writer().next_offset() >= Offset(11));
  CHECK(disk.log->epoch > LeaderEpoch(0));
  const Offset next = disk.writer().next_offset();
  disk.put(1);
  disk.open();
  CHECK(disk.report().damaged.size() == 1);
  CHECK(disk.writer().next_offset() == next + 1);
}

TEST_CASE("a log that was never synced leaves nothing behind when it is deleted", "[recovery]") {
  Disk disk;
  disk.open();
  disk.append(3);
  REQUIRE_OK(disk.files->root()->unlink(name_of(0)));
  disk.open();
  CHECK(disk.report().damaged.empty());
  CHECK(disk.offsets().empty());
}

TEST_CASE("a wrong leader epoch ends a log above the recovery point and is damage below it", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  const std::size_t second = disk.files->content(name_of(0))->size();
  const bool synced = GENERATE(false, true);
  disk.append(2);
  if (synced) disk.sync();
  std::string bytes = *disk.files->content(name_of(0));
  bytes[second + 15] = 1;  // outside of the CRC
  disk.files->set_content(name_of(0), bytes);
  disk.open();
  INFO(disk.report().to_string());
  const char* why = "its leader epoch is 1 instead of 0";
  if (synced) {
    REQUIRE(disk.report().damaged.size() == 1);
    CHECK(disk.report().damaged[0].from == Offset(0));  // without an index no epoch of it is certain
    CHECK(disk.report().damaged[0].to == Offset(5));
    CHECK(disk.report().damaged[0].reason.find(why) != std::string::npos);
    CHECK(disk.offsets().empty());
  } else {
    CHECK(disk.report().damaged.empty());
    CHECK(disk.report().cut_reason.find(why) != std::string::npos);
    CHECK(disk.offsets() == range(0, 3));
  }
}

TEST_CASE("after a reset of the machine the next offset is the reserved ceiling, also without a loss", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.open(true);
  CHECK(disk.report().skipped_offsets == 97);
  CHECK(disk.report().cut_bytes == 0);
  CHECK(disk.writer().next_offset() == Offset(100));
  CHECK(disk.log->epoch == LeaderEpoch(1));
  CHECK(disk.offsets() == range(0, 3));
  disk.open(true);  // nothing in the new one: it may have held something
  CHECK(disk.writer().next_offset() == Offset(200));
  CHECK(disk.log->epoch == LeaderEpoch(2));
  disk.put(1);
  disk.open();
  CHECK(disk.offsets() == Offsets{0, 1, 2, 200});
  CHECK(disk.report().skipped_offsets == 0);
}

TEST_CASE("the ceiling is never above what offsets can be lost, nor below", "[recovery]") {
  Disk disk;
  disk.open();
  for (int i = 0; i < 70; ++i) disk.put(1);  // the ceiling has moved on
  const Offset ceiling = read_sync_log(*disk.files->root(), Offset(0))->offset_ceiling;
  CHECK(ceiling > Offset(100));
  disk.open(true);
  CHECK(disk.writer().next_offset() == ceiling);
}

TEST_CASE("closed files that no manifest lists are adopted when they chain", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.put(2);
  disk.roll();
  disk.put(6);
  disk.roll();
  disk.put(1);
  disk.open();
  CHECK(disk.report().adopted_segments == 3);
  REQUIRE(disk.log->manifest.segments.size() == 3);
  CHECK(disk.log->manifest.segments[2].tombstones == 2);
  CHECK(disk.log->manifest.segments[2].facts.name.base == Offset(5));
  CHECK(disk.offsets() == range(0, 12));
  disk.open();
  CHECK(disk.report().adopted_segments == 0);
  CHECK(disk.offsets() == range(0, 12));
}

TEST_CASE("a roll that only made the new file is finished", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.open();
  CHECK(disk.report().adopted_segments == 1);
  CHECK(disk.writer().name().base == Offset(3));
  CHECK(disk.writer().position() == 0);
  CHECK(disk.offsets() == range(0, 3));
}

TEST_CASE("outputs that no step has listed and obsolete inputs are removed, with all that lies beside them",
          "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.list();
  for (const SegmentFile file : {SegmentFile::log, SegmentFile::index, SegmentFile::time_index, SegmentFile::hint})
    disk.create(name_of(0, file, 1));
  disk.create(name_of(7, SegmentFile::log, 3));
  disk.create(name_of(1));
  disk.create(name_of(1, SegmentFile::hint));
  disk.create("something.tmp");
  disk.create("notes.txt");
  Manifest manifest = disk.log->manifest;
  manifest.obsolete.push_back({Offset(1), Generation(0)});
  manifest.obsolete.push_back({Offset(0), Generation(0)});  // listed: a mistake that must not cost the file
  disk.store(manifest);
  disk.open();
  INFO(disk.report().to_string());
  CHECK(disk.report().removed.size() == 7);
  CHECK_FALSE(disk.has(name_of(0, SegmentFile::log, 1)));
  CHECK_FALSE(disk.has(name_of(7, SegmentFile::log, 3)));
  CHECK_FALSE(disk.has(name_of(1)));
  CHECK_FALSE(disk.has(name_of(1, SegmentFile::hint)));
  CHECK_FALSE(disk.has("something.tmp"));
  CHECK(disk.has("notes.txt"));
  CHECK(disk.has(name_of(0)));
  CHECK(disk.offsets() == range(0, 3));
}

TEST_CASE("a file that does not chain is set aside, never deleted", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(5);
  disk.roll();
  disk.list();
  disk.put(2);
  disk.files->set_content(name_of(3), "below the closed end");
  disk.files->set_content(name_of(9), "behind a gap");
  disk.open();
  CHECK(disk.report().set_aside == std::vector<std::string>{name_of(9), name_of(3)});
  CHECK(disk.files->content(name_of(3) + ".aside") == "below the closed end");
  CHECK(disk.files->content(name_of(9) + ".aside") == "behind a gap");
  CHECK_FALSE(disk.report().clean());
  CHECK(disk.offsets() == range(0, 7));
  disk.open();
  CHECK(disk.report().clean());
  CHECK(disk.offsets() == range(0, 7));
}

TEST_CASE("a listed file that is missing or short is a damaged range, and the rest is served", "[recovery]") {
  const bool missing = GENERATE(true, false);
  Disk disk;
  disk.open();
  for (int i = 0; i < 3; ++i) {
    disk.put(2);
    disk.roll();
  }
  disk.list();
  disk.put(1);
  if (missing)
    REQUIRE_OK(disk.files->root()->unlink(name_of(2)));
  else
    disk.files->set_content(name_of(2), disk.files->content(name_of(2))->substr(0, 70));
  disk.open();
  REQUIRE(disk.report().damaged.size() == 1);
  CHECK(disk.report().damaged[0].from == Offset(2));
  CHECK(disk.report().damaged[0].to == Offset(4));
  CHECK(disk.log->epoch == LeaderEpoch(0));
  CHECK(disk.offsets() == Offsets{0, 1, 4, 5, 6});
  disk.open();
  CHECK(disk.report().damaged.size() == 1);
}

TEST_CASE("logs without a manifest are not touched", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.log.reset();
  for (const char* name : kManifestNames) disk.files->set_content(name, "rubbish");
  disk.create(name_of(0, SegmentFile::log, 1));
  disk.create("manifest.a.tmp");
  const auto paths = disk.files->paths();
  CHECK(disk.recover().code() == Errc::corrupt_file);
  for (const char* name : kManifestNames) REQUIRE_OK(disk.files->root()->unlink(name));
  const auto gone = disk.recover();
  CHECK(gone.code() == Errc::corrupt_file);
  CHECK(gone.error().message.find("verify --repair") != std::string::npos);
  CHECK(disk.files->paths().size() == paths.size() - 2);
}

TEST_CASE("beside a sync log that says nothing a file is scanned and made certain again", "[recovery]") {
  const bool damaged = GENERATE(true, false);
  Disk disk;
  disk.open();
  disk.put(3);
  disk.put(2);
  const std::string sync = name_of(0, SegmentFile::sync);
  disk.files->set_content(sync, damaged ? std::string(70'000, 'x') : std::string());
  disk.open();
  CHECK(disk.report().rewritten_bytes > 0);
  CHECK(disk.offsets() == range(0, 5));
  CHECK(read_sync_log(*disk.files->root(), Offset(0))->durable_end == Offset(5));
  disk.open();
  CHECK(disk.report().rewritten_bytes == 0);
}

TEST_CASE("producers come from the snapshot, from the logs behind it, and from all logs when it is bad", "[recovery]") {
  const int how = GENERATE(0, 1, 2);
  Disk disk;
  disk.open();
  disk.produce(7, 0);
  disk.roll();
  disk.produce(7, 1);
  disk.produce(8, 0);
  disk.roll();
  disk.list();
  disk.produce(8, 1);
  // The snapshot covers the first segment and knows a producer that no log knows.
  ProducerState known;
  known.record(ProducerId(7), 0, 0, 1, Offset(0), Offset(0), TimestampMs(1));
  known.record(ProducerId(5), 0, 3, 1, Offset(0), Offset(0), TimestampMs(1));
  const std::string bytes = known.encode_snapshot(Offset(1));
  Manifest manifest = disk.log->manifest;
  manifest.producer_snapshot_name = producer_snapshot_filename(Offset(1));
  manifest.producer_snapshot_digest = xxh3_64(bytes);
  manifest.producer_snapshot_end = Offset(1);
  REQUIRE_OK(replace_file(*disk.files->root(), manifest.producer_snapshot_name, bytes));
  disk.store(manifest);
  if (how == 1) REQUIRE_OK(disk.files->root()->unlink(manifest.producer_snapshot_name));
  if (how == 2) disk.files->set_content(manifest.producer_snapshot_name, bytes.substr(1));
  disk.open();
  CHECK(disk.report().producers_rebuilt == (how != 0));
  const auto is_duplicate = [&](std::int64_t producer, std::int32_t sequence) {
    const auto known_batch = disk.log->producers.check(ProducerId(producer), 0, sequence, 1, disk.clock.wall_ms());
    return known_batch.ok() && known_batch->has_value();
  };
  CHECK(is_duplicate(7, 0));
  CHECK(is_duplicate(7, 1));
  CHECK(is_duplicate(8, 0));
  CHECK(is_duplicate(8, 1));
  CHECK(is_duplicate(5, 3) == (how == 0));
  CHECK_FALSE(is_duplicate(7, 2));
}

TEST_CASE("a new partition keeps to its limit of producers, like one that is opened again", "[recovery]") {
  const bool again = GENERATE(false, true);
  Disk disk;
  disk.producers.max_producers = 1;
  disk.open();
  if (again) disk.open();
  ProducerState& producers = disk.log->producers;
  producers.record(ProducerId(1), 0, 0, 1, Offset(0), Offset(0), disk.clock.wall_ms());
  CHECK(producers.check(ProducerId(2), 0, 0, 1, disk.clock.wall_ms()).code() == Errc::limit_exceeded);
}

TEST_CASE("a producer snapshot that no descriptor is left for is not given up", "[recovery]") {
  Disk disk;
  disk.open();
  disk.produce(7, 0);
  ProducerState known;
  known.record(ProducerId(5), 0, 3, 1, Offset(0), Offset(0), TimestampMs(1));
  const std::string bytes = known.encode_snapshot(Offset(0));
  Manifest manifest = disk.log->manifest;
  manifest.producer_snapshot_name = producer_snapshot_filename(Offset(0));
  manifest.producer_snapshot_digest = xxh3_64(bytes);
  REQUIRE_OK(replace_file(*disk.files->root(), manifest.producer_snapshot_name, bytes));
  disk.store(manifest);
  CHECK(disk.recover_without_descriptor(".producers") == Errc::limit_exceeded);
  disk.open();
  CHECK_FALSE(disk.report().producers_rebuilt);
  const auto duplicate = disk.log->producers.check(ProducerId(5), 0, 3, 1, disk.clock.wall_ms());
  REQUIRE_OK(duplicate);
  CHECK(duplicate->has_value());
}

TEST_CASE("a log that has gone is not forgotten for want of a descriptor to read its sync log", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.may_create = false;
  REQUIRE_OK(disk.files->root()->unlink(name_of(0)));
  CHECK(disk.recover_without_descriptor(".sync") == Errc::limit_exceeded);
  disk.open();
  REQUIRE(disk.report().damaged.size() == 1);
  CHECK(disk.report().damaged[0].to == Offset(3));
}

TEST_CASE("manifests that no descriptor is left for are not called damaged", "[recovery]") {
  const std::string which = GENERATE("manifest.a", "manifest.b");
  Disk disk;
  disk.open();
  disk.put(3);
  CHECK(disk.recover_without_descriptor(which) == Errc::limit_exceeded);
  disk.open();
  CHECK_FALSE(disk.report().manifest_repaired);
  CHECK(disk.offsets() == range(0, 3));
}

TEST_CASE("producers of sound batches behind a damaged one stay known, at every start", "[recovery]") {
  // In the active segment, or in one that was closed behind the snapshot; the damaged batch is the first or not.
  const bool closed = GENERATE(false, true);
  const int sound_before = GENERATE(0, 1);
  Disk disk;
  disk.open();
  for (int sequence = 0; sequence < sound_before; ++sequence) disk.produce(7, sequence);
  disk.produce(8, 0);
  const std::size_t end_of_damaged = disk.writer().position();
  disk.produce(7, sound_before);
  const std::size_t size = disk.writer().position();
  if (closed) {
    disk.roll();
    disk.list();
  }
  disk.damage(name_of(0), size - end_of_damaged + 1);
  for (int start = 0; start < 3; ++start) {
    disk.open();
    INFO("start " << start << ", closed " << closed << ", sound before " << sound_before);
    const auto check = [&](std::int64_t producer, std::int32_t sequence) {
      return disk.log->producers.check(ProducerId(producer), 0, sequence, 1, disk.clock.wall_ms());
    };
    ByteBuffer bytes;
    const Offset behind(sound_before + 1);
    REQUIRE_OK(disk.log->closed[0]->read_batches(behind, behind + 1, 1, bytes));
    CHECK_FALSE(bytes.empty());
    for (std::int32_t sequence = 0; sequence <= sound_before; ++sequence) {
      INFO("sequence " << sequence);
      const auto known = check(7, sequence);
      REQUIRE_OK(known);
      REQUIRE(known->has_value());
      CHECK((*known)->first_offset == (sequence < sound_before ? Offset(sequence) : behind));
    }
    // Nothing is left that tells of this one.
    const auto lost = check(8, 0);
    REQUIRE_OK(lost);
    CHECK_FALSE(lost->has_value());
  }
}

TEST_CASE("what was appended after the last sync has the time of the restart", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(1);
  const TimestampMs first = disk.clock.wall_ms();
  disk.clock.wall += 400'000;
  disk.append(1);
  disk.clock.wall += 50;
  disk.open();
  REQUIRE(disk.log->closed.size() == 1);
  CHECK(disk.log->closed[0]->facts().last_append == first);
  CHECK(disk.writer().facts().first_append == first);  // not before, for all that is known
  CHECK(disk.writer().facts().last_append == disk.clock.wall_ms());
  CHECK(disk.log->append_clock.time == disk.clock.wall_ms());
}

TEST_CASE("recovery that is itself interrupted at any point comes to the same end", "[recovery]") {
  const int story = GENERATE(0, 1, 2, 3, 4, 5);
  Disk disk;
  disk.open();
  disk.put(3);
  Offsets expected;
  bool reset = false;
  switch (story) {
    case 0:  // an unsynced tail
      disk.append(2);
      expected = range(0, 5);
      break;
    case 1:  // a torn one
      disk.append(2);
      disk.append(2);
      disk.damage(name_of(0), 3);
      expected = range(0, 5);
      break;
    case 2:  // damage
      disk.put(2);
      disk.damage(name_of(0), 3);
      expected = range(0, 3);
      break;
    case 3:  // a chain, leftovers, a stranger
      disk.roll();
      disk.put(2);
      disk.roll();
      disk.append(1);
      disk.create(name_of(0, SegmentFile::log, 2));
      disk.create(name_of(77));
      expected = range(0, 6);
      break;
    case 4:  // a machine that was reset
      reset = true;
      expected = range(0, 3);
      break;
    default:  // a damaged manifest copy
      disk.roll();
      disk.list();
      disk.put(2);
      disk.files->set_content("manifest.a", "rubbish");
      expected = range(0, 5);
  }
  INFO("story " << story);
  disk.log.reset();
  const auto image = disk.files->clone();
  Disk whole(image->clone());
  whole.open(reset);
  REQUIRE(whole.offsets() == expected);
  const Offset next = whole.writer().next_offset();
  std::size_t images = 0;
  for (const CrashProfile profile : {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst}) {
    CrashStates states(*whole.files, profile, test_seed());
    while (auto crash = states.next()) {
      INFO(crash->description);
      Disk again(std::move(crash->image));
      again.open(true);
      INFO(again.report().to_string());
      REQUIRE(again.offsets() == expected);
      REQUIRE(again.writer().next_offset() >= next);
      REQUIRE(again.report().damaged.size() == whole.report().damaged.size());
      ++images;
      // And once more, now in peace.
      const Offset end = again.writer().next_offset();
      again.open();
      REQUIRE(again.offsets() == expected);
      REQUIRE(again.writer().next_offset() == end);
      REQUIRE(again.report().cut_bytes == 0);
      REQUIRE(again.report().rewritten_bytes == 0);
    }
  }
  CHECK(images > 20);
}

TEST_CASE("a partition whose files have all gone is no new one", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.log.reset();
  disk.may_create = false;
  const auto files = disk.files->root()->list();
  REQUIRE_OK(files);
  for (const auto& file : *files) REQUIRE_OK(disk.files->root()->unlink(file.name));
  const auto refused = disk.recover();
  REQUIRE(refused.code() == Errc::corrupt_file);
  CHECK(refused.error().message.find("manifest.a") != std::string::npos);
  CHECK(disk.files->root()->list()->empty());
}

TEST_CASE("a partition whose active log has gone with its sync log is no empty one", "[recovery]") {
  const bool rolled = GENERATE(false, true);
  Disk disk;
  disk.open();
  disk.put(3);
  if (rolled) {
    disk.roll();
    disk.list();
    disk.put(2);
  }
  const std::int64_t base = rolled ? 3 : 0;
  disk.log.reset();
  disk.may_create = false;
  for (const SegmentFile file : {SegmentFile::log, SegmentFile::sync})
    REQUIRE_OK(disk.files->root()->unlink(name_of(base, file)));
  const auto refused = disk.recover();
  REQUIRE(refused.code() == Errc::corrupt_file);
  CHECK(refused.error().message.find(name_of(base)) != std::string::npos);
  // What the message offers.
  disk.create(name_of(base));
  disk.open();
  CHECK(disk.offsets() == range(0, base));
}

TEST_CASE("a log that goes on behind a hole at the manifest's end is not set aside for a new one", "[recovery]") {
  Disk disk;
  disk.open();
  disk.put(3);
  disk.roll();
  disk.put(2);
  disk.log.reset();
  disk.may_create = false;
  for (const SegmentFile file : {SegmentFile::log, SegmentFile::sync})
    REQUIRE_OK(disk.files->root()->unlink(name_of(0, file)));
  REQUIRE(disk.recover().code() == Errc::corrupt_file);
  CHECK(disk.has(name_of(3)));
}
