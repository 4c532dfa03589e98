#include "segment/sync_log.h"

#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/format_1.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using namespace testing;

constexpr Offset kBase{500};
constexpr const char* kSyncLogName = "00000000000000000500.0.sync";

PartitionIdentity log_owner(std::uint8_t topic, std::int32_t partition) {
  PartitionIdentity made;
  made.topic.bytes.fill(topic);
  made.partition = PartitionId(partition);
  return made;
}
const PartitionIdentity kLogOwner = log_owner(7, 3);

SyncEntry entry(int i) {
  SyncEntry made;
  made.durable_end = kBase + i;
  made.position = static_cast<std::uint64_t>(i) * 100;
  made.digest = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15ull;
  made.offset_ceiling = kBase + 1000 + i;
  made.first_append = TimestampMs(7);
  made.last_append = TimestampMs(7 + i);
  made.clock_allowance_ms = 600 - i;
  made.clock_ahead_ms = i;
  made.log_start = kBase - 100 + i;
  made.run = {RunId(0x1234567890abcdefull), kBase - 9};
  return made;
}

TEST_CASE("the newest entry is read, however often the ring went round") {
  const int count = GENERATE(1, 2, 510, 511, 512, 5000);
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kLogOwner, kBase, entry(0));
  REQUIRE_OK(log);
  for (int i = 1; i < count; ++i) REQUIRE_OK((*log)->append(entry(i)));
  REQUIRE(*read_sync_log(*files.root(), kBase, kLogOwner) == entry(count - 1));
  REQUIRE(files.content(files.paths().front())->size() == kSyncFileBytes);
  auto resumed = SyncLog::resume(*files.root(), kLogOwner, kBase);
  REQUIRE_OK(resumed);
  REQUIRE((*resumed)->newest() == entry(count - 1));
  REQUIRE_OK((*resumed)->append(entry(count)));
  REQUIRE(*read_sync_log(*files.root(), kBase, kLogOwner) == entry(count));
}

TEST_CASE("with any bit flipped the answer is an entry that was written: the newest that holds") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kLogOwner, kBase, entry(0));
  for (int i = 1; i < 4; ++i) REQUIRE_OK((*log)->append(entry(i)));
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  for (std::size_t bit = 0; bit < 6 * kSyncSlotBytes * 8; ++bit) {
    std::string damaged = sound;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    files.set_content(name, damaged);
    const auto read = read_sync_log(*files.root(), kBase, kLogOwner);
    REQUIRE_OK(read);
    REQUIRE(*read == entry(bit / 8 / kSyncSlotBytes == 4 ? 2 : 3));
  }
}

TEST_CASE("cut at any length the newest whole entry counts, and without one the file is corrupt") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kLogOwner, kBase, entry(0));
  for (int i = 1; i < 4; ++i) REQUIRE_OK((*log)->append(entry(i)));
  const std::string name = files.paths().front();
  const std::string sound = *files.content(name);
  for (std::size_t size = 0; size < 6 * kSyncSlotBytes; ++size) {
    files.set_content(name, sound.substr(0, size));
    const auto read = read_sync_log(*files.root(), kBase, kLogOwner);
    CAPTURE(size);
    if (size < 2 * kSyncSlotBytes)
      REQUIRE(read.code() == Errc::corrupt_file);
    else
      REQUIRE(*read == entry(static_cast<int>(std::min<std::size_t>(size / kSyncSlotBytes, 5)) - 2));
  }
}

TEST_CASE("entries of another log, or in another place, are none of ours") {
  MemoryFileSystem files;
  auto log = SyncLog::create(*files.root(), kLogOwner, kBase, entry(0));
  REQUIRE_OK((*log)->append(entry(1)));
  const std::string sound = *files.content(files.paths().front());
  files.set_content("00000000000000000777.0.sync", sound);
  REQUIRE(read_sync_log(*files.root(), Offset(777), kLogOwner).code() == Errc::corrupt_file);
  std::string moved(sound.size(), '\0');
  moved.replace(5 * kSyncSlotBytes, kSyncSlotBytes, sound, 2 * kSyncSlotBytes, kSyncSlotBytes);
  files.set_content(files.paths().front(), moved);
  REQUIRE(read_sync_log(*files.root(), kBase, kLogOwner).code() == Errc::corrupt_file);
  REQUIRE(read_sync_log(*files.root(), Offset(1), kLogOwner).code() == Errc::not_found);
}

TEST_CASE("a sync log of another partition is named, and none of its entries counts") {
  const PartitionIdentity other = GENERATE(log_owner(7, 4), log_owner(8, 3));
  MemoryFileSystem files;
  REQUIRE_OK(SyncLog::create(*files.root(), other, kBase, entry(5)));
  const auto read = read_sync_log(*files.root(), kBase, kLogOwner);
  REQUIRE(read.code() == Errc::foreign_file);
  CHECK(read.error().message.find(other.to_string()) != std::string::npos);
  CHECK(read.error().message.find(kLogOwner.to_string()) != std::string::npos);
  CHECK(SyncLog::resume(*files.root(), kLogOwner, kBase).code() == Errc::foreign_file);
  // Without its header nothing says whose it is, but nothing of it holds either.
  std::string headless = *files.content(kSyncLogName);
  headless.replace(0, kSyncSlotBytes, kSyncSlotBytes, '\0');
  files.set_content(kSyncLogName, headless);
  CHECK(read_sync_log(*files.root(), kBase, kLogOwner).code() == Errc::corrupt_file);
}

TEST_CASE("who goes on in a sync log that names nobody names its partition, whatever a crash leaves of that") {
  const bool format_1 = GENERATE(true, false);
  MemoryFileSystem files;
  SyncEntry expected = entry(4);
  if (format_1) {
    expected = format_1_entry(expected);
    files.set_content(kSyncLogName, format_1_sync_log(expected, 1030, kBase));
  } else {
    REQUIRE_OK(SyncLog::create(*files.root(), kLogOwner, kBase, expected));
    std::string damaged = *files.content(kSyncLogName);
    damaged[9] = static_cast<char>(damaged[9] ^ 1);
    files.set_content(kSyncLogName, damaged);
  }
  const auto before = read_sync_content(*files.root(), kBase, kLogOwner);
  REQUIRE_OK(before);
  CHECK(before->format_1 == format_1);
  CHECK_FALSE(before->owner.has_value());
  CHECK(before->newest == expected);
  REQUIRE_OK(files.root()->sync());
  auto resumed = SyncLog::resume(*files.root(), kLogOwner, kBase);
  REQUIRE_OK(resumed);
  CHECK((*resumed)->newest() == expected);
  REQUIRE_OK((*resumed)->append(entry(6)));
  REQUIRE_OK((*resumed)->sync());
  const auto after = read_sync_content(*files.root(), kBase, kLogOwner);
  REQUIRE_OK(after);
  CHECK(after->owner == kLogOwner);
  CHECK_FALSE(after->format_1);
  CHECK(after->newest == entry(6));
  for (const CrashProfile profile : {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst}) {
    CrashStates states(files, profile, test_seed());
    while (auto crash = states.next()) {
      INFO(crash->description);
      const auto left = read_sync_log(*crash->image->root(), kBase, kLogOwner);
      REQUIRE_OK(left);
      REQUIRE((*left == expected || *left == entry(6)));
    }
  }
}

}  // namespace
}  // namespace logcask
