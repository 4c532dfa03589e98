#pragma once
// OffsetFetch: up to where a group has read. From version 8 on for several groups in one request (KIP-709), from
// version 10 on topics have ids in place of names.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct OffsetFetchRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partition_indexes;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("PartitionIndexes", self.partition_indexes);
    }
  };
  struct Group {
    std::string_view group_id;
    std::optional<std::string_view> member_id;
    std::int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics;  // nothing: all that the group has committed

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("GroupId", self.group_id);
      io("MemberId", self.member_id, since(9).nullable(9));
      io("MemberEpoch", self.member_epoch, since(9));
      io("Topics", self.topics, always().nullable());
    }
  };
  // Up to version 7: of the one group.
  std::string_view group_id;
  std::optional<std::vector<Topic>> topics;  // nothing: all that the group has committed
  // From version 8 on.
  std::vector<Group> groups;
  bool require_stable = false;  // in both

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id, until(7));
    io("Topics", self.topics, until(7).nullable(2, 7));
    io("Groups", self.groups, since(8));
    io("RequireStable", self.require_stable, since(7));
  }
};

struct OffsetFetchResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = -1;  // -1: the group has committed none
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("CommittedOffset", self.committed_offset);
      io("CommittedLeaderEpoch", self.committed_leader_epoch, since(5));
      io("Metadata", self.metadata, always().nullable());
      io("ErrorCode", self.error_code);
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Partitions", self.partitions);
    }
  };
  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("GroupId", self.group_id);
      io("Topics", self.topics);
      io("ErrorCode", self.error_code);
    }
  };
  std::int32_t throttle_time_ms = 0;
  // Up to version 7: of the one group.
  std::vector<Topic> topics;
  std::int16_t error_code = 0;
  // From version 8 on.
  std::vector<Group> groups;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(3));
    io("Topics", self.topics, until(7));
    io("ErrorCode", self.error_code, within(2, 7));
    io("Groups", self.groups, since(8));
  }
};

}  // namespace logcask::kafka
