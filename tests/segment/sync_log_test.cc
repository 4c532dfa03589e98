#include "segment/sync_log.h"

#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask {
namespace {

using namespace testing;

constexpr Offset kBase{500};

SyncEntry entry(int i) {
  SyncEntry made;
  made.durable_end = kBase + i;
  made.position = static_cast<std::uint64_t>(i) * 100;
  made.digest = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15ull;
  made.offset_ceiling = kBase + 1000 + i;
  made.first_append = TimestampMs(7);
  made.last_append = TimestampMs(7 + i);
  return made;
}

TEST_CASE("the newest entry is read, however often the ring went round") {
  const int count = GENERATE(1, 2, 1023, 1024, 1025, 5000);
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kBase, entry(0));
  REQUIRE_OK(log);
  for (int i = 1; i < count; ++i) REQUIRE_OK((*log)->append(entry(i)));
  REQUIRE(*read_sync_log(*files.root(), kBase) == entry(count - 1));
  REQUIRE(files.content(files.paths().front())->size() == kSyncSlots * kSyncSlotBytes);
  auto resumed = SyncLog::resume(*files.root(), kBase);
  REQUIRE_OK(resumed);
  REQUIRE((*resumed)->newest() == entry(count - 1));
  REQUIRE_OK((*resumed)->append(entry(count)));
  REQUIRE(*read_sync_log(*files.root(), kBase) == entry(count));
}

TEST_CASE("with any bit flipped the answer is an entry that was written: the newest that holds") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kBase, entry(0));
  for (int i = 1; i < 4; ++i) REQUIRE_OK((*log)->append(entry(i)));
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  for (std::size_t bit = 0; bit < 6 * kSyncSlotBytes * 8; ++bit) {
    std::string damaged = sound;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    files.set_content(name, damaged);
    const auto read = read_sync_log(*files.root(), kBase);
    REQUIRE_OK(read);
    REQUIRE(*read == entry(bit / 8 / kSyncSlotBytes == 3 ? 2 : 3));
  }
}

TEST_CASE("cut at any length the newest whole entry counts, and without one the file is corrupt") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kBase, entry(0));
  for (int i = 1; i < 4; ++i) REQUIRE_OK((*log)->append(entry(i)));
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  for (std::size_t size = 0; size < 6 * kSyncSlotBytes; ++size) {
    files.set_content(name, sound.substr(0, size));
    const auto read = read_sync_log(*files.root(), kBase);
    CAPTURE(size);
    if (size < kSyncSlotBytes)
      REQUIRE(read.code() == Errc::corrupt_file);
    else
      REQUIRE(*read == entry(static_cast<int>(std::min<std::size_t>(size / kSyncSlotBytes, 4)) - 1));
  }
}

TEST_CASE("entries of another log, or in another place, are none of ours") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kBase, entry(0));
  REQUIRE_OK((*log)->append(entry(1)));
  const std::string sound = *files.content(files.paths().front());
  files.set_content("00000000000000000777.0.sync", sound);
  REQUIRE(read_sync_log(*files.root(), Offset(777)).code() == Errc::corrupt_file);
  std::string moved(sound.size(), '\0');
  moved.replace(5 * kSyncSlotBytes, kSyncSlotBytes, sound, kSyncSlotBytes, kSyncSlotBytes);
  files.set_content(files.paths().front(), moved);
  REQUIRE(read_sync_log(*files.root(), kBase).code() == Errc::corrupt_file);
  REQUIRE(read_sync_log(*files.root(), Offset(1)).code() == Errc::not_found);
}

}  // namespace
}  // namespace logcask
