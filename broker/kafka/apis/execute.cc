#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/named_partitions.h"
#include "proto/kafka/alter_configs.h"
#include "proto/kafka/alter_partition_reassignments.h"
#include "proto/kafka/alter_replica_log_dirs.h"
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

namespace logcask {
namespace {

template <class Request>
void read_and_handle(KafkaCall call, const kafka::RequestHead& head) {
  Request request;
  kafka::Reader reader(head.message, head.api->layout(head.api_version));
  if (auto read = reader.read(request); !read.ok())
    return call.protocol().fail(
        std::move(read).error().in(std::string(head.api->name) + " version " + std::to_string(head.api_version)));
  if (const std::size_t bytes = named_bytes(request); bytes > kNamedBytesMax)
    return call.protocol().fail(Error{Errc::limit_exceeded, std::string(head.api->name) + " names partitions of " +
                                                                std::to_string(bytes) + " bytes with their topics; " +
                                                                std::to_string(kNamedBytesMax) + " are taken"});
  handle(std::move(call), request);
}

}  // namespace

void execute_kafka(KafkaCall call, const kafka::RequestHead& head) {
  using enum kafka::ApiKey;
  switch (static_cast<kafka::ApiKey>(head.api_key)) {
    case api_versions:
      return handle_api_versions(std::move(call), head.api != nullptr);
    case produce:
      return read_and_handle<kafka::ProduceRequest>(std::move(call), head);
    case fetch:
      return read_and_handle<kafka::FetchRequest>(std::move(call), head);
    case list_offsets:
      return read_and_handle<kafka::ListOffsetsRequest>(std::move(call), head);
    case metadata:
      return read_and_handle<kafka::MetadataRequest>(std::move(call), head);
    case offset_commit:
      return read_and_handle<kafka::OffsetCommitRequest>(std::move(call), head);
    case offset_fetch:
      return read_and_handle<kafka::OffsetFetchRequest>(std::move(call), head);
    case find_coordinator:
      return read_and_handle<kafka::FindCoordinatorRequest>(std::move(call), head);
    case join_group:
      return read_and_handle<kafka::JoinGroupRequest>(std::move(call), head);
    case heartbeat:
      return read_and_handle<kafka::HeartbeatRequest>(std::move(call), head);
    case leave_group:
      return read_and_handle<kafka::LeaveGroupRequest>(std::move(call), head);
    case sync_group:
      return read_and_handle<kafka::SyncGroupRequest>(std::move(call), head);
    case describe_groups:
      return read_and_handle<kafka::DescribeGroupsRequest>(std::move(call), head);
    case list_groups:
      return read_and_handle<kafka::ListGroupsRequest>(std::move(call), head);
    case create_topics:
      return read_and_handle<kafka::CreateTopicsRequest>(std::move(call), head);
    case delete_topics:
      return read_and_handle<kafka::DeleteTopicsRequest>(std::move(call), head);
    case delete_records:
      return read_and_handle<kafka::DeleteRecordsRequest>(std::move(call), head);
    case init_producer_id:
      return read_and_handle<kafka::InitProducerIdRequest>(std::move(call), head);
    case offset_for_leader_epoch:
      return read_and_handle<kafka::OffsetForLeaderEpochRequest>(std::move(call), head);
    case describe_configs:
      return read_and_handle<kafka::DescribeConfigsRequest>(std::move(call), head);
    case alter_configs:
      return read_and_handle<kafka::AlterConfigsRequest>(std::move(call), head);
    case alter_replica_log_dirs:
      return read_and_handle<kafka::AlterReplicaLogDirsRequest>(std::move(call), head);
    case describe_log_dirs:
      return read_and_handle<kafka::DescribeLogDirsRequest>(std::move(call), head);
    case create_partitions:
      return read_and_handle<kafka::CreatePartitionsRequest>(std::move(call), head);
    case delete_groups:
      return read_and_handle<kafka::DeleteGroupsRequest>(std::move(call), head);
    case elect_leaders:
      return read_and_handle<kafka::ElectLeadersRequest>(std::move(call), head);
    case incremental_alter_configs:
      return read_and_handle<kafka::IncrementalAlterConfigsRequest>(std::move(call), head);
    case alter_partition_reassignments:
      return read_and_handle<kafka::AlterPartitionReassignmentsRequest>(std::move(call), head);
    case list_partition_reassignments:
      return read_and_handle<kafka::ListPartitionReassignmentsRequest>(std::move(call), head);
    case offset_delete:
      return read_and_handle<kafka::OffsetDeleteRequest>(std::move(call), head);
    case describe_cluster:
      return read_and_handle<kafka::DescribeClusterRequest>(std::move(call), head);
    case describe_producers:
      return read_and_handle<kafka::DescribeProducersRequest>(std::move(call), head);
    case consumer_group_heartbeat:
      return read_and_handle<kafka::ConsumerGroupHeartbeatRequest>(std::move(call), head);
    case consumer_group_describe:
      return read_and_handle<kafka::ConsumerGroupDescribeRequest>(std::move(call), head);
  }
}

}  // namespace logcask
