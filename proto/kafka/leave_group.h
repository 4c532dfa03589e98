#pragma once
// LeaveGroup: one member goes; from version 3 on several, among them static ones by their instance id alone (KIP-345).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct LeaveGroupRequest {
  struct Member {
    std::string_view member_id;
    std::optional<std::string_view> group_instance_id;
    std::optional<std::string_view> reason;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("GroupInstanceId", self.group_instance_id, always().nullable());
      io("Reason", self.reason, since(5).nullable(5));
    }
  };
  std::string_view group_id;
  std::string_view member_id;
  std::vector<Member> members;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("MemberId", self.member_id, until(2));
    io("Members", self.members, since(3));
  }
};

struct LeaveGroupResponse {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("GroupInstanceId", self.group_instance_id, always().nullable());
      io("ErrorCode", self.error_code);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::vector<Member> members;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code);
    io("Members", self.members, since(3));
  }
};

}  // namespace logcask::kafka
