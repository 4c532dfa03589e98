#include "segment/hint_file.h"

#include <algorithm>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

constexpr SegmentName kHintedName{Offset(1000), Generation(0)};

std::vector<HintEntry> make_entries(std::size_t count) {
  Random random(test_seed());
  std::vector<HintEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    entries.push_back(HintEntry::make({random.next(), random.next()}, kHintedName.base,
                                      kHintedName.base + static_cast<std::int64_t>(i),
                                      static_cast<std::uint32_t>(i % 5000), random.one_in(3)));
  }
  // The order in which a hint gives them back.
  std::sort(entries.begin(), entries.end(),
            [](const HintEntry& a, const HintEntry& b) { return a.identity() < b.identity(); });
  return entries;
}

HintHeader make_header() {
  HintHeader header;
  header.name = kHintedName;
  header.covered_position = 123456;
  header.covered_next = Offset(2000);
  header.digest = 77;
  header.secret_fingerprint = 88;
  header.records = 5000;
  header.record_bytes = 99999;
  header.tombstones = 12;
  header.max_timestamp = TimestampMs(1700000000000);
  return header;
}

void write_hint(std::shared_ptr<Directory> directory, const std::vector<HintEntry>& entries, std::size_t step) {
  auto writer = HintWriter::create(directory, kHintedName);
  REQUIRE_OK(writer);
  for (std::size_t at = 0; at < entries.size(); at += step)
    REQUIRE_OK((*writer)->add(std::span(entries).subspan(at, std::min(step, entries.size() - at))));
  REQUIRE_OK((*writer)->finish(make_header()));
}

// What the hint yields before it ends or fails.
Status read_hint(Directory& directory, std::vector<HintEntry>& out) {
  auto reader = HintReader::open(directory, kHintedName);
  if (!reader.ok()) return reader.error();
  return reader->read([&](std::span<const HintEntry> block) -> Status {
    out.insert(out.end(), block.begin(), block.end());
    return {};
  });
}

TEST_CASE("a hint gives back its entries and header, whatever their number") {
  const std::size_t count = GENERATE(0, 1, 100, 8191, 8192, 8193, 30000);
  CAPTURE(count);
  MemoryFileSystem files;
  const auto entries = make_entries(count);
  write_hint(files.root(), entries, 777);
  std::vector<HintEntry> read;
  REQUIRE_OK(read_hint(*files.root(), read));
  REQUIRE(read == entries);
  HintHeader expected = make_header();
  expected.entries = count;
  REQUIRE(HintReader::open(*files.root(), kHintedName)->header() == expected);
  REQUIRE(files.paths().size() == 1);
}

TEST_CASE("entries come back sorted by identity, whatever order they were added in") {
  MemoryFileSystem files;
  const auto entries = make_entries(20000);
  write_hint(files.root(), {entries.rbegin(), entries.rend()}, 777);
  std::vector<HintEntry> read;
  REQUIRE_OK(read_hint(*files.root(), read));
  REQUIRE(read == entries);
}

TEST_CASE("an entry keeps identity, offset, size and tombstone in 24 bytes") {
  const HintEntry entry =
      HintEntry::make({0xfedcba9876543210, 42}, Offset(5), Offset(5 + kMaxSegmentSpan), 0x7fffffff, true);
  REQUIRE(entry.identity() == KeyIdentity{0xfedcba9876543210, 42});
  REQUIRE(entry.offset(Offset(5)) == Offset(5 + kMaxSegmentSpan));
  REQUIRE(entry.encoded_bytes() == 0x7fffffff);
  REQUIRE(entry.tombstone());
  REQUIRE(!HintEntry::make({1, 2}, Offset(5), Offset(5), 7, false).tombstone());
}

TEST_CASE("a hint with any bit flipped or cut anywhere is refused, and never yields a wrong entry") {
  MemoryFileSystem files;
  const auto entries = make_entries(20);
  write_hint(files.root(), entries, 100);
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  std::vector<HintEntry> read;
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    std::string damaged = sound;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    files.set_content(name, damaged);
    CAPTURE(bit);
    read.clear();
    REQUIRE(read_hint(*files.root(), read).code() == Errc::corrupt_file);
    REQUIRE(read.empty());
  }
  for (std::size_t size = 0; size < sound.size(); ++size) {
    files.set_content(name, sound.substr(0, size));
    REQUIRE(read_hint(*files.root(), read).code() == Errc::corrupt_file);
  }
  files.set_content(name, sound + "x");
  REQUIRE(read_hint(*files.root(), read).code() == Errc::corrupt_file);
}

TEST_CASE("blocks that changed places, or belong to another hint, are refused") {
  MemoryFileSystem files;
  write_hint(files.root(), make_entries(2 * kHintBlockEntries), 4000);
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  constexpr std::size_t kBlock = kHintBlockEntries * 24 + 8;
  files.set_content(name, sound.substr(0, 128) + sound.substr(128 + kBlock) + sound.substr(128, kBlock));
  std::vector<HintEntry> read;
  REQUIRE(read_hint(*files.root(), read).code() == Errc::corrupt_file);
  REQUIRE(read.empty());
  // Renamed to another segment.
  files.set_content("00000000000000001000.3.hint", sound);
  REQUIRE(HintReader::open(*files.root(), {Offset(1000), Generation(3)}).code() == Errc::corrupt_file);
  REQUIRE(HintReader::open(*files.root(), {Offset(1), Generation(0)}).code() == Errc::not_found);
}

TEST_CASE("an unfinished hint leaves nothing, and a new one replaces the old one whole") {
  MemoryFileSystem files;
  {
    auto writer = HintWriter::create(files.root(), kHintedName);
    REQUIRE_OK(writer);
    REQUIRE_OK((*writer)->add(make_entries(10)));
  }
  REQUIRE(files.paths().empty());
  const auto old_entries = make_entries(5);
  write_hint(files.root(), old_entries, 5);
  REQUIRE_OK(files.root()->sync());
  files.settle();
  const auto new_entries = make_entries(9000);
  write_hint(files.root(), new_entries, 3000);
  CrashStates states(files, CrashProfile::worst, test_seed());
  std::size_t old_seen = 0;
  std::size_t new_seen = 0;
  while (auto crash = states.next()) {
    INFO(crash->description);
    std::vector<HintEntry> read;
    REQUIRE_OK(read_hint(*crash->image->root(), read));
    REQUIRE((read == old_entries || read == new_entries));
    ++(read == old_entries ? old_seen : new_seen);
  }
  REQUIRE(old_seen > 0);
  REQUIRE(new_seen > 0);
}

TEST_CASE("a failing disk fails the hint, and an error of the taker ends the reading") {
  for (std::uint64_t nth = 1; nth <= 6; ++nth) {
    MemoryFileSystem files;
    Fault fault;
    fault.nth = nth;
    files.fail(fault);
    auto writer = HintWriter::create(files.root(), kHintedName);
    if (!writer.ok()) continue;
    Status status = (*writer)->add(make_entries(9000));
    if (status.ok()) status = (*writer)->finish(make_header());
    std::vector<HintEntry> read;
    if (status.ok())
      REQUIRE_OK(read_hint(*files.root(), read));
    else
      REQUIRE(read_hint(*files.root(), read).code() == Errc::not_found);
    REQUIRE(status.ok() == (nth > 6));
  }
  MemoryFileSystem files;
  write_hint(files.root(), make_entries(10), 10);
  const auto reader = HintReader::open(*files.root(), kHintedName);
  REQUIRE_OK(reader);
  REQUIRE(reader->read([](std::span<const HintEntry>) -> Status {
                  return Error{Errc::cancelled, "enough"};
                })
              .code() == Errc::cancelled);
}

}  // namespace
}  // namespace logcask
