#pragma once
// ListGroups: the groups this broker keeps; of certain states (version 4) and types (version 5) only, where asked.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ListGroupsRequest {
  std::vector<std::string_view> states_filter;  // none: all
  std::vector<std::string_view> types_filter;   // none: all

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("StatesFilter", self.states_filter, since(4));
    io("TypesFilter", self.types_filter, since(5));
  }
};

struct ListGroupsResponse {
  struct Group {
    std::string group_id;
    std::string protocol_type;
    std::string group_state;
    std::string group_type;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("GroupId", self.group_id);
      io("ProtocolType", self.protocol_type);
      io("GroupState", self.group_state, since(4));
      io("GroupType", self.group_type, since(5));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::vector<Group> groups;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code);
    io("Groups", self.groups);
  }
};

}  // namespace logcask::kafka
