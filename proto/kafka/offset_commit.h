#pragma once
// OffsetCommit: up to where a group has read. From version 10 on topics have ids in place of names.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct OffsetCommitRequest {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;  // of the record to read next
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string_view> committed_metadata;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("CommittedOffset", self.committed_offset);
      io("CommittedLeaderEpoch", self.committed_leader_epoch, since(6));
      io("CommittedMetadata", self.committed_metadata, always().nullable());
    }
  };
  struct Topic {
    std::string_view name;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Partitions", self.partitions);
    }
  };
  std::string_view group_id;
  std::int32_t generation_id = -1;  // -1, with no member id: whoever commits is no member
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::int64_t retention_time_ms = -1;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("GenerationIdOrMemberEpoch", self.generation_id, since(1));
    io("MemberId", self.member_id, since(1));
    io("GroupInstanceId", self.group_instance_id, since(7).nullable(7));
    io("RetentionTimeMs", self.retention_time_ms, within(2, 4));
    io("Topics", self.topics);
  }
};

struct OffsetCommitResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
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
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(3));
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
