#pragma once
// Internal to memory_file_system.cc and crash_states.cc: the tree of nodes and what is recorded about it.

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/memory_file_system.h"

namespace logcask::testing {

struct MemoryNode {
  bool directory = false;
  std::string content;                           // files
  std::uint64_t reserved = 0;                    // files: preallocated size
  std::map<std::string, std::uint64_t> entries;  // directories
};
using MemoryTree = std::map<std::uint64_t, MemoryNode>;

inline constexpr std::uint64_t kRootNode = 0;

// The nodes that can be reached from the root.
MemoryTree reachable(const MemoryTree& tree);

struct MemoryFileSystem::State {
  mutable std::mutex mutex;
  MemoryTree tree;     // what a process sees
  MemoryTree initial;  // what was durable when the log began
  std::vector<Operation> operations;
  std::uint64_t next_node = 1;
  std::size_t changes = 0;
  std::uint64_t capacity = UINT64_MAX;
  bool powered_off = false;
  std::set<std::pair<std::uint64_t, std::string>> locks;
  struct ArmedFault {
    Fault fault;
    std::uint64_t seen = 0;
  };
  std::vector<ArmedFault> faults;
  std::vector<std::pair<OperationKind, std::string>> ignored;

  // Counts the call; the fault to apply to it, if any.
  const Fault* count(OperationKind kind, const std::string& name);
  bool ignores(OperationKind kind, const std::string& name) const;
  std::uint64_t used_bytes() const;
};

}  // namespace logcask::testing
