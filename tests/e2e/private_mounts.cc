#include "tests/e2e/private_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

// linux/ext4.h has these from kernel 6.5 on only; the numbers are those of XFS_IOC_GOINGDOWN.
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kNoLogFlush = 2;

std::string why(const std::string& what) { return what + ": " + std::strerror(errno); }

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

}  // namespace

PrivateMounts::PrivateMounts() {
  root_ = ::geteuid() == 0;
  if (::unshare(root_ ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
    missing_ = why("no mount namespace");
  else if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    missing_ = why("mounts cannot be made private");
}

SmallDisk::SmallDisk(const std::string& path, std::uint64_t bytes, std::uint64_t inodes) : path_(path) {
  std::string options = "size=" + std::to_string(bytes);
  if (inodes > 0) options += ",nr_inodes=" + std::to_string(inodes);
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) != 0) missing_ = why("no tmpfs");
}

SmallDisk::~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }

std::uint64_t SmallDisk::free_bytes() const {
  struct statvfs facts {};
  REQUIRE(::statvfs(path_.c_str(), &facts) == 0);
  return facts.f_bavail * facts.f_frsize;
}

void SmallDisk::fill_up_to(std::uint64_t bytes) {
  const int filler = ::open((path_ + "/filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE(filler >= 0);
  // Once more when others took some of it in between.
  int error = ENOSPC;
  for (std::uint64_t free = free_bytes(); error == ENOSPC && free > bytes; free = free_bytes()) {
    struct stat facts {};
    REQUIRE(::fstat(filler, &facts) == 0);
    error = ::posix_fallocate(filler, facts.st_size, static_cast<off_t>(free - bytes));
    REQUIRE((error == 0 || error == ENOSPC));
  }
  ::close(filler);
}

void SmallDisk::make_room() { REQUIRE(::unlink((path_ + "/filler").c_str()) == 0); }

void SmallDisk::take_inodes() {
  while (true) {
    const std::string name = path_ + "/inode." + std::to_string(taken_inodes_);
    const int file = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) break;
    ::close(file);
    ++taken_inodes_;
  }
  REQUIRE(errno == ENOSPC);
}

void SmallDisk::give_inodes() {
  for (; taken_inodes_ > 0; --taken_inodes_)
    REQUIRE(::unlink((path_ + "/inode." + std::to_string(taken_inodes_ - 1)).c_str()) == 0);
}

PowerDisk::PowerDisk(const std::string& directory, std::uint64_t bytes)
    : image_(directory + "/disk.img"), mount_point_(directory + "/mnt") {
  REQUIRE(::mkdir(mount_point_.c_str(), 0700) == 0);
  if (!run("truncate -s " + std::to_string(bytes) + " " + image_) || !run("mkfs.ext4 -q -F " + image_)) {
    missing_ = "mkfs.ext4 (package e2fsprogs) does not run here";
    return;
  }
  if (!run("mount -o loop " + image_ + " " + mount_point_))
    missing_ = "no loop mounts here (they need root and a loop device)";
}

PowerDisk::~PowerDisk() {
  if (missing_.empty()) ::umount2(mount_point_.c_str(), MNT_DETACH);
}

void PowerDisk::lose_power() {
  const int root = ::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(root >= 0);
  const std::uint32_t how = kNoLogFlush;
  REQUIRE(::ioctl(root, kShutdown, &how) == 0);
  ::close(root);
}

void PowerDisk::mount_again() {
  REQUIRE(::umount2(mount_point_.c_str(), 0) == 0);
  REQUIRE(run("mount -o loop " + image_ + " " + mount_point_));
}

}  // namespace logcask::testing
