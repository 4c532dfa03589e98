#pragma once
// ListOffsets: the offset of a moment, or one of the special times below.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;
inline constexpr std::int64_t kMaxTimestamp = -3;            // of the record with the highest timestamp (KIP-734)
inline constexpr std::int64_t kEarliestLocalTimestamp = -4;  // as the earliest: nothing lies elsewhere (KIP-405)
inline constexpr std::int64_t kLatestTieredTimestamp = -5;   // of records that lie elsewhere: there are none (KIP-1005)

struct ListOffsetsRequest {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t timestamp = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("CurrentLeaderEpoch", self.current_leader_epoch, since(4));
      io("Timestamp", self.timestamp);
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
  std::int32_t replica_id = -1;
  std::int8_t isolation_level = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ReplicaId", self.replica_id);
    io("IsolationLevel", self.isolation_level, since(2));
    io("Topics", self.topics);
  }
};

struct ListOffsetsResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;
    std::int64_t timestamp = -1;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("ErrorCode", self.error_code);
      io("Timestamp", self.timestamp, since(1));
      io("Offset", self.offset, since(1));
      io("LeaderEpoch", self.leader_epoch, since(4));
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
    io("ThrottleTimeMs", self.throttle_time_ms, since(2));
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
