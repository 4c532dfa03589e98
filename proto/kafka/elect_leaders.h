#pragma once
// ElectLeaders: partitions are to be led by the first of their replicas, or by one that is behind (KIP-460).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

enum class ElectionType : std::int8_t {
  preferred = 0,
  unclean = 1,
};

struct ElectLeadersRequest {
  struct Topic {
    std::string_view topic;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("Partitions", self.partitions);
    }
  };
  std::int8_t election_type = 0;
  std::optional<std::vector<Topic>> topics;  // nothing: all
  std::int32_t timeout_ms = 60000;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ElectionType", self.election_type, since(1));
    io("TopicPartitions", self.topics, always().nullable());
    io("TimeoutMs", self.timeout_ms);
  }
};

struct ElectLeadersResponse {
  struct Partition {
    std::int32_t partition_id = 0;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionId", self.partition_id);
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
    }
  };
  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("PartitionResult", self.partitions);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code, since(1));
    io("ReplicaElectionResults", self.topics);
  }
};

}  // namespace logcask::kafka
