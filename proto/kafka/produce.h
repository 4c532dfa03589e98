#pragma once
// Produce: one record batch per partition, each taken whole or refused whole.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ProduceRequest {
  struct Partition {
    std::int32_t index = 0;
    Records records;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Index", self.index);
      io("Records", self.records, always().nullable());
    }
  };
  struct Topic {
    std::string_view name;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("PartitionData", self.partitions);
    }
  };
  std::optional<std::string_view> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TransactionalId", self.transactional_id, since(3).nullable(3));
    io("Acks", self.acks);
    io("TimeoutMs", self.timeout_ms);
    io("TopicData", self.topics);
  }
};

struct ProduceResponse {
  struct RecordError {
    std::int32_t batch_index = 0;
    std::optional<std::string> message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("BatchIndex", self.batch_index, since(8));
      io("BatchIndexErrorMessage", self.message, since(8).nullable(8));
    }
  };
  struct Partition {
    std::int32_t index = 0;
    std::int16_t error_code = 0;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time_ms = -1;  // -1: the records keep the times they came with
    std::int64_t log_start_offset = -1;
    std::vector<RecordError> record_errors;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Index", self.index);
      io("ErrorCode", self.error_code);
      io("BaseOffset", self.base_offset);
      io("LogAppendTimeMs", self.log_append_time_ms, since(2));
      io("LogStartOffset", self.log_start_offset, since(5));
      io("RecordErrors", self.record_errors, since(8));
      io("ErrorMessage", self.error_message, since(8).nullable(8));
    }
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("PartitionResponses", self.partitions);
    }
  };
  std::vector<Topic> topics;
  std::int32_t throttle_time_ms = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Responses", self.topics);
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
  }
};

}  // namespace logcask::kafka
