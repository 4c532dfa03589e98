// Who may take what of a full disk.
#include "partition/reserved_directory.h"

#include "segment/filename.h"
#include "segment/segment_writer.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask {
namespace {

using testing::MemoryFileSystem;

// A partition's directory on a disk whose last byte and inode somebody else has taken.
struct FullReservedDisk {
  explicit FullReservedDisk(ReservedDirectory::Holds holds = ReservedDirectory::Holds::records) {
    reserve = std::make_shared<DiskReserve>(disk.root(), 64 * 16384);
    REQUIRE_OK(reserve->fill());
    directory = std::make_unique<ReservedDirectory>(*disk.root()->create_directory("p"), reserve, holds);
  }
  void fill() {
    disk.set_capacity(disk.used_bytes());
    disk.set_file_capacity(disk.used_files());
  }
  std::string log(int generation) const {
    return segment_filename({Offset(0), Generation(generation)}, SegmentFile::log);
  }

  MemoryFileSystem disk;
  std::shared_ptr<DiskReserve> reserve;
  std::unique_ptr<ReservedDirectory> directory;
};

TEST_CASE("manifests, markers and producer snapshots are written on a full disk", "[reserve]") {
  FullReservedDisk full;
  full.fill();
  for (const char* name : {"manifest.a", "DELETED", "00000000000000000007.producers"}) {
    INFO(name);
    REQUIRE_OK(replace_file(*full.directory, name, std::string(100'000, 'm')));
    CHECK(full.disk.content("p/" + std::string(name)) == std::string(100'000, 'm'));
  }
  CHECK(full.reserve->is_short());
}

TEST_CASE("records of clients take nothing of the reserve and no room before it is whole again", "[reserve]") {
  FullReservedDisk full;
  auto log = full.directory->open(full.log(0), OpenMode::create_new);
  REQUIRE_OK(log);
  full.fill();
  CHECK((*log)->preallocate(65536).code() == Errc::storage_full);
  CHECK((*log)->write_at(0, std::string(1000, 'r')).code() == Errc::storage_full);
  CHECK(full.reserve->held_bytes() == full.reserve->whole_bytes());
  // What a manifest gives back by replacing another belongs to the reserve, not to whoever asks first.
  REQUIRE_OK(replace_file(*full.directory, "manifest.a", std::string(20'000, 'm')));
  REQUIRE_OK(full.directory->unlink("manifest.a"));
  full.disk.set_capacity(full.disk.used_bytes() + 16384);
  CHECK((*log)->preallocate(4096).code() == Errc::storage_full);
  // With room enough the first that asks fills it and goes on.
  full.disk.set_capacity(UINT64_MAX);
  full.disk.set_file_capacity(UINT64_MAX);
  REQUIRE_OK((*log)->preallocate(4096));
  CHECK_FALSE(full.reserve->is_short());
}

TEST_CASE("a new segment may take half of the reserve, compaction three quarters, the manifest all of it",
          "[reserve]") {
  FullReservedDisk full;
  full.fill();
  const std::uint64_t whole = full.reserve->whole_bytes();
  const auto use_up = [&](const std::string& name) {
    auto file = full.directory->open(name, OpenMode::create_new);
    REQUIRE_OK(file);
    std::uint64_t position = 0;
    while ((*file)->write_at(position, std::string(4096, 'x')).ok()) position += 4096;
    return full.reserve->held_bytes();
  };
  CHECK(use_up(segment_filename({Offset(0), Generation(0)}, SegmentFile::sync)) == whole / 2);
  CHECK(use_up(full.log(1)) == whole / 4);
  CHECK(use_up("manifest.a.tmp") == 0);
}

TEST_CASE("what is derived takes nothing of the reserve, what compaction derives does", "[reserve]") {
  FullReservedDisk full;
  full.fill();
  for (const SegmentFile file : {SegmentFile::index, SegmentFile::time_index, SegmentFile::hint}) {
    CHECK(put_file(*full.directory, segment_filename({Offset(0), Generation(0)}, file), "x").code() ==
          Errc::storage_full);
    REQUIRE_OK(put_file(*full.directory, segment_filename({Offset(0), Generation(2)}, file), "x"));
  }
}

TEST_CASE("the broker's own metadata may take all of the reserve", "[reserve]") {
  FullReservedDisk full(ReservedDirectory::Holds::metadata);
  full.fill();
  SegmentWriter::Options options;
  auto writer =
      SegmentWriter::create(std::make_shared<SegmentEnvironment>(),
                            std::shared_ptr<Directory>(std::move(full.directory)), {Offset(0), Generation(0)}, options);
  REQUIRE_OK(writer);
  CHECK(full.reserve->is_short());
}

TEST_CASE("compaction counts what it may take of the reserve as free", "[reserve]") {
  FullReservedDisk full;
  full.fill();
  CHECK(*full.directory->free_bytes() == full.reserve->whole_bytes() / 4 * 3);
  CHECK(*full.disk.root()->free_bytes() == 0);
}

}  // namespace
}  // namespace logcask
