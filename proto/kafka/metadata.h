#pragma once
// Metadata: the brokers, and the topics with their partitions. Asking for a topic may make it (KIP-361).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct MetadataRequest {
  struct Topic {
    TopicId topic_id;
    std::optional<std::string_view> name;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicId", self.topic_id, since(10));
      io("Name", self.name, always().nullable(10));
    }
  };
  std::optional<std::vector<Topic>> topics;  // nothing: all; in version 0 an empty list says so
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics, always().nullable(1));
    io("AllowAutoTopicCreation", self.allow_auto_topic_creation, since(4));
    io("IncludeClusterAuthorizedOperations", self.include_cluster_authorized_operations, within(8, 10));
    io("IncludeTopicAuthorizedOperations", self.include_topic_authorized_operations, since(8));
  }
};

struct MetadataResponse {
  struct Broker {
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("NodeId", self.node_id);
      io("Host", self.host);
      io("Port", self.port);
      io("Rack", self.rack, since(1).nullable(1));
    }
  };
  struct Partition {
    std::int16_t error_code = 0;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes;
    std::vector<std::int32_t> isr_nodes;
    std::vector<std::int32_t> offline_replicas;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("PartitionIndex", self.partition_index);
      io("LeaderId", self.leader_id);
      io("LeaderEpoch", self.leader_epoch, since(7));
      io("ReplicaNodes", self.replica_nodes);
      io("IsrNodes", self.isr_nodes);
      io("OfflineReplicas", self.offline_replicas, since(5));
    }
  };
  struct Topic {
    std::int16_t error_code = 0;
    std::optional<std::string> name;
    TopicId topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    std::int32_t topic_authorized_operations = kNoAuthorizedOperations;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("Name", self.name, always().nullable(12));
      io("TopicId", self.topic_id, since(10));
      io("IsInternal", self.is_internal, since(1));
      io("Partitions", self.partitions);
      io("TopicAuthorizedOperations", self.topic_authorized_operations, since(8));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Topic> topics;
  std::int32_t cluster_authorized_operations = kNoAuthorizedOperations;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(3));
    io("Brokers", self.brokers);
    io("ClusterId", self.cluster_id, since(2).nullable(2));
    io("ControllerId", self.controller_id, since(1));
    io("Topics", self.topics);
    io("ClusterAuthorizedOperations", self.cluster_authorized_operations, within(8, 10));
  }
};

}  // namespace logcask::kafka
