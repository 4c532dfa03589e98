#pragma once
// Fetch: record batches of several partitions, as they stand in the log; waits for them for a while. Within a fetch
// session (KIP-227) request and answer name only what has changed. From kFetchTopicIdsSince on topics have ids in place
// of names (KIP-516): the other one of the two is empty.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

inline constexpr std::int16_t kFetchTopicIdsSince = 13;
inline constexpr std::int16_t kFetchLeadersSince = 16;  // an error may name the leader and where it is (KIP-951)

struct FetchRequest {
  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t fetch_offset = 0;
    std::int32_t last_fetched_epoch = -1;
    std::int64_t log_start_offset = -1;
    std::int32_t partition_max_bytes = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Partition", self.partition);
      io("CurrentLeaderEpoch", self.current_leader_epoch, since(9));
      io("FetchOffset", self.fetch_offset);
      io("LastFetchedEpoch", self.last_fetched_epoch, since(12));
      io("LogStartOffset", self.log_start_offset, since(5));
      io("PartitionMaxBytes", self.partition_max_bytes);
    }
  };
  struct Topic {
    std::string_view topic;
    TopicId topic_id;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic, until(kFetchTopicIdsSince - 1));
      io("TopicId", self.topic_id, since(kFetchTopicIdsSince));
      io("Partitions", self.partitions);
    }
  };
  struct ForgottenTopic {
    std::string_view topic;
    TopicId topic_id;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic, within(7, kFetchTopicIdsSince - 1));
      io("TopicId", self.topic_id, since(kFetchTopicIdsSince));
      io("Partitions", self.partitions, since(7));
    }
  };
  // Of a broker that follows (KIP-903); -1: a consumer.
  struct ReplicaState {
    std::int32_t replica_id = -1;
    std::int64_t replica_epoch = -1;
    friend bool operator==(const ReplicaState&, const ReplicaState&) = default;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ReplicaId", self.replica_id, since(15));
      io("ReplicaEpoch", self.replica_epoch, since(15));
    }
  };
  std::optional<std::string_view> cluster_id;
  std::int32_t replica_id = -1;  // from 15 on in replica_state
  ReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = INT32_MAX;
  std::int8_t isolation_level = 0;  // 0: read uncommitted, 1: read committed
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics;
  std::string_view rack_id;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ReplicaId", self.replica_id, until(14));
    io("MaxWaitMs", self.max_wait_ms);
    io("MinBytes", self.min_bytes);
    io("MaxBytes", self.max_bytes, since(3));
    io("IsolationLevel", self.isolation_level, since(4));
    io("SessionId", self.session_id, since(7));
    io("SessionEpoch", self.session_epoch, since(7));
    io("Topics", self.topics);
    io("ForgottenTopicsData", self.forgotten_topics, since(7));
    io("RackId", self.rack_id, since(11));
    io.tagged(0, "ClusterId", self.cluster_id, since(12).nullable(12));
    io.tagged(1, "ReplicaState", self.replica_state, since(15));
  }
};

struct FetchResponse {
  struct AbortedTransaction {
    std::int64_t producer_id = 0;
    std::int64_t first_offset = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ProducerId", self.producer_id, since(4));
      io("FirstOffset", self.first_offset, since(4));
    }
  };
  struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;
    friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("LeaderId", self.leader_id, since(12));
      io("LeaderEpoch", self.leader_epoch, since(12));
    }
  };
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;
    std::int64_t high_watermark = -1;
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    LeaderIdAndEpoch current_leader;
    std::optional<std::vector<AbortedTransaction>> aborted_transactions;  // nothing: read uncommitted
    std::int32_t preferred_read_replica = -1;
    Records records;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("ErrorCode", self.error_code);
      io("HighWatermark", self.high_watermark);
      io("LastStableOffset", self.last_stable_offset, since(4));
      io("LogStartOffset", self.log_start_offset, since(5));
      io("AbortedTransactions", self.aborted_transactions, since(4).nullable(4));
      io("PreferredReadReplica", self.preferred_read_replica, since(11));
      io("Records", self.records, always().nullable());
      io.tagged(1, "CurrentLeader", self.current_leader, since(12));
    }
  };
  struct Topic {
    std::string topic;
    TopicId topic_id;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic, until(kFetchTopicIdsSince - 1));
      io("TopicId", self.topic_id, since(kFetchTopicIdsSince));
      io("Partitions", self.partitions);
    }
  };
  // Where the leaders are that the partitions name.
  struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("NodeId", self.node_id, since(kFetchLeadersSince));
      io("Host", self.host, since(kFetchLeadersSince));
      io("Port", self.port, since(kFetchLeadersSince));
      io("Rack", self.rack, since(kFetchLeadersSince).nullable(kFetchLeadersSince));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int32_t session_id = 0;
  std::vector<Topic> topics;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code, since(7));
    io("SessionId", self.session_id, since(7));
    io("Responses", self.topics);
    io.tagged(0, "NodeEndpoints", self.node_endpoints, since(kFetchLeadersSince));
  }
};

}  // namespace logcask::kafka
