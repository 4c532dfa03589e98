#include "partition/manifest.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/format_1.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

const PartitionIdentity kManifestOwner = [] {
  PartitionIdentity owner;
  owner.topic.bytes.fill(9);
  owner.partition = PartitionId(4);
  return owner;
}();

Manifest sample_manifest(std::uint64_t generation = 3) {
  Manifest m;
  m.owner = kManifestOwner;
  m.format_1_through = Offset(60);
  m.runs = RunHistory({{RunId(77), Offset(0)}, {RunId(78), Offset(33)}});
  m.generation = generation;
  m.log_start_offset = Offset(7);
  m.tombstone_horizon = Offset(5);
  m.dropped_end = Offset(2);
  m.judged_end = Offset(120);
  m.append_clock = {TimestampMs(1'700'000'000'123)};
  m.append_clock.allowance_ms = 555;
  m.append_clock.ahead_ms = 6;
  m.producer_snapshot_name = "00000000000000000100.producers";
  m.producer_snapshot_digest = 0x1122334455667788;
  m.producer_snapshot_end = Offset(100);
  for (int i = 0; i < 3; ++i) {
    ManifestSegment s;
    s.facts.name = {Offset(10 + 30 * i), Generation(static_cast<std::uint32_t>(i))};
    s.facts.next_offset = Offset(30 + 30 * i);
    s.end_offset = Offset(35 + 30 * i);
    s.facts.size_bytes = 1000 + static_cast<std::uint64_t>(i);
    s.facts.digest = 42;
    s.facts.batches = 5;
    s.facts.records = 20;
    s.tombstones = 4;
    s.facts.max_timestamp = TimestampMs(9);
    s.facts.first_append = TimestampMs(1);
    s.facts.last_append = TimestampMs(8);
    s.compacted_through = Offset(50);
    m.segments.push_back(s);
  }
  m.clean_through = {{Offset(10), TimestampMs(4)}, {Offset(20), TimestampMs(6)}};
  m.epochs = {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(33)}};
  m.damaged = {{Offset(40), Offset(50), "a file is missing"}};
  m.obsolete = {{Offset(0), Generation(0)}, {Offset(10), Generation(1)}};
  return m;
}

}  // namespace

TEST_CASE("a manifest says after decoding what it said before", "[manifest]") {
  const auto decoded = decode_manifest(encode_manifest(sample_manifest()));
  REQUIRE_OK(decoded);
  CHECK(*decoded == sample_manifest());
  CHECK(decoded->closed_end() == Offset(95));
  Manifest empty;
  empty.epochs.push_back({LeaderEpoch(0), Offset(0)});
  empty.dropped_end = Offset(12);
  REQUIRE_OK(decode_manifest(encode_manifest(empty)));
  CHECK(decode_manifest(encode_manifest(empty))->closed_end() == Offset(12));
}

TEST_CASE("no flipped byte, cut or addition passes for a manifest", "[manifest]") {
  const std::string good = encode_manifest(sample_manifest());
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int bit : {0, 3, 7}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      INFO("byte " << i << " bit " << bit);
      REQUIRE_FALSE(decode_manifest(bad).ok());
    }
  for (std::size_t size = 0; size < good.size(); ++size) REQUIRE_FALSE(decode_manifest(good.substr(0, size)).ok());
  CHECK_FALSE(decode_manifest(good + std::string(1, '\0')).ok());
  CHECK_FALSE(decode_manifest(std::string(1000, '\0')).ok());
}

TEST_CASE("a manifest that contradicts itself is refused although its checksum holds", "[manifest]") {
  Manifest overlapping = sample_manifest();
  overlapping.segments[1].facts.name.base = Offset(34);
  CHECK(decode_manifest(encode_manifest(overlapping)).code() == Errc::corrupt_file);
  Manifest backwards = sample_manifest();
  backwards.segments[0].end_offset = Offset(29);
  CHECK(decode_manifest(encode_manifest(backwards)).code() == Errc::corrupt_file);
  Manifest below = sample_manifest();
  below.dropped_end = Offset(11);
  CHECK(decode_manifest(encode_manifest(below)).code() == Errc::corrupt_file);
  Manifest no_epoch = sample_manifest();
  no_epoch.epochs.clear();
  CHECK(decode_manifest(encode_manifest(no_epoch)).code() == Errc::corrupt_file);
}

TEST_CASE("a manifest of version 1 is read: what was rewritten then had been judged by closed segments", "[manifest]") {
  Manifest old = sample_manifest();
  old.owner.reset();  // written as version 1
  const auto decoded = decode_manifest(encode_manifest(old));
  REQUIRE_OK(decoded);
  CHECK_FALSE(decoded->owner);
  CHECK(decoded->judged_end == old.closed_end());
}

TEST_CASE("a lost, damaged or older copy is written again from the other", "[manifest]") {
  const int which = GENERATE(0, 1);
  const int how = GENERATE(0, 1, 2, 3, 4);
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest(2)));
  const std::string old = encode_manifest(sample_manifest(2));
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest(3)));
  const std::string name = kManifestNames[which];
  const std::string good = *files.content(name);
  if (how == 0) REQUIRE_OK(files.root()->unlink(name));
  if (how == 1) files.set_content(name, "");
  if (how == 2) files.set_content(name, good.substr(0, good.size() / 2));
  if (how == 3) files.set_content(name, good + "x");
  if (how == 4) files.set_content(name, old);
  INFO(name << ", way " << how);
  bool repaired = false;
  const auto loaded = load_manifest(*files.root(), kManifestOwner, repaired);
  REQUIRE_OK(loaded);
  REQUIRE(loaded->has_value());
  CHECK(**loaded == sample_manifest(3));
  CHECK(repaired);
  CHECK(files.content(kManifestNames[0]) == good);
  CHECK(files.content(kManifestNames[1]) == good);
  REQUIRE_OK(load_manifest(*files.root(), kManifestOwner, repaired));
  CHECK_FALSE(repaired);
}

TEST_CASE("two unreadable copies are an error that deletes nothing, none at all is a new partition", "[manifest]") {
  MemoryFileSystem files;
  bool repaired = false;
  const auto none = load_manifest(*files.root(), kManifestOwner, repaired);
  REQUIRE_OK(none);
  CHECK_FALSE(none->has_value());
  REQUIRE_OK(files.root()->open("manifest.a", OpenMode::create_new));
  REQUIRE_OK(files.root()->open("manifest.b", OpenMode::create_new));
  const auto both = load_manifest(*files.root(), kManifestOwner, repaired);
  CHECK(both.code() == Errc::corrupt_file);
  CHECK(both.error().message.find("verify --repair") != std::string::npos);
  CHECK(files.paths().size() == 2);
  // Only one is there, and it is bad.
  REQUIRE_OK(files.root()->unlink("manifest.b"));
  CHECK(load_manifest(*files.root(), kManifestOwner, repaired).code() == Errc::corrupt_file);
}

TEST_CASE("a manifest of a newer format is named as such, whatever the other copy says", "[manifest]") {
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest()));
  std::string newer = *files.content("manifest.b");
  newer[5] = 9;  // version
  const std::string body = newer.substr(0, newer.size() - 4);
  std::string with_crc = body;
  ByteWriter(with_crc).fixed(crc32c(body));
  files.set_content("manifest.b", with_crc);
  bool repaired = false;
  CHECK(load_manifest(*files.root(), kManifestOwner, repaired).code() == Errc::unsupported_version);
}

TEST_CASE("whatever a crash leaves of a manifest step, the old or the new one is loaded", "[manifest]") {
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest(1)));
  files.settle();
  for (std::uint64_t generation = 2; generation <= 4; ++generation) {
    REQUIRE_OK(store_manifest(*files.root(), sample_manifest(generation)));
    files.mark(std::to_string(generation));
  }
  for (const CrashProfile profile : {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst}) {
    CrashStates states(files, profile, test_seed());
    while (auto crash = states.next()) {
      INFO(crash->description);
      bool repaired = false;
      const auto loaded = load_manifest(*crash->image->root(), kManifestOwner, repaired);
      REQUIRE_OK(loaded);
      REQUIRE(loaded->has_value());
      REQUIRE((*loaded)->generation >= crash->marks + 1);
      REQUIRE((*loaded)->generation <= crash->marks + 2);
      REQUIRE(**loaded == sample_manifest((*loaded)->generation));
    }
    CHECK(states.count() > 20);
  }
}

TEST_CASE("a manifest of format 1 is read, and written again as it was while it names nobody", "[manifest]") {
  const std::string old = format_1_manifest(sample_manifest());
  CHECK(old.substr(4, 2) == std::string("\0\1", 2));
  CHECK(encode_manifest(sample_manifest()).substr(4, 2) == std::string("\0\2", 2));
  const auto decoded = decode_manifest(old);
  REQUIRE_OK(decoded);
  CHECK_FALSE(decoded->owner.has_value());
  CHECK(decoded->segments == sample_manifest().segments);
  CHECK(decoded->append_clock.time == sample_manifest().append_clock.time);
  CHECK(decoded->append_clock.allowance_ms == kUnknownAllowance);
  CHECK(decoded->runs.runs().empty());
  CHECK(encode_manifest(*decoded) == old);
}

TEST_CASE("a manifest of another partition is named and changes nothing", "[manifest]") {
  const std::string which = GENERATE("manifest.a", "manifest.b");
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest()));
  Manifest foreign = sample_manifest(9);
  foreign.owner->partition = PartitionId(5);
  files.set_content(which, encode_manifest(foreign));
  bool repaired = false;
  const auto loaded = load_manifest(*files.root(), kManifestOwner, repaired);
  REQUIRE(loaded.code() == Errc::foreign_file);
  CHECK(loaded.error().message.find(which) != std::string::npos);
  CHECK(loaded.error().message.find(foreign.owner->to_string()) != std::string::npos);
  CHECK(*files.content(which) == encode_manifest(foreign));
}

TEST_CASE("a manifest that may not be read is not called damaged, and its other copy is not taken for the newest",
          "[manifest]") {
  const std::string which = GENERATE("manifest.a", "manifest.b", "manifest.");
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest()));
  Fault fault;
  fault.kinds = {OperationKind::open};
  fault.error_number = EACCES;
  fault.path_part = which;
  fault.sticky = true;
  files.fail(fault);
  bool repaired = false;
  const auto loaded = load_manifest(*files.root(), kManifestOwner, repaired);
  REQUIRE(loaded.code() == Errc::permission_denied);
  CHECK(loaded.error().message.find("--repair") == std::string::npos);
  CHECK_FALSE(repaired);
}

TEST_CASE("manifests that the disk gives neither of are not offered for repair", "[manifest]") {
  MemoryFileSystem files;
  REQUIRE_OK(store_manifest(*files.root(), sample_manifest()));
  Fault fault;
  fault.kinds = {OperationKind::open};
  fault.error_number = EIO;
  fault.path_part = "manifest.";
  fault.sticky = true;
  files.fail(fault);
  bool repaired = false;
  const auto loaded = load_manifest(*files.root(), kManifestOwner, repaired);
  REQUIRE(loaded.code() == Errc::io_error);
  CHECK(loaded.error().message.find("--repair") == std::string::npos);
}
