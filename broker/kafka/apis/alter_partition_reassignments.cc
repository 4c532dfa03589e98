// AlterPartitionReassignments: a partition may be where it is, on this broker.
#include "proto/kafka/alter_partition_reassignments.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using ReassignmentAnswer = kafka::AlterPartitionReassignmentsResponse;

void reassign(bool there, const kafka::AlterPartitionReassignmentsRequest::Partition& asked, std::int32_t node_id,
              ReassignmentAnswer::Partition& out) {
  const auto refuse = [&out](kafka::ErrorCode code, std::string why) {
    out.error_code = kafka_code(code);
    out.error_message = std::move(why);
  };
  if (!there) return refuse(kafka::ErrorCode::unknown_topic_or_partition, "there is no such partition");
  if (!asked.replicas)
    return refuse(kafka::ErrorCode::no_reassignment_in_progress, "it is not on its way to another broker");
  if (*asked.replicas != std::vector{node_id})
    refuse(kafka::ErrorCode::invalid_replica_assignment,
           "there is one broker, and one replica of each partition; name broker " + std::to_string(node_id) + " once");
}

}  // namespace

void handle(KafkaCall call, const kafka::AlterPartitionReassignmentsRequest& request) {
  ReassignmentAnswer response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  for (const auto& asked : request.topics) {
    const auto topic = call.services().admin.describe_topic(call.protocol().principal(), std::string(asked.name));
    auto& out = response.topics.emplace_back();
    out.name = asked.name;
    for (const auto& partition : asked.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      const bool there = topic.ok() && (*topic)->partition(PartitionId(partition.partition_index));
      reassign(there, partition, call.services().settings.node_id, out.partitions.back());
    }
  }
  call.answer(response);
}

}  // namespace logcask
