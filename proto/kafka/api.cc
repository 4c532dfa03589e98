#include "proto/kafka/api.h"

#include <algorithm>
#include <array>

namespace logcask::kafka {
namespace {

constexpr std::array kApis = {
    // Produce below 3 carries message formats that the log does not hold. It is advertised all the same: librdkafka
    // before 2.11.1 compresses nothing for a broker whose oldest Produce is above 0 (KAFKA-18659).
    Api{ApiKey::produce, "Produce", 0, 11, 9, 3},
    // What 18 adds is between brokers.
    Api{ApiKey::fetch, "Fetch", 4, 17, 12, 4},
    // Version 0 means something else: a list of offsets.
    Api{ApiKey::list_offsets, "ListOffsets", 1, 9, 6, 1},
    Api{ApiKey::metadata, "Metadata", 0, 12, 9, 0},
    // From 10 on topics have ids in place of names, here and in OffsetFetch.
    Api{ApiKey::offset_commit, "OffsetCommit", 2, 9, 8, 2},
    Api{ApiKey::offset_fetch, "OffsetFetch", 1, 9, 6, 1},
    Api{ApiKey::find_coordinator, "FindCoordinator", 0, 4, 3, 0},
    Api{ApiKey::join_group, "JoinGroup", 0, 9, 6, 0},
    Api{ApiKey::heartbeat, "Heartbeat", 0, 4, 4, 0},
    Api{ApiKey::leave_group, "LeaveGroup", 0, 5, 4, 0},
    Api{ApiKey::sync_group, "SyncGroup", 0, 5, 4, 0},
    Api{ApiKey::describe_groups, "DescribeGroups", 0, 5, 5, 0},
    Api{ApiKey::list_groups, "ListGroups", 0, 5, 3, 0},
    Api{ApiKey::api_versions, "ApiVersions", 0, 4, 3, 0},
    Api{ApiKey::create_topics, "CreateTopics", 2, 7, 5, 2},
    Api{ApiKey::delete_topics, "DeleteTopics", 1, 6, 4, 1},
    Api{ApiKey::delete_records, "DeleteRecords", 0, 2, 2, 0},
    Api{ApiKey::init_producer_id, "InitProducerId", 0, 4, 2, 0},
    Api{ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 2, 4, 4, 2},
    Api{ApiKey::describe_configs, "DescribeConfigs", 1, 4, 4, 1},
    Api{ApiKey::alter_configs, "AlterConfigs", 0, 2, 2, 0},
    Api{ApiKey::alter_replica_log_dirs, "AlterReplicaLogDirs", 1, 2, 2, 1},
    Api{ApiKey::describe_log_dirs, "DescribeLogDirs", 1, 4, 2, 1},
    Api{ApiKey::create_partitions, "CreatePartitions", 0, 3, 2, 0},
    Api{ApiKey::delete_groups, "DeleteGroups", 0, 2, 2, 0},
    Api{ApiKey::elect_leaders, "ElectLeaders", 0, 2, 2, 0},
    Api{ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 0, 1, 1, 0},
    Api{ApiKey::alter_partition_reassignments, "AlterPartitionReassignments", 0, 1, 0, 0},
    Api{ApiKey::list_partition_reassignments, "ListPartitionReassignments", 0, 0, 0, 0},
    Api{ApiKey::offset_delete, "OffsetDelete", 0, 0, kNewest, 0},
    Api{ApiKey::describe_cluster, "DescribeCluster", 0, 1, 0, 0},
    Api{ApiKey::describe_producers, "DescribeProducers", 0, 0, 0, 0},
    Api{ApiKey::consumer_group_heartbeat, "ConsumerGroupHeartbeat", 0, 1, 0, 0},
    Api{ApiKey::consumer_group_describe, "ConsumerGroupDescribe", 0, 1, 0, 0},
};

}  // namespace

std::span<const Api> apis() { return kApis; }

const Api* find_api(std::int16_t key) {
  const auto found = std::find_if(kApis.begin(), kApis.end(),
                                  [&](const Api& api) { return static_cast<std::int16_t>(api.key) == key; });
  return found == kApis.end() ? nullptr : &*found;
}

}  // namespace logcask::kafka
