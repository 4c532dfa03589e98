#pragma once
// OffsetForLeaderEpoch: where the records of a leader's epoch end, so that a consumer sees whether its log was cut
// (KIP-320).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct OffsetForLeaderEpochRequest {
  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;  // -1: not checked
    std::int32_t leader_epoch = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Partition", self.partition);
      io("CurrentLeaderEpoch", self.current_leader_epoch, since(2));
      io("LeaderEpoch", self.leader_epoch);
    }
  };
  struct Topic {
    std::string_view topic;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("Partitions", self.partitions);
    }
  };
  std::int32_t replica_id = -2;  // a consumer has -1; -2: a version that does not say
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ReplicaId", self.replica_id, since(3));
    io("Topics", self.topics);
  }
};

struct OffsetForLeaderEpochResponse {
  struct Partition {
    std::int16_t error_code = 0;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t end_offset = -1;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("Partition", self.partition);
      io("LeaderEpoch", self.leader_epoch, since(1));
      io("EndOffset", self.end_offset);
    }
  };
  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("Partitions", self.partitions);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(2));
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
