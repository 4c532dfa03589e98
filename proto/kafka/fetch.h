#pragma once
// Fetch: record batches of several partitions, as they stand in the log; waits for them for a while. Within a fetch
// session (KIP-227) request and answer name only what has changed.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

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
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("Partitions", self.partitions);
    }
  };
  struct ForgottenTopic {
    std::string_view topic;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic, since(7));
      io("Partitions", self.partitions, since(7));
    }
  };
  std::optional<std::string_view> cluster_id;
  std::int32_t replica_id = -1;
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
    io("ReplicaId", self.replica_id);
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
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;
    std::int64_t high_watermark = -1;
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
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
  std::int16_t error_code = 0;
  std::int32_t session_id = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code, since(7));
    io("SessionId", self.session_id, since(7));
    io("Responses", self.topics);
  }
};

}  // namespace logcask::kafka
