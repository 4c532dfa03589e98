#pragma once
// File systems of the test's own, in a mount namespace of its own: nothing is left behind when the test ends, however
// it ends. Where the facility is missing, `missing()` says which, and the test prints SKIPPED with it.

#include <cstdint>
#include <string>

namespace logcask::testing {

// Moves the process into a mount namespace of its own, as root or through a user namespace. Before any thread starts.
class PrivateMounts {
 public:
  PrivateMounts();
  const std::string& missing() const { return missing_; }
  bool root() const { return root_; }

 private:
  std::string missing_;
  bool root_ = false;
};

// A tmpfs of exactly `bytes` and `inodes` (0: as many as it likes) at `path`, which exists.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, std::uint64_t bytes, std::uint64_t inodes = 0);
  ~SmallDisk();
  const std::string& missing() const { return missing_; }
  std::uint64_t free_bytes() const;
  // Takes all but `bytes` of what is free / gives it back.
  void fill_up_to(std::uint64_t bytes);
  void make_room();
  // The same with every inode.
  void take_inodes();
  void give_inodes();

 private:
  const std::string path_;
  std::uint64_t taken_inodes_ = 0;
  std::string missing_;
};

// An ext4 file system on an image file that can lose power: what was not synced is gone after the next mount().
class PowerDisk {
 public:
  // The image `directory`/disk.img is made, and mounted at `directory`/mnt.
  PowerDisk(const std::string& directory, std::uint64_t bytes);
  ~PowerDisk();
  const std::string& missing() const { return missing_; }
  const std::string& path() const { return mount_point_; }
  // EXT4_IOC_SHUTDOWN without flushing the journal: every later operation fails.
  void lose_power();
  // After the processes that used it are gone: replays the journal.
  void mount_again();

 private:
  const std::string image_;
  const std::string mount_point_;
  std::string missing_;
};

}  // namespace logcask::testing
