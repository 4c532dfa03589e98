#include "segment/disk_reserve.h"

#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask {
namespace {

using testing::MemoryFileSystem;

constexpr std::int64_t kReserveBytes = 64 * 8192;

std::size_t reserve_files(const MemoryFileSystem& disk) {
  std::size_t files = 0;
  for (const std::string& path : disk.paths()) files += path.starts_with("reserve.") ? 1 : 0;
  return files;
}

// As when another process takes what is left.
void take_the_rest(MemoryFileSystem& disk) {
  disk.set_capacity(disk.used_bytes());
  disk.set_file_capacity(disk.used_files());
}

TEST_CASE("the disk reserve is blocks and inodes, which a release gives back to a full file system", "[reserve]") {
  MemoryFileSystem disk;
  DiskReserve reserve(disk.root(), kReserveBytes);
  CHECK(reserve.held_bytes() == 0);
  CHECK_FALSE(reserve.release(1, DiskReserve::Keep::nothing));
  REQUIRE_OK(reserve.fill());
  CHECK(reserve.held_bytes() == kReserveBytes);
  CHECK(disk.used_bytes() >= kReserveBytes);
  CHECK(reserve_files(disk) == DiskReserve::kFiles);
  take_the_rest(disk);
  CHECK(disk.root()->open("new", OpenMode::create_new).code() == Errc::storage_full);
  REQUIRE(reserve.release(20'000, DiskReserve::Keep::nothing));
  CHECK(reserve.held_bytes() == kReserveBytes - 3 * 8192);
  auto file = disk.root()->open("new", OpenMode::create_new);
  REQUIRE_OK(file);
  REQUIRE_OK((*file)->write_at(0, std::string(20'000, 'x')));
}

TEST_CASE("the disk reserve is short from the first release until it is whole again", "[reserve]") {
  MemoryFileSystem disk;
  DiskReserve reserve(disk.root(), kReserveBytes);
  REQUIRE_OK(reserve.fill());
  CHECK_FALSE(reserve.is_short());
  REQUIRE(reserve.release(0, DiskReserve::Keep::nothing));
  CHECK(reserve.is_short());
  // Another process has it by now.
  disk.set_capacity(disk.used_bytes());
  CHECK(reserve.fill().code() == Errc::storage_full);
  CHECK(reserve.is_short());
  CHECK(reserve_files(disk) == DiskReserve::kFiles - 1);
  disk.set_capacity(UINT64_MAX);
  REQUIRE_OK(reserve.fill());
  CHECK_FALSE(reserve.is_short());
  CHECK(reserve_files(disk) == DiskReserve::kFiles);
}

TEST_CASE("what is kept for those with more need is not given to others", "[reserve]") {
  MemoryFileSystem disk;
  DiskReserve reserve(disk.root(), kReserveBytes);
  REQUIRE_OK(reserve.fill());
  REQUIRE(reserve.release(INT64_MAX, DiskReserve::Keep::half));
  CHECK(reserve.held_bytes() == kReserveBytes / 2);
  CHECK_FALSE(reserve.release(1, DiskReserve::Keep::half));
  REQUIRE(reserve.release(INT64_MAX, DiskReserve::Keep::a_quarter));
  CHECK(reserve.held_bytes() == kReserveBytes / 4);
  CHECK_FALSE(reserve.release(1, DiskReserve::Keep::a_quarter));
  REQUIRE(reserve.release(INT64_MAX, DiskReserve::Keep::nothing));
  CHECK(reserve.held_bytes() == 0);
  CHECK_FALSE(reserve.release(1, DiskReserve::Keep::nothing));
}

TEST_CASE("a disk reserve is found again at the next start, short if an earlier run has used of it", "[reserve]") {
  MemoryFileSystem disk;
  {
    DiskReserve reserve(disk.root(), kReserveBytes);
    REQUIRE_OK(reserve.fill());
  }
  {
    DiskReserve again(disk.root(), kReserveBytes);
    CHECK(again.held_bytes() == kReserveBytes);
    CHECK_FALSE(again.is_short());
    REQUIRE(again.release(0, DiskReserve::Keep::nothing));
  }
  DiskReserve again(disk.root(), kReserveBytes);
  CHECK(again.is_short());
  take_the_rest(disk);
  CHECK(again.release(0, DiskReserve::Keep::nothing));
}

TEST_CASE("a disk reserve of another size takes the old one's place, and one of none removes it", "[reserve]") {
  MemoryFileSystem disk;
  {
    DiskReserve reserve(disk.root(), kReserveBytes);
    REQUIRE_OK(reserve.fill());
  }
  DiskReserve larger(disk.root(), 2 * kReserveBytes);
  REQUIRE_OK(larger.fill());
  CHECK(reserve_files(disk) == DiskReserve::kFiles);
  CHECK(disk.used_bytes() == 2 * kReserveBytes);
  DiskReserve none(disk.root(), 0);
  REQUIRE_OK(none.fill());
  CHECK(disk.used_bytes() == 0);
  CHECK_FALSE(none.is_short());
}

TEST_CASE("by default the disk reserve is a sixteenth of the file system, at most 64 MiB", "[reserve]") {
  MemoryFileSystem disk;
  CHECK(DiskReserve(disk.root(), DiskReserve::kBySize).whole_bytes() == 64u << 20);
  disk.set_capacity(16u << 20);
  CHECK(DiskReserve(disk.root(), DiskReserve::kBySize).whole_bytes() == 1u << 20);
}

}  // namespace
}  // namespace logcask
