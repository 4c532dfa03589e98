#pragma once
// DeleteTopics: by name, from version 6 on also by id.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct DeleteTopicsRequest {
  struct Topic {
    std::optional<std::string_view> name;
    TopicId topic_id;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name, since(6).nullable(6));
      io("TopicId", self.topic_id, since(6));
    }
  };
  std::vector<Topic> topics;
  std::vector<std::string_view> topic_names;
  std::int32_t timeout_ms = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics, since(6));
    io("TopicNames", self.topic_names, until(5));
    io("TimeoutMs", self.timeout_ms);
  }
};

struct DeleteTopicsResponse {
  struct Topic {
    std::optional<std::string> name;
    TopicId topic_id;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Name", self.name, always().nullable(6));
      io("TopicId", self.topic_id, since(6));
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, since(5).nullable(5));
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> responses;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("Responses", self.responses);
  }
};

}  // namespace logcask::kafka
