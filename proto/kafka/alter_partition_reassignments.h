#pragma once
// AlterPartitionReassignments: partitions are to move to other brokers, or stay where they were (KIP-455).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct AlterPartitionReassignmentsRequest {
  struct Partition {
    std::int32_t partition_index = 0;
    std::optional<std::vector<std::int32_t>> replicas;  // nothing: what is under way is to end

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("Replicas", self.replicas, always().nullable());
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
  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TimeoutMs", self.timeout_ms);
    io("AllowReplicationFactorChange", self.allow_replication_factor_change, since(1));
    io("Topics", self.topics);
  }
};

struct AlterPartitionReassignmentsResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
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
  bool allow_replication_factor_change = true;
  std::int16_t error_code = 0;
  std::optional<std::string> error_message;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("AllowReplicationFactorChange", self.allow_replication_factor_change, since(1));
    io("ErrorCode", self.error_code);
    io("ErrorMessage", self.error_message, always().nullable());
    io("Responses", self.topics);
  }
};

}  // namespace logcask::kafka
