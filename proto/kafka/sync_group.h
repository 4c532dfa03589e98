#pragma once
// SyncGroup: the leader of a group hands in what each member reads, and every member gets its own share.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct SyncGroupRequest {
  struct Assignment {
    std::string_view member_id;
    BytesView assignment;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("Assignment", self.assignment);
    }
  };
  std::string_view group_id;
  std::int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::optional<std::string_view> protocol_type;
  std::optional<std::string_view> protocol_name;
  std::vector<Assignment> assignments;  // of the leader alone

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("GenerationId", self.generation_id);
    io("MemberId", self.member_id);
    io("GroupInstanceId", self.group_instance_id, since(3).nullable(3));
    io("ProtocolType", self.protocol_type, since(5).nullable(5));
    io("ProtocolName", self.protocol_name, since(5).nullable(5));
    io("Assignments", self.assignments);
  }
};

struct SyncGroupResponse {
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Bytes assignment;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code);
    io("ProtocolType", self.protocol_type, since(5).nullable(5));
    io("ProtocolName", self.protocol_name, since(5).nullable(5));
    io("Assignment", self.assignment);
  }
};

}  // namespace logcask::kafka
