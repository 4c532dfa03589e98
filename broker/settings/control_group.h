#pragma once
// What the control group that this process runs in lets it have. A systemd unit, a scope or a container sets the limit
// on a group below the root, and any group above it may be tighter still.
//
// Threads: any; each call reads the files anew. Sources: cgroups(7), the kernel's cgroup-v2 and memory (v1) pages.

#include <cstdint>
#include <string>

namespace logcask {

inline constexpr std::uint64_t kNoControlGroupLimit = UINT64_MAX;

// The least of memory.max and memory.high (version 2) or memory.limit_in_bytes (version 1) of the process's own group
// and of every group above it that can be seen; kNoControlGroupLimit when none is set. memory.high counts because
// a process above it is throttled until it hardly moves. `root` stands before /proc and /sys, for tests.
std::uint64_t control_group_memory_bytes(const std::string& root = "");

// Processor time the group may use, in whole cores rounded up (cpu.max, or cpu.cfs_quota_us and cpu.cfs_period_us);
// kNoControlGroupLimit when it is not limited.
std::uint64_t control_group_cores(const std::string& root = "");

}  // namespace logcask
