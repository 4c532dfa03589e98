#pragma once
// CreateTopics.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct CreateTopicsRequest {
  struct Assignment {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> broker_ids;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("PartitionIndex", self.partition_index);
      io("BrokerIds", self.broker_ids);
    }
  };
  struct Config {
    std::string_view name;
    std::optional<std::string_view> value;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Value", self.value, always().nullable());
    }
  };
  struct Topic {
    std::string_view name;
    std::int32_t num_partitions = 0;      // -1: the default (KIP-464), or as many as are assigned
    std::int16_t replication_factor = 0;  // -1: the default
    std::vector<Assignment> assignments;
    std::vector<Config> configs;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("NumPartitions", self.num_partitions);
      io("ReplicationFactor", self.replication_factor);
      io("Assignments", self.assignments);
      io("Configs", self.configs);
    }
  };
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 60'000;
  bool validate_only = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics);
    io("timeoutMs", self.timeout_ms);
    io("validateOnly", self.validate_only, since(1));
  }
};

struct CreateTopicsResponse {
  struct Config {
    std::string name;
    std::optional<std::string> value;
    bool read_only = false;
    std::int8_t config_source = -1;
    bool is_sensitive = false;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name, since(5));
      io("Value", self.value, since(5).nullable(5));
      io("ReadOnly", self.read_only, since(5));
      io("ConfigSource", self.config_source, since(5));
      io("IsSensitive", self.is_sensitive, since(5));
    }
  };
  struct Topic {
    std::string name;
    TopicId topic_id;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    std::int16_t topic_config_error_code = 0;
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("TopicId", self.topic_id, since(7));
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, since(1).nullable());
      io("NumPartitions", self.num_partitions, since(5));
      io("ReplicationFactor", self.replication_factor, since(5));
      io("Configs", self.configs, since(5).nullable(5));
      io.tagged(0, "TopicConfigErrorCode", self.topic_config_error_code, since(5));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(2));
    io("Topics", self.topics);
  }
};

}  // namespace logcask::kafka
