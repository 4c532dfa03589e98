#pragma once
// JoinGroup: a member comes to its group, or comes back to it; the answer tells the generation, and the leader the
// members to assign partitions to. With an instance id the member is a static one (version 5, KIP-345).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct JoinGroupRequest {
  struct Protocol {
    std::string_view name;
    BytesView metadata;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Metadata", self.metadata);
    }
  };
  std::string_view group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;  // -1: as long as the session's, for version 0 has none of its own
  std::string_view member_id;              // empty: a new member
  std::optional<std::string_view> group_instance_id;
  std::string_view protocol_type;
  std::vector<Protocol> protocols;  // the one the member likes best comes first
  std::optional<std::string_view> reason;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("SessionTimeoutMs", self.session_timeout_ms);
    io("RebalanceTimeoutMs", self.rebalance_timeout_ms, since(1));
    io("MemberId", self.member_id);
    io("GroupInstanceId", self.group_instance_id, since(5).nullable(5));
    io("ProtocolType", self.protocol_type);
    io("Protocols", self.protocols);
    io("Reason", self.reason, since(8).nullable(8));
  }
};

struct JoinGroupResponse {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    Bytes metadata;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("GroupInstanceId", self.group_instance_id, since(5).nullable(5));
      io("Metadata", self.metadata);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;  // the leader hands in no assignments: those that stand go on (KIP-814)
  std::string member_id;
  std::vector<Member> members;  // for the leader alone

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(2));
    io("ErrorCode", self.error_code);
    io("GenerationId", self.generation_id);
    io("ProtocolType", self.protocol_type, since(7).nullable(7));
    io("ProtocolName", self.protocol_name, always().nullable(7));
    io("Leader", self.leader);
    io("SkipAssignment", self.skip_assignment, since(9));
    io("MemberId", self.member_id);
    io("Members", self.members);
  }
};

}  // namespace logcask::kafka
