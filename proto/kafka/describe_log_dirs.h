#pragma once
// DescribeLogDirs: how many bytes each partition takes on disk (KIP-113), and how many there are (KIP-827).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DescribeLogDirsRequest {
  struct Topic {
    std::string_view topic;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Topic", self.topic);
      io("Partitions", self.partitions);
    }
  };
  std::optional<std::vector<Topic>> topics;  // nothing: all

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics, always().nullable());
  }
};

struct DescribeLogDirsResponse {
  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t partition_size = 0;
    std::int64_t offset_lag = 0;  // how far a replica is behind its partition's end
    bool is_future_key = false;   // it is being moved here from another directory

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("PartitionSize", self.partition_size);
      io("OffsetLag", self.offset_lag);
      io("IsFutureKey", self.is_future_key);
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
  struct LogDir {
    std::int16_t error_code = 0;
    std::string log_dir;
    std::vector<Topic> topics;
    std::int64_t total_bytes = -1;   // of the volume; -1: not known
    std::int64_t usable_bytes = -1;  // free on the volume; -1: not known

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("LogDir", self.log_dir);
      io("Topics", self.topics);
      io("TotalBytes", self.total_bytes, since(4));
      io("UsableBytes", self.usable_bytes, since(4));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::vector<LogDir> results;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code, since(3));
    io("Results", self.results);
  }
};

}  // namespace logcask::kafka
