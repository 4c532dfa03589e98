#pragma once
// Which group is of which kind: no name is of two.
//
// Threads: any. Its mutex is taken under those of the coordinators, and nothing under it.

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.h"
#include "broker/services/group_types.h"

namespace logcask {

class GroupNames {
 public:
  // How the coordinator of a kind is asked to let a group go that has no members; non_empty_group when it has some. The
  // name is free a little later. Before the first make_way().
  using LetGo = std::function<Status(const std::string&)>;
  void of_kind(GroupKind kind, LetGo let_go) { let_go_[static_cast<std::size_t>(kind)] = std::move(let_go); }

  // Before a group of `kind` is joined, under no coordinator's mutex. coordinator_not_available: an empty one of the
  // other kind is going, try again. non_empty_group: it stays.
  Status make_way(const std::string& name, GroupKind kind);
  // False when the other kind has it.
  bool take(const std::string& name, GroupKind kind);
  void release(const std::string& name);

 private:
  std::array<LetGo, 2> let_go_;
  std::mutex mutex_;
  std::map<std::string, GroupKind> kinds_;  // guarded
};

}  // namespace logcask
