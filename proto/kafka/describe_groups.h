#pragma once
// DescribeGroups: the state of groups, and their members with what each of them reads.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DescribeGroupsRequest {
  std::vector<std::string_view> groups;
  bool include_authorized_operations = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Groups", self.groups);
    io("IncludeAuthorizedOperations", self.include_authorized_operations, since(3));
  }
};

struct DescribeGroupsResponse {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string client_id;
    std::string client_host;
    Bytes member_metadata;
    Bytes member_assignment;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("GroupInstanceId", self.group_instance_id, since(4).nullable(4));
      io("ClientId", self.client_id);
      io("ClientHost", self.client_host);
      io("MemberMetadata", self.member_metadata);
      io("MemberAssignment", self.member_assignment);
    }
  };
  struct Group {
    std::int16_t error_code = 0;
    std::string group_id;
    std::string group_state;
    std::string protocol_type;
    std::string protocol_data;  // the name of the protocol that was chosen
    std::vector<Member> members;
    std::int32_t authorized_operations = kNoAuthorizedOperations;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("GroupId", self.group_id);
      io("GroupState", self.group_state);
      io("ProtocolType", self.protocol_type);
      io("ProtocolData", self.protocol_data);
      io("Members", self.members);
      io("AuthorizedOperations", self.authorized_operations, since(3));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("Groups", self.groups);
  }
};

}  // namespace logcask::kafka
