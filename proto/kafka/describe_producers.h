#pragma once
// DescribeProducers: the producers whose sequence numbers a partition knows (KIP-664).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DescribeProducersRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partition_indexes;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("PartitionIndexes", self.partition_indexes);
    }
  };
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics);
  }
};

struct DescribeProducersResponse {
  struct Producer {
    std::int64_t producer_id = -1;
    std::int32_t producer_epoch = -1;
    std::int32_t last_sequence = -1;
    std::int64_t last_timestamp = -1;
    std::int32_t coordinator_epoch = -1;  // of transactions, as the next one
    std::int64_t current_txn_start_offset = -1;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ProducerId", self.producer_id);
      io("ProducerEpoch", self.producer_epoch);
      io("LastSequence", self.last_sequence);
      io("LastTimestamp", self.last_timestamp);
      io("CoordinatorEpoch", self.coordinator_epoch);
      io("CurrentTxnStartOffset", self.current_txn_start_offset);
    }
  };
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    std::vector<Producer> producers;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
      io("ActiveProducers", self.producers);
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
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
