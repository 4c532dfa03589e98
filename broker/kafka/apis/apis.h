#pragma once
// One function per request of the Kafka wire, each in a file of its own: decode, call a service, encode the answer.
//
// All run on the connection's loop. What blocks goes through in_background(). The request's bytes are good until the
// function returns.

#include <utility>

#include "broker/kafka/kafka_error.h"
#include "broker/kafka/kafka_protocol.h"
#include "broker/net/in_background.h"

namespace logcask {

// Reads the request and executes it; who sends what cannot be read is cut off.
void execute_kafka(KafkaCall call, const kafka::RequestHead& head);

void handle_api_versions(KafkaCall call, bool known_version);
}  // namespace logcask

namespace logcask::kafka {
struct ProduceRequest;
struct FetchRequest;
struct ListOffsetsRequest;
struct MetadataRequest;
struct OffsetCommitRequest;
struct OffsetFetchRequest;
struct FindCoordinatorRequest;
struct JoinGroupRequest;
struct HeartbeatRequest;
struct LeaveGroupRequest;
struct SyncGroupRequest;
struct DescribeGroupsRequest;
struct ListGroupsRequest;
struct CreateTopicsRequest;
struct DeleteTopicsRequest;
struct DeleteRecordsRequest;
struct InitProducerIdRequest;
struct OffsetForLeaderEpochRequest;
struct DescribeConfigsRequest;
struct AlterConfigsRequest;
struct AlterReplicaLogDirsRequest;
struct DescribeLogDirsRequest;
struct CreatePartitionsRequest;
struct DeleteGroupsRequest;
struct ElectLeadersRequest;
struct IncrementalAlterConfigsRequest;
struct AlterPartitionReassignmentsRequest;
struct ListPartitionReassignmentsRequest;
struct OffsetDeleteRequest;
struct DescribeClusterRequest;
struct DescribeProducersRequest;
struct ConsumerGroupHeartbeatRequest;
struct ConsumerGroupDescribeRequest;
}  // namespace logcask::kafka

namespace logcask {

void handle(KafkaCall call, const kafka::ProduceRequest& request);
void handle(KafkaCall call, const kafka::FetchRequest& request);
void handle(KafkaCall call, const kafka::ListOffsetsRequest& request);
void handle(KafkaCall call, const kafka::MetadataRequest& request);
void handle(KafkaCall call, const kafka::OffsetCommitRequest& request);
void handle(KafkaCall call, const kafka::OffsetFetchRequest& request);
void handle(KafkaCall call, const kafka::FindCoordinatorRequest& request);
void handle(KafkaCall call, const kafka::JoinGroupRequest& request);
void handle(KafkaCall call, const kafka::HeartbeatRequest& request);
void handle(KafkaCall call, const kafka::LeaveGroupRequest& request);
void handle(KafkaCall call, const kafka::SyncGroupRequest& request);
void handle(KafkaCall call, const kafka::DescribeGroupsRequest& request);
void handle(KafkaCall call, const kafka::ListGroupsRequest& request);
void handle(KafkaCall call, const kafka::CreateTopicsRequest& request);
void handle(KafkaCall call, const kafka::DeleteTopicsRequest& request);
void handle(KafkaCall call, const kafka::DeleteRecordsRequest& request);
void handle(KafkaCall call, const kafka::InitProducerIdRequest& request);
void handle(KafkaCall call, const kafka::OffsetForLeaderEpochRequest& request);
void handle(KafkaCall call, const kafka::DescribeConfigsRequest& request);
void handle(KafkaCall call, const kafka::AlterConfigsRequest& request);
void handle(KafkaCall call, const kafka::AlterReplicaLogDirsRequest& request);
void handle(KafkaCall call, const kafka::DescribeLogDirsRequest& request);
void handle(KafkaCall call, const kafka::CreatePartitionsRequest& request);
void handle(KafkaCall call, const kafka::DeleteGroupsRequest& request);
void handle(KafkaCall call, const kafka::ElectLeadersRequest& request);
void handle(KafkaCall call, const kafka::IncrementalAlterConfigsRequest& request);
void handle(KafkaCall call, const kafka::AlterPartitionReassignmentsRequest& request);
void handle(KafkaCall call, const kafka::ListPartitionReassignmentsRequest& request);
void handle(KafkaCall call, const kafka::OffsetDeleteRequest& request);
void handle(KafkaCall call, const kafka::DescribeClusterRequest& request);
void handle(KafkaCall call, const kafka::DescribeProducersRequest& request);
void handle(KafkaCall call, const kafka::ConsumerGroupHeartbeatRequest& request);
void handle(KafkaCall call, const kafka::ConsumerGroupDescribeRequest& request);

// Runs `work()` where it may block, then `answer(call, result)` on the loop.
template <class Work, class Answer>
void in_background(KafkaCall&& call, Work work, Answer answer) {
  Executor& blocking = call.services().blocking;
  EventLoop& loop = call.protocol().loop();
  run_in_background(blocking, loop, std::move(call), std::move(work), std::move(answer));
}

}  // namespace logcask
