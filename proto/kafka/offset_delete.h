#pragma once
// OffsetDelete: a group forgets where it is in some partitions (KIP-496).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct OffsetDeleteRequest {
  struct Partition {
    std::int32_t partition_index = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
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
  std::string_view group_id;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("Topics", self.topics);
  }
};

struct OffsetDeleteResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
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
  std::int16_t error_code = 0;
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ErrorCode", self.error_code);
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
