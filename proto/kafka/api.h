#pragma once
// The requests this broker answers on the Kafka wire, and in which versions.
//
// One table: the listener, ApiVersions, the tests and docs/KAFKA.md all read it. What is not in it is not advertised.

#include <cstdint>
#include <span>
#include <string_view>

#include "proto/kafka/fields.h"

namespace logcask::kafka {

enum class ApiKey : std::int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_commit = 8,
  offset_fetch = 9,
  find_coordinator = 10,
  join_group = 11,
  heartbeat = 12,
  leave_group = 13,
  sync_group = 14,
  describe_groups = 15,
  list_groups = 16,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
  delete_records = 21,
  init_producer_id = 22,
  offset_for_leader_epoch = 23,
  describe_configs = 32,
  alter_configs = 33,
  alter_replica_log_dirs = 34,
  describe_log_dirs = 35,
  create_partitions = 37,
  delete_groups = 42,
  elect_leaders = 43,
  incremental_alter_configs = 44,
  alter_partition_reassignments = 45,
  list_partition_reassignments = 46,
  offset_delete = 47,
  describe_cluster = 60,
  describe_producers = 61,
  consumer_group_heartbeat = 68,
  consumer_group_describe = 69,
};

struct Api {
  ApiKey key;
  std::string_view name;
  std::int16_t min_version;  // as advertised
  std::int16_t max_version;
  std::int16_t flexible_since;  // kNewest: in no version
  std::int16_t served_since;    // older ones are advertised and refused

  bool serves(std::int16_t version) const { return version >= served_since && version <= max_version; }
  Layout layout(std::int16_t version) const { return {version, version >= flexible_since}; }
};

std::span<const Api> apis();
// Null when this broker does not know it.
const Api* find_api(std::int16_t key);

}  // namespace logcask::kafka
