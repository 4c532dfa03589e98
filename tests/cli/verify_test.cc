#include <algorithm>
#include <map>

#include "cli/manifest_heal.h"
#include "cli/manifest_rebuild.h"
#include "cli/partition_check.h"
#include "segment/filename.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::cli;
using namespace logcask::testing;

namespace {

PartitionConfig small_segments() {
  PartitionConfig config;
  config.segment_bytes = 2048;
  return config;
}

// Three hundred writes of fifty keys and a delete, over many segments, cleanly closed.
std::unique_ptr<MemoryFileSystem> written_disk() {
  PartitionFixture partition(small_segments());
  for (int i = 0; i < 300; ++i) partition.put("key-" + std::to_string(i % 50), "value-" + std::to_string(i));
  partition.remove("key-7");
  partition.restart();
  return partition.disk().clone();
}

std::map<std::string, std::string> live_state(PartitionFixture& partition) {
  std::map<std::string, std::string> state;
  for (const auto& record : partition.replay_live()) {
    if (record.value)
      state[record.key] = *record.value;
    else
      state.erase(record.key);
  }
  return state;
}

// The partition's directory, wherever the fixture put it.
std::shared_ptr<Directory> partition_directory(MemoryFileSystem& disk) { return disk.root(); }

std::string first_closed_log(MemoryFileSystem& disk) {
  auto check = check_partition(partition_directory(disk), "p", std::nullopt);
  REQUIRE_OK(check);
  REQUIRE(check->manifest.has_value());
  REQUIRE(!check->manifest->segments.empty());
  return segment_filename(check->manifest->segments.front().facts.name, SegmentFile::log);
}

std::string flipped(std::string content, std::size_t at) {
  content[at] = static_cast<char>(content[at] ^ 1);
  return content;
}

PartitionCheck check(MemoryFileSystem& disk) {
  auto checked = check_partition(partition_directory(disk), "p", std::nullopt);
  REQUIRE_OK(checked);
  for (const auto& finding : checked->findings) UNSCOPED_INFO(finding.file << ": " << finding.what);
  return std::move(*checked);
}

}  // namespace

TEST_CASE("verify finds nothing to complain about in a partition that was closed in order") {
  const auto disk = written_disk();
  const PartitionCheck checked = check(*disk);
  CHECK(!checked.has(Finding::Kind::damage));
  CHECK(!checked.has(Finding::Kind::manifest));
  CHECK(checked.records == 301);
  CHECK(checked.segments > 5);
}

TEST_CASE("verify names the file of any flipped byte of a closed log") {
  const auto disk = written_disk();
  const std::string name = first_closed_log(*disk);
  const std::string good = *disk->content(name);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    INFO("byte " << at << " of " << name);
    disk->set_content(name, flipped(good, at));
    const PartitionCheck checked = check(*disk);
    REQUIRE(checked.has(Finding::Kind::damage));
    CHECK(checked.findings.front().file == name);
  }
}

TEST_CASE("verify names a closed log that is missing its end") {
  const auto disk = written_disk();
  const std::string name = first_closed_log(*disk);
  const std::string good = *disk->content(name);
  disk->set_content(name, good.substr(0, good.size() / 2));
  CHECK(check(*disk).has(Finding::Kind::damage));
}

TEST_CASE("a partition whose manifests are both lost is rebuilt from its logs and serves the same state") {
  const auto disk = written_disk();
  PartitionFixture before(disk->clone(), small_segments());
  const auto wanted = live_state(before);
  REQUIRE(wanted.size() == 49);

  for (const char* name : kManifestNames) disk->set_content(name, "garbage");
  CHECK(check(*disk).has(Finding::Kind::manifest));
  auto report = rebuild_manifest(partition_directory(*disk), std::nullopt);
  REQUIRE_OK(report);
  CHECK(report->set_aside.empty());
  CHECK(report->manifest.log_start_offset == Offset(0));
  const PartitionCheck after = check(*disk);
  CHECK(!after.has(Finding::Kind::damage));
  CHECK(!after.has(Finding::Kind::manifest));
  CHECK(after.records == 301);

  PartitionFixture rebuilt(disk->clone(), small_segments());
  CHECK(live_state(rebuilt) == wanted);
  CHECK(rebuilt.get("key-7").status == LookupAnswer::Status::deleted);
  const AppendResult appended = rebuilt.put("key-7", "again");
  REQUIRE_OK(appended.error);
  CHECK(appended.base_offset >= Offset(301));
}

TEST_CASE("rebuilding keeps what an output of compaction replaces when both are there, and deletes nothing") {
  const auto disk = written_disk();
  const std::string name = first_closed_log(*disk);
  // A rewrite of the first segment that was under way: its bytes under the next generation, cut short.
  const std::string output = segment_filename({Offset(0), Generation(1)}, SegmentFile::log);
  const std::string bytes = *disk->content(name);
  disk->set_content(output, bytes.substr(0, bytes.size() / 2));
  for (const char* manifest : kManifestNames) disk->set_content(manifest, "");
  auto report = rebuild_manifest(partition_directory(*disk), std::nullopt);
  REQUIRE_OK(report);
  CHECK(report->set_aside == std::vector<std::string>{output});
  CHECK(disk->content(output + ".aside").has_value());
  PartitionFixture rebuilt(disk->clone(), small_segments());
  CHECK(live_state(rebuilt).size() == 49);
}

TEST_CASE("a manifest that is made anew keeps the highest log start that anything on disk proves") {
  const bool sync_log_too = GENERATE(false, true);
  PartitionFixture fixture;
  for (int i = 0; i < 8; ++i) CHECK(fixture.put("k" + std::to_string(i), "v").error.ok());
  REQUIRE_OK(fixture.partition().delete_records(Offset(5)));
  fixture.kill();
  auto disk = fixture.disk().clone();
  for (const char* name : kManifestNames) REQUIRE_OK(disk->root()->unlink(name));
  const std::string sync_log = segment_filename({Offset(0), Generation(0)}, SegmentFile::sync);
  if (sync_log_too) REQUIRE_OK(disk->root()->unlink(sync_log));
  const auto report = rebuild_manifest(partition_directory(*disk), std::nullopt);
  REQUIRE_OK(report);
  if (sync_log_too) {
    CHECK(report->manifest.log_start_offset == Offset(0));
    CHECK(report->log_start_proof.find("may be back") != std::string::npos);
    // Without its sync log the log would be nobody's.
    PartitionFixture rebuilt(std::move(disk), {});
    CHECK(rebuilt.fetch_all(Offset(0)).size() == 8);
    return;
  }
  CHECK(report->manifest.log_start_offset == Offset(5));
  PartitionFixture rebuilt(std::move(disk), {});
  CHECK(rebuilt.fetch_all(Offset(5)).size() == 3);
  CHECK(rebuilt.get("k4").status == LookupAnswer::Status::absent);
  CHECK(rebuilt.get("k5").status == LookupAnswer::Status::found);
}

TEST_CASE("repair makes nothing in place of what it cannot read") {
  const std::string which = GENERATE("manifest.a", "manifest.", ".sync");
  PartitionFixture fixture;
  for (int i = 0; i < 3; ++i) CHECK(fixture.put("k" + std::to_string(i), "v").error.ok());
  fixture.kill();
  auto disk = fixture.disk().clone();
  if (which == ".sync")
    for (const char* name : kManifestNames) REQUIRE_OK(disk->root()->unlink(name));
  Fault fault;
  fault.kinds = {OperationKind::open};
  fault.error_number = EACCES;
  fault.path_part = which;
  fault.sticky = true;
  disk->fail(fault);
  const auto paths = disk->paths();
  const auto check = check_partition(partition_directory(*disk), "p", std::nullopt);
  REQUIRE_OK(check);
  CHECK(check->has(Finding::Kind::unread));
  CHECK(check->has(Finding::Kind::manifest) == (which == ".sync"));
  const auto report = rebuild_manifest(partition_directory(*disk), std::nullopt);
  CHECK(report.code() == Errc::permission_denied);
  CHECK(disk->paths() == paths);
}

TEST_CASE("verify names files of another partition") {
  PartitionFixture fixture;
  for (int i = 0; i < 3; ++i) CHECK(fixture.put("k" + std::to_string(i), "v").error.ok());
  fixture.kill();
  auto disk = fixture.disk().clone();
  PartitionIdentity other;
  other.partition = PartitionId(7);
  const auto check = check_partition(partition_directory(*disk), "p", other);
  REQUIRE_OK(check);
  CHECK(check->has(Finding::Kind::damage));
  CHECK_FALSE(check->has(Finding::Kind::manifest));
  CHECK(rebuild_manifest(partition_directory(*disk), other).code() == Errc::foreign_file);
}

TEST_CASE("a rebuilt manifest lists what is broken as damaged instead of passing over it") {
  const auto disk = written_disk();
  const std::string name = first_closed_log(*disk);
  const std::string good = *disk->content(name);
  disk->set_content(name, flipped(good, good.size() / 2));
  for (const char* manifest : kManifestNames) disk->set_content(manifest, "");
  auto report = rebuild_manifest(partition_directory(*disk), std::nullopt);
  REQUIRE_OK(report);
  REQUIRE(report->manifest.damaged.size() == 1);
  CHECK(report->manifest.damaged[0].reason.find(name) != std::string::npos);
  CHECK(disk->content(name)->size() == good.size());
  CHECK(check(*disk).has(Finding::Kind::damage));
}

TEST_CASE("a log that was damaged while it was active heals when it is restored, with its keys", "[verify]") {
  const auto disk = written_disk();
  // With a tombstone, which nobody had counted.
  const std::map<std::string, std::string> before = [&] {
    PartitionFixture partition(disk->clone(), small_segments());
    return live_state(partition);
  }();
  const std::string active = segment_filename({check(*disk).manifest->closed_end(), Generation(0)}, SegmentFile::log);
  const std::string good = *disk->content(active);
  disk->set_content(active, flipped(good, good.size() / 2));
  auto written = [&] {
    PartitionFixture partition(disk->clone(), small_segments());
    REQUIRE(partition.partition().snapshot().problems.size() == 1);
    partition.put("after", "the damage");
    partition.restart();
    return partition.disk().clone();
  }();
  CHECK(check(*written).has(Finding::Kind::damage));
  written->set_content(active, good);
  const PartitionCheck restored = check(*written);
  CHECK_FALSE(restored.has(Finding::Kind::damage));
  REQUIRE(restored.has(Finding::Kind::manifest));
  REQUIRE(restored.restored.size() == 1);
  Manifest manifest = *restored.manifest;
  REQUIRE_OK(forget_healed(partition_directory(*written), restored, manifest));
  CHECK(manifest.damaged.empty());
  CHECK(manifest.segments.back().facts.records == 11);
  CHECK(manifest.segments.back().tombstones == 1);
  ++manifest.generation;
  REQUIRE_OK(store_manifest(*partition_directory(*written), manifest));
  const PartitionCheck healed = check(*written);
  CHECK_FALSE(healed.has(Finding::Kind::damage));
  CHECK_FALSE(healed.has(Finding::Kind::manifest));
  PartitionFixture partition(std::move(written), small_segments());
  CHECK(partition.partition().snapshot().problems.empty());
  std::map<std::string, std::string> after = live_state(partition);
  CHECK(after.erase("after") == 1);
  CHECK(after == before);
  for (const auto& [key, value] : before) CHECK(partition.get(key).value == value);
}

TEST_CASE("verify finds an active log that is gone, and one whose leader epoch is wrong") {
  const auto disk = written_disk();
  const PartitionCheck sound = check(*disk);
  const std::string active = segment_filename({sound.manifest->closed_end(), Generation(0)}, SegmentFile::log);
  const std::string good = *disk->content(active);
  REQUIRE(!good.empty());
  disk->set_content(active, flipped(good, 15));  // outside of every CRC
  CHECK(check(*disk).has(Finding::Kind::damage));
  REQUIRE_OK(disk->root()->unlink(active));
  const PartitionCheck gone = check(*disk);
  REQUIRE(gone.has(Finding::Kind::damage));
  CHECK(std::any_of(gone.findings.begin(), gone.findings.end(),
                    [&](const Finding& f) { return f.kind == Finding::Kind::damage && f.file == active; }));
}

TEST_CASE("verify finds an active log that has lost what compaction judged by") {
  const auto disk = written_disk();
  Manifest manifest = *check(*disk).manifest;
  const auto lost = [&](Offset judged_end) {
    manifest.judged_end = judged_end;
    REQUIRE_OK(store_manifest(*disk->root(), manifest));
    return check(*disk).has(Finding::Kind::damage);
  };
  CHECK_FALSE(lost(manifest.closed_end()));
  CHECK(lost(Offset(1'000'000)));
}

TEST_CASE("verify names a log that holds records and has no sync log, as the start refuses it") {
  PartitionFixture fixture;
  for (int i = 0; i < 3; ++i) CHECK(fixture.put("k" + std::to_string(i), "v").error.ok());
  fixture.kill();
  const std::string sync_log = segment_filename({Offset(0), Generation(0)}, SegmentFile::sync);
  REQUIRE_OK(fixture.disk().root()->unlink(sync_log));
  const PartitionCheck without = check(fixture.disk());
  REQUIRE(without.has(Finding::Kind::damage));
  CHECK(without.findings[0].file == sync_log);
  fixture.disk().set_content(sync_log, "");
  CHECK_FALSE(check(fixture.disk()).has(Finding::Kind::damage));
}

TEST_CASE("verify finds partitions whose files or active log have gone") {
  const auto disk = written_disk();
  const PartitionCheck sound = check(*disk);
  const Offset end = sound.manifest->closed_end();
  std::string active;
  const auto files = disk->root()->list();
  REQUIRE_OK(files);
  for (const auto& file : *files)
    if (const auto parsed = parse_segment_filename(file.name);
        parsed && parsed->file == SegmentFile::log && parsed->name.base == end)
      active = file.name;
  REQUIRE(!active.empty());
  REQUIRE_OK(disk->root()->unlink(active));
  REQUIRE_OK(disk->root()->unlink(segment_filename({end, Generation(0)}, SegmentFile::sync)));
  const PartitionCheck without_active = check(*disk);
  REQUIRE(without_active.has(Finding::Kind::damage));
  CHECK(without_active.findings[0].file == active);
  const auto rest = disk->root()->list();
  REQUIRE_OK(rest);
  for (const auto& file : *rest) REQUIRE_OK(disk->root()->unlink(file.name));
  CHECK(check(*disk).has(Finding::Kind::damage));
}
