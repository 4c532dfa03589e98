#pragma once
// AlterReplicaLogDirs: partitions are to lie in another of the broker's directories (KIP-113).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct AlterReplicaLogDirsRequest {
  struct Topic {
    std::string_view name;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Partitions", self.partitions);
    }
  };
  struct Directory {
    std::string_view path;
    std::vector<Topic> topics;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Path", self.path);
      io("Topics", self.topics);
    }
  };
  std::vector<Directory> directories;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Dirs", self.directories);
  }
};

struct AlterReplicaLogDirsResponse {
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
      io("TopicName", self.name);
      io("Partitions", self.partitions);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Results", self.topics);
  }
};

}  // namespace logcask::kafka
