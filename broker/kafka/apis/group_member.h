#pragma once
// What the requests of a group's members have in common.

#include <optional>
#include <string>
#include <string_view>

#include "broker/services/group_types.h"

namespace logcask {

inline std::optional<GroupInstanceId> to_instance_id(const std::optional<std::string_view>& id) {
  return id ? std::optional(GroupInstanceId(std::string(*id))) : std::nullopt;
}

// Of a request with the usual fields of a member.
template <class Request>
GroupMemberClaim to_claim(const Request& request) {
  return {MemberId(std::string(request.member_id)), to_instance_id(request.group_instance_id),
          GroupGeneration(request.generation_id)};
}

inline std::optional<std::string> to_text(const std::optional<GroupInstanceId>& id) {
  return id ? std::optional(id->text()) : std::nullopt;
}

}  // namespace logcask
