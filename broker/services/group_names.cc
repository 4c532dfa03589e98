#include "broker/services/group_names.h"

namespace logcask {

Status GroupNames::make_way(const std::string& name, GroupKind kind) {
  GroupKind holder = kind;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = kinds_.find(name); found != kinds_.end()) holder = found->second;
  }
  if (holder == kind) return {};
  LOGCASK_TRY(let_go_[static_cast<std::size_t>(holder)](name));
  return Error{Errc::coordinator_not_available, "group '" + name + "' was one of the " +
                                                    std::string(group_kind_name(holder)) +
                                                    " protocol without members, and becomes one of the " +
                                                    std::string(group_kind_name(kind)) + " one: try again"};
}

bool GroupNames::take(const std::string& name, GroupKind kind) {
  const std::lock_guard lock(mutex_);
  return kinds_.try_emplace(name, kind).first->second == kind;
}

void GroupNames::release(const std::string& name) {
  const std::lock_guard lock(mutex_);
  kinds_.erase(name);
}

}  // namespace logcask
