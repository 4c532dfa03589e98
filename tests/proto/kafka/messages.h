#pragma once
// Every message of the Kafka wire that has a description, for the tests that hold all of them to the same promise.

#include "proto/kafka/alter_configs.h"
#include "proto/kafka/alter_partition_reassignments.h"
#include "proto/kafka/alter_replica_log_dirs.h"
#include "proto/kafka/api.h"
#include "proto/kafka/api_versions.h"
#include "proto/kafka/consumer_group_describe.h"
#include "proto/kafka/consumer_group_heartbeat.h"
#include "proto/kafka/create_partitions.h"
#include "proto/kafka/create_topics.h"
#include "proto/kafka/delete_groups.h"
#include "proto/kafka/delete_records.h"
#include "proto/kafka/delete_topics.h"
#include "proto/kafka/describe_cluster.h"
#include "proto/kafka/describe_configs.h"
#include "proto/kafka/describe_groups.h"
#include "proto/kafka/describe_log_dirs.h"
#include "proto/kafka/describe_producers.h"
#include "proto/kafka/elect_leaders.h"
#include "proto/kafka/fetch.h"
#include "proto/kafka/find_coordinator.h"
#include "proto/kafka/heartbeat.h"
#include "proto/kafka/incremental_alter_configs.h"
#include "proto/kafka/init_producer_id.h"
#include "proto/kafka/join_group.h"
#include "proto/kafka/leave_group.h"
#include "proto/kafka/list_groups.h"
#include "proto/kafka/list_offsets.h"
#include "proto/kafka/list_partition_reassignments.h"
#include "proto/kafka/metadata.h"
#include "proto/kafka/offset_commit.h"
#include "proto/kafka/offset_delete.h"
#include "proto/kafka/offset_fetch.h"
#include "proto/kafka/offset_for_leader_epoch.h"
#include "proto/kafka/produce.h"
#include "proto/kafka/sync_group.h"

namespace logcask::kafka {

// `visit(key, message)` for the request, and for the response, of each api; the messages have their defaults.
template <class Visit>
void each_request(Visit&& visit) {
  visit(ApiKey::produce, ProduceRequest{});
  visit(ApiKey::fetch, FetchRequest{});
  visit(ApiKey::list_offsets, ListOffsetsRequest{});
  visit(ApiKey::metadata, MetadataRequest{});
  visit(ApiKey::offset_commit, OffsetCommitRequest{});
  visit(ApiKey::offset_fetch, OffsetFetchRequest{});
  visit(ApiKey::find_coordinator, FindCoordinatorRequest{});
  visit(ApiKey::join_group, JoinGroupRequest{});
  visit(ApiKey::heartbeat, HeartbeatRequest{});
  visit(ApiKey::leave_group, LeaveGroupRequest{});
  visit(ApiKey::sync_group, SyncGroupRequest{});
  visit(ApiKey::describe_groups, DescribeGroupsRequest{});
  visit(ApiKey::list_groups, ListGroupsRequest{});
  visit(ApiKey::api_versions, ApiVersionsRequest{});
  visit(ApiKey::create_topics, CreateTopicsRequest{});
  visit(ApiKey::delete_topics, DeleteTopicsRequest{});
  visit(ApiKey::delete_records, DeleteRecordsRequest{});
  visit(ApiKey::init_producer_id, InitProducerIdRequest{});
  visit(ApiKey::offset_for_leader_epoch, OffsetForLeaderEpochRequest{});
  visit(ApiKey::describe_configs, DescribeConfigsRequest{});
  visit(ApiKey::alter_configs, AlterConfigsRequest{});
  visit(ApiKey::alter_replica_log_dirs, AlterReplicaLogDirsRequest{});
  visit(ApiKey::describe_log_dirs, DescribeLogDirsRequest{});
  visit(ApiKey::create_partitions, CreatePartitionsRequest{});
  visit(ApiKey::delete_groups, DeleteGroupsRequest{});
  visit(ApiKey::elect_leaders, ElectLeadersRequest{});
  visit(ApiKey::incremental_alter_configs, IncrementalAlterConfigsRequest{});
  visit(ApiKey::alter_partition_reassignments, AlterPartitionReassignmentsRequest{});
  visit(ApiKey::list_partition_reassignments, ListPartitionReassignmentsRequest{});
  visit(ApiKey::offset_delete, OffsetDeleteRequest{});
  visit(ApiKey::describe_cluster, DescribeClusterRequest{});
  visit(ApiKey::describe_producers, DescribeProducersRequest{});
  visit(ApiKey::consumer_group_heartbeat, ConsumerGroupHeartbeatRequest{});
  visit(ApiKey::consumer_group_describe, ConsumerGroupDescribeRequest{});
}
template <class Visit>
void each_response(Visit&& visit) {
  visit(ApiKey::produce, ProduceResponse{});
  visit(ApiKey::fetch, FetchResponse{});
  visit(ApiKey::list_offsets, ListOffsetsResponse{});
  visit(ApiKey::metadata, MetadataResponse{});
  visit(ApiKey::offset_commit, OffsetCommitResponse{});
  visit(ApiKey::offset_fetch, OffsetFetchResponse{});
  visit(ApiKey::find_coordinator, FindCoordinatorResponse{});
  visit(ApiKey::join_group, JoinGroupResponse{});
  visit(ApiKey::heartbeat, HeartbeatResponse{});
  visit(ApiKey::leave_group, LeaveGroupResponse{});
  visit(ApiKey::sync_group, SyncGroupResponse{});
  visit(ApiKey::describe_groups, DescribeGroupsResponse{});
  visit(ApiKey::list_groups, ListGroupsResponse{});
  visit(ApiKey::api_versions, ApiVersionsResponse{});
  visit(ApiKey::create_topics, CreateTopicsResponse{});
  visit(ApiKey::delete_topics, DeleteTopicsResponse{});
  visit(ApiKey::delete_records, DeleteRecordsResponse{});
  visit(ApiKey::init_producer_id, InitProducerIdResponse{});
  visit(ApiKey::offset_for_leader_epoch, OffsetForLeaderEpochResponse{});
  visit(ApiKey::describe_configs, DescribeConfigsResponse{});
  visit(ApiKey::alter_configs, AlterConfigsResponse{});
  visit(ApiKey::alter_replica_log_dirs, AlterReplicaLogDirsResponse{});
  visit(ApiKey::describe_log_dirs, DescribeLogDirsResponse{});
  visit(ApiKey::create_partitions, CreatePartitionsResponse{});
  visit(ApiKey::delete_groups, DeleteGroupsResponse{});
  visit(ApiKey::elect_leaders, ElectLeadersResponse{});
  visit(ApiKey::incremental_alter_configs, IncrementalAlterConfigsResponse{});
  visit(ApiKey::alter_partition_reassignments, AlterPartitionReassignmentsResponse{});
  visit(ApiKey::list_partition_reassignments, ListPartitionReassignmentsResponse{});
  visit(ApiKey::offset_delete, OffsetDeleteResponse{});
  visit(ApiKey::describe_cluster, DescribeClusterResponse{});
  visit(ApiKey::describe_producers, DescribeProducersResponse{});
  visit(ApiKey::consumer_group_heartbeat, ConsumerGroupHeartbeatResponse{});
  visit(ApiKey::consumer_group_describe, ConsumerGroupDescribeResponse{});
}
template <class Visit>
void each_message(Visit&& visit) {
  each_request(visit);
  each_response(visit);
}

inline const Api* row_of(ApiKey key) { return find_api(static_cast<std::int16_t>(key)); }

}  // namespace logcask::kafka
