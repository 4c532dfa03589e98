#pragma once
// ListPartitionReassignments: which partitions are on their way to other brokers (KIP-455).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ListPartitionReassignmentsRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partition_indexes;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("PartitionIndexes", self.partition_indexes);
    }
  };
  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<Topic>> topics;  // nothing: all

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TimeoutMs", self.timeout_ms);
    io("Topics", self.topics, always().nullable());
  }
};

struct ListPartitionReassignmentsResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> replicas;
    std::vector<std::int32_t> adding_replicas;
    std::vector<std::int32_t> removing_replicas;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("Replicas", self.replicas);
      io("AddingReplicas", self.adding_replicas);
      io("RemovingReplicas", self.removing_replicas);
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
  std::int16_t error_code = 0;
  std::optional<std::string> error_message;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code);
    io("ErrorMessage", self.error_message, always().nullable());
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
