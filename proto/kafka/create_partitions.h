#pragma once
// CreatePartitions: a topic gets more partitions (KIP-195).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct CreatePartitionsRequest {
  struct Assignment {
    std::vector<std::int32_t> broker_ids;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("BrokerIds", self.broker_ids);
    }
  };
  struct Topic {
    std::string_view name;
    std::int32_t count = 0;                              // how many there are to be, the old ones among them
    std::optional<std::vector<Assignment>> assignments;  // of the new ones; nothing: as the broker likes

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("Count", self.count);
      io("Assignments", self.assignments, always().nullable());
    }
  };
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics);
    io("TimeoutMs", self.timeout_ms);
    io("ValidateOnly", self.validate_only);
  }
};

struct CreatePartitionsResponse {
  struct Topic {
    std::string name;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name);
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> results;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Results", self.results);
  }
};

}  // namespace logcask::kafka
