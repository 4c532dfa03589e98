// The sync log's ring: damaged slots are passed over, and after one more entry the newest is that one.
#include "base/coding.h"
#include "base/crc32c.h"
#include "segment/sync_log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/memory_file_system.h"

namespace logcask::fuzz {
namespace {

constexpr Offset kSyncedBase(100);
constexpr std::size_t kSequenceAt = 4;
constexpr std::size_t kCrcAt = kSyncSlotBytes - 4;

void repair_slot(std::string& file, std::size_t at, bool sequence) {
  if (sequence) {
    // The slot's place follows from its sequence.
    const auto wild = load_be<std::uint64_t>(file.data() + at + kSequenceAt);
    store_be(file.data() + at + kSequenceAt, (wild % 64) * kSyncSlots + at / kSyncSlotBytes - 1);
  }
  // Of nobody, whose id is zeros.
  std::string whose(20, '\0');
  ByteWriter(whose).fixed(kSyncedBase.value());
  store_be(file.data() + at + kCrcAt, crc32c(ByteView(file).substr(at, kCrcAt), crc32c(whose)));
}

}  // namespace

// First byte: bit 0 checksums are put right, bit 1 sequences too.
void fuzz_sync_log(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  std::string file(input.rest());
  if ((choice & 1) != 0)
    for (std::size_t at = kSyncSlotBytes; at + kSyncSlotBytes <= file.size(); at += kSyncSlotBytes)
      repair_slot(file, at, (choice & 2) != 0);

  testing::MemoryFileSystem files;
  files.set_content(segment_filename({kSyncedBase, Generation(0)}, SegmentFile::sync), file);
  const auto newest = read_sync_log(*files.root(), kSyncedBase, PartitionIdentity());
  auto log = SyncLog::resume(*files.root(), {}, kSyncedBase);
  LOGCASK_CHECK(newest.ok() == log.ok());
  if (!newest.ok()) {
    LOGCASK_CHECK(newest.code() == Errc::corrupt_file || newest.code() == Errc::foreign_file);
    return;
  }
  LOGCASK_CHECK((*log)->newest() == *newest);
  if ((choice & 2) == 0) return;  // the last sequence there is may have been used: nothing follows it
  SyncEntry entry;
  entry.durable_end = Offset(7777);
  entry.position = 1;
  LOGCASK_CHECK((*log)->append(entry).ok() && (*log)->sync().ok());
  const auto after = read_sync_log(*files.root(), kSyncedBase, PartitionIdentity());
  LOGCASK_CHECK(after.ok() && *after == entry);
}

}  // namespace logcask::fuzz
