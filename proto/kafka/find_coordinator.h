#pragma once
// FindCoordinator: which broker keeps a group. From version 4 on for several groups in one request (KIP-699).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

// What a key of FindCoordinator stands for.
enum class CoordinatorKind : std::int8_t { group = 0, transaction = 1 };

struct FindCoordinatorRequest {
  std::string_view key;
  std::int8_t key_type = 0;
  std::vector<std::string_view> coordinator_keys;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Key", self.key, until(3));
    io("KeyType", self.key_type, since(1));
    io("CoordinatorKeys", self.coordinator_keys, since(4));
  }
};

struct FindCoordinatorResponse {
  struct Coordinator {
    std::string key;
    std::int32_t node_id = -1;
    std::string host;
    std::int32_t port = -1;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("Key", self.key);
      io("NodeId", self.node_id);
      io("Host", self.host);
      io("Port", self.port);
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
    }
  };
  std::int32_t throttle_time_ms = 0;
  // Up to version 3: of the one key.
  std::int16_t error_code = 0;
  std::optional<std::string> error_message;
  std::int32_t node_id = -1;
  std::string host;
  std::int32_t port = -1;
  // From version 4 on.
  std::vector<Coordinator> coordinators;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms, since(1));
    io("ErrorCode", self.error_code, until(3));
    io("ErrorMessage", self.error_message, within(1, 3).nullable(1, 3));
    io("NodeId", self.node_id, until(3));
    io("Host", self.host, until(3));
    io("Port", self.port, until(3));
    io("Coordinators", self.coordinators, since(4));
  }
};

}  // namespace logcask::kafka
