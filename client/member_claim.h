#pragma once
// Whom a group's coordinator knows: what a member says of itself in every call. Internal to client/.

#include <cstdint>
#include <string>

#include "logcask/v1/native.pb.h"

namespace logcask::client {

struct MemberClaim {
  std::string member_id;    // empty at first
  std::string instance_id;  // empty: no static member
  std::int32_t generation = -1;
};

inline void to_wire(const MemberClaim& claim, v1::GroupMember& out) {
  out.set_member_id(claim.member_id);
  out.set_instance_id(claim.instance_id);
  out.set_generation(claim.generation);
}

}  // namespace logcask::client
