#pragma once
// Everything the Kafka protocol may call, and its settings. Outlives every connection.

#include <cstdint>
#include <optional>
#include <string>

#include "broker/kafka/fetch_sessions.h"
#include "broker/net/limits.h"
#include "broker/net/wire_memory.h"
#include "broker/services/admin_service.h"
#include "broker/services/fetch_service.h"
#include "broker/services/group_admin.h"
#include "broker/services/offsets_service.h"
#include "broker/services/produce_service.h"
#include "broker/services/producer_id_service.h"
#include "broker/settings/socket_address.h"

namespace logcask {

struct KafkaSettings {
  std::int32_t node_id = 0;                 // the broker's number: it is the only one
  std::optional<SocketAddress> advertised;  // nothing: where the connection that asks has arrived
  bool auto_create_topics = true;
  std::int64_t num_partitions = 4;  // of topics made through this listener without a number
  std::string cleanup_policy = "delete";
};

struct KafkaServices {
  ProduceService& produce;
  FetchService& fetch;
  OffsetsService& offsets;
  ProducerIdService& producer_ids;
  AdminService& admin;
  GroupsService& groups;
  GroupCoordinator& coordinator;
  ConsumerGroupCoordinator& consumer_groups;
  GroupAdmin& group_admin;
  Executor& blocking;  // for calls that wait for the disk
  WireMemory& memory;
  FetchSessions& fetch_sessions;
  const ConnectionLimits& limits;
  KafkaSettings settings;
};

}  // namespace logcask
