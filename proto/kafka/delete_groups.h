#pragma once
// DeleteGroups: groups without members go, with the offsets they have committed.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DeleteGroupsRequest {
  std::vector<std::string_view> groups_names;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupsNames", self.groups_names);
  }
};

struct DeleteGroupsResponse {
  struct Group {
    std::string group_id;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("GroupId", self.group_id);
      io("ErrorCode", self.error_code);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Group> results;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Results", self.results);
  }
};

}  // namespace logcask::kafka
