#pragma once
// DeleteRecords: what stands below an offset goes (KIP-107).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DeleteRecordsRequest {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t offset = 0;  // of the first record that stays; -1: none stays

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("Offset", self.offset);
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
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics);
    io("TimeoutMs", self.timeout_ms);
  }
};

struct DeleteRecordsResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t low_watermark = -1;  // where the log begins now
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("LowWatermark", self.low_watermark);
      io("ErrorCode", self.error_code);
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
