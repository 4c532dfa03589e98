#include "broker/settings/control_group.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask {
namespace {

// A file tree that looks like /proc and /sys of a process in a control group.
class FakeSystem {
 public:
  std::string root() const { return dir_.path(); }
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = dir_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void version_2(const std::string& group, const std::string& mount_root = "/") const {
    write("/proc/self/cgroup", "0::" + group + "\n");
    write("/proc/self/mountinfo",
          "22 1 0:20 / /proc rw - proc proc rw\n"
          "31 23 0:28 " +
              mount_root + " /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void version_1(const std::string& group, const std::string& mount_root = "/") const {
    write("/proc/self/cgroup", "9:name=systemd:/x\n4:memory:" + group + "\n2:cpu,cpuacct:" + group + "\n0::/\n");
    write("/proc/self/mountinfo", "35 31 0:32 " + mount_root +
                                      " /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                      "36 31 0:33 " +
                                      mount_root + " /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
  }

 private:
  testing::TempDir dir_;
};

constexpr std::uint64_t kGroupMiB = 1 << 20;

TEST_CASE("the memory limit of a systemd unit is seen in the process's own control group") {
  FakeSystem system;
  system.version_2("/system.slice/logcask.service");
  system.write("/sys/fs/cgroup/system.slice/logcask.service/memory.max", "268435456\n");
  system.write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  CHECK(control_group_memory_bytes(system.root()) == 256 * kGroupMiB);
}

TEST_CASE("a tighter limit of any group above it counts") {
  FakeSystem system;
  system.version_2("/a/b/c");
  system.write("/sys/fs/cgroup/a/b/c/memory.max", "536870912\n");
  system.write("/sys/fs/cgroup/a/memory.max", "134217728\n");
  CHECK(control_group_memory_bytes(system.root()) == 128 * kGroupMiB);
}

TEST_CASE("memory above memory.high is only lent") {
  FakeSystem system;
  system.version_2("/a");
  system.write("/sys/fs/cgroup/a/memory.max", "max\n");
  system.write("/sys/fs/cgroup/a/memory.high", "67108864\n");
  CHECK(control_group_memory_bytes(system.root()) == 64 * kGroupMiB);
}

TEST_CASE("a control group of version 1 is found by its controller, beside an empty tree of version 2") {
  FakeSystem system;
  system.version_1("/docker/abc");
  system.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  system.write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "100000000\n");
  CHECK(control_group_memory_bytes(system.root()) == 100'000'000);
}

TEST_CASE("a container that sees only its own part of the tree has its limit at the mount") {
  FakeSystem system;
  SECTION("the mount's root is the group") { system.version_1("/docker/abc", "/docker/abc"); }
  SECTION("the group lies outside of the namespace") { system.version_1("/../..", "/"); }
  SECTION("the mount shows another branch") { system.version_1("/docker/abcd", "/docker/abc"); }
  system.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "100000000\n");
  CHECK(control_group_memory_bytes(system.root()) == 100'000'000);
}

TEST_CASE("without a control group, and with broken lines, there is no limit") {
  FakeSystem system;
  CHECK(control_group_memory_bytes(system.root()) == kNoControlGroupLimit);
  CHECK(control_group_cores(system.root()) == kNoControlGroupLimit);
  system.write("/proc/self/cgroup", "\n0:\n::::\n4:memory\n0::no-slash\n");
  system.write("/proc/self/mountinfo", "\n - \n1 2 3 4 - cgroup2 x rw\n1 2 3 / /sys/fs/cgroup - cgroup2 cgroup2 rw\n");
  CHECK(control_group_memory_bytes(system.root()) == kNoControlGroupLimit);
}

TEST_CASE("a quota of processor time counts as cores, rounded up") {
  FakeSystem system;
  SECTION("version 2") {
    system.version_2("/a/b");
    system.write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    system.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  }
  SECTION("version 1") {
    system.version_1("/a/b");
    system.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    system.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    system.write("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "200000\n");
    system.write("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
  }
  CHECK(control_group_cores(system.root()) == 2);
}

}  // namespace
}  // namespace logcask
