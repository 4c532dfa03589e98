#pragma once
// What the requests of a group's members have in common. Their texts become UTF-8 here (utf8_text()), as Kafka's broker
// reads them: they are told to others, whose protocol takes nothing else.

#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "broker/services/group_types.h"

namespace logcask {

inline std::optional<GroupInstanceId> to_instance_id(const std::optional<std::string_view>& id) {
  return id ? std::optional(GroupInstanceId(utf8_text(*id))) : std::nullopt;
}

inline MemberId to_member_id(std::string_view id) { return MemberId(utf8_text(id)); }

// Of a request with the usual fields of a member.
template <class Request>
GroupMemberClaim to_claim(const Request& request) {
  return {to_member_id(request.member_id), to_instance_id(request.group_instance_id),
          GroupGeneration(request.generation_id)};
}

inline std::optional<std::string> to_text(const std::optional<GroupInstanceId>& id) {
  return id ? std::optional(id->text()) : std::nullopt;
}

}  // namespace logcask
