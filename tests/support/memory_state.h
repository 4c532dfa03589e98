#pragma once
// Internal to memory_file_system.cc and crash_states.cc: the tree of nodes and what is recorded about it.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "tests/support/memory_file_system.h"

namespace logcask::testing {

// A value that copies share until one of them is edited. Images of one run have nearly everything in common.
template <class T>
class Shared {
 public:
  Shared() : part_(std::make_shared<Part>()) {}
  const T& operator*() const { return part_->value; }
  const T* operator->() const { return &part_->value; }
  T& edit() {
    if (part_.use_count() > 1) part_ = std::make_shared<Part>(Part{part_->value, std::nullopt});
    part_->digest.reset();
    return part_->value;
  }
  // What `compute` says of the value, once.
  template <class Compute>
  std::uint64_t digest(const Compute& compute) const {
    if (!part_->digest) part_->digest = compute(part_->value);
    return *part_->digest;
  }

 private:
  struct Part {
    T value;
    std::optional<std::uint64_t> digest;
  };
  std::shared_ptr<Part> part_;
};

struct MemoryNode {
  bool directory = false;
  Shared<std::string> content;                           // files
  std::uint64_t reserved = 0;                            // files: preallocated size
  Shared<std::map<std::string, std::uint64_t>> entries;  // directories
};

// Nodes by number, in one piece of memory: an image of a power loss is a copy of a tree, and there are hundred
// thousands. What is added moves the nodes that are there: keep no reference over it.
class MemoryTree {
 public:
  using Entry = std::pair<std::uint64_t, MemoryNode>;

  const MemoryNode* find(std::uint64_t node) const {
    const auto found = place(node);
    return found != entries_.end() && found->first == node ? &found->second : nullptr;
  }
  const MemoryNode& at(std::uint64_t node) const {
    const MemoryNode* found = find(node);
    LOGCASK_CHECK(found);
    return *found;
  }
  MemoryNode& at(std::uint64_t node) { return const_cast<MemoryNode&>(std::as_const(*this).at(node)); }
  // Made when it is not there.
  MemoryNode& operator[](std::uint64_t node) {
    const auto found = place(node);
    if (found != entries_.end() && found->first == node)
      return entries_[static_cast<std::size_t>(found - entries_.begin())].second;
    return entries_.insert(found, {node, MemoryNode()})->second;
  }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  // What the numbers, in rising order, name.
  MemoryTree only(const std::vector<std::uint64_t>& nodes) const {
    MemoryTree some;
    some.entries_.reserve(nodes.size());
    for (const std::uint64_t node : nodes) some.entries_.emplace_back(node, at(node));
    return some;
  }

 private:
  std::vector<Entry>::const_iterator place(std::uint64_t node) const {
    return std::lower_bound(entries_.begin(), entries_.end(), node,
                            [](const Entry& entry, std::uint64_t wanted) { return entry.first < wanted; });
  }
  std::vector<Entry> entries_;
};

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
  std::uint64_t file_capacity = UINT64_MAX;
  bool powered_off = false;
  std::set<std::pair<std::uint64_t, std::string>> locks;
  struct ArmedFault {
    Fault fault;
    std::uint64_t seen = 0;
  };
  std::vector<ArmedFault> faults;
  std::vector<MemoryFileSystem::FaultHit> hits;
  std::vector<std::pair<OperationKind, std::string>> ignored;
  std::function<void(OperationKind, const std::string&)> meanwhile;

  // Counts the call; the fault to apply to it, if any.
  const Fault* count(OperationKind kind, const std::string& name);
  void under_way(OperationKind kind, const std::string& path);  // the lock is free
  bool ignores(OperationKind kind, const std::string& name) const;
  std::uint64_t used_bytes() const;
  std::uint64_t used_files() const;
};

}  // namespace logcask::testing
