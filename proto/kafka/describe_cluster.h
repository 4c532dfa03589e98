#pragma once
// DescribeCluster: the brokers, as Metadata has them, without the topics (KIP-700).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

// Whose addresses are asked for, and given: the brokers' or the controllers' (KIP-919).
enum class EndpointType : std::int8_t { broker = 1, controller = 2 };

struct DescribeClusterRequest {
  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("IncludeClusterAuthorizedOperations", self.include_cluster_authorized_operations);
    io("EndpointType", self.endpoint_type, since(1));
  }
};

struct DescribeClusterResponse {
  struct Broker {
    std::int32_t broker_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("BrokerId", self.broker_id);
      io("Host", self.host);
      io("Port", self.port);
      io("Rack", self.rack, always().nullable());
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string> error_message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Broker> brokers;
  std::int32_t cluster_authorized_operations = kNoAuthorizedOperations;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code);
    io("ErrorMessage", self.error_message, always().nullable());
    io("EndpointType", self.endpoint_type, since(1));
    io("ClusterId", self.cluster_id);
    io("ControllerId", self.controller_id);
    io("Brokers", self.brokers);
    io("ClusterAuthorizedOperations", self.cluster_authorized_operations);
  }
};

}  // namespace logcask::kafka
