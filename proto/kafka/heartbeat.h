#pragma once
// Heartbeat: a member of a group is alive. The answer's error code tells it to join anew.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct HeartbeatRequest {
  std::string_view group_id;
  std::int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("GenerationId", self.generation_id);
    io("MemberId", self.member_id);
    io("GroupInstanceId", self.group_instance_id, since(3).nullable(3));
  }
};

struct HeartbeatResponse {
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code);
  }
};

}  // namespace logcask::kafka
