// ConsumerGroupHeartbeat: a member of a group whose partitions the broker shares out joins, goes on, or leaves.
#include "proto/kafka/consumer_group_heartbeat.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

std::optional<std::string> to_optional_text(const std::optional<std::string_view>& text) {
  return text ? std::optional(utf8_text(*text)) : std::nullopt;
}

TopicPartitions to_partitions(const std::vector<kafka::ConsumerGroupHeartbeatRequest::Topic>& topics) {
  TopicPartitions all;
  for (const auto& topic : topics)
    for (const std::int32_t partition : topic.partitions) all[topic.topic_id].emplace(partition);
  return all;
}

ConsumerHeartbeat to_heartbeat(const KafkaCall& call, const kafka::ConsumerGroupHeartbeatRequest& request) {
  ConsumerHeartbeat heartbeat;
  heartbeat.group = request.group_id;
  heartbeat.member_id = to_member_id(request.member_id);
  heartbeat.epoch = GroupEpoch(request.member_epoch);
  heartbeat.client_id = utf8_text(call.client_id());
  heartbeat.client_host = "/" + call.protocol().principal().address;
  heartbeat.instance_id = to_instance_id(request.instance_id);
  heartbeat.rack_id = to_optional_text(request.rack_id);
  if (request.rebalance_timeout_ms >= 0) heartbeat.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.subscribed_topic_names) {
    auto& topics = heartbeat.topics.emplace();
    for (const std::string_view topic : *request.subscribed_topic_names) topics.insert(utf8_text(topic));
  }
  heartbeat.topic_regex = to_optional_text(request.subscribed_topic_regex);
  heartbeat.assignor = to_optional_text(request.server_assignor);
  if (request.topic_partitions) heartbeat.owned = to_partitions(*request.topic_partitions);
  return heartbeat;
}

kafka::ConsumerGroupHeartbeatResponse to_response(const ConsumerHeartbeatAnswer& answer) {
  kafka::ConsumerGroupHeartbeatResponse response;
  if (!answer.status.ok()) {
    response.error_code = kafka_group_code(answer.status);
    response.error_message = answer.status.error().message;
    return response;
  }
  response.member_id = answer.member_id.text();
  response.member_epoch = answer.epoch.value();
  response.heartbeat_interval_ms = answer.interval_ms;
  if (!answer.assignment) return response;
  auto& assignment = response.assignment.emplace();
  for (const auto& [topic, partitions] : *answer.assignment) {
    auto& out = assignment.topic_partitions.emplace_back();
    out.topic_id = topic;
    for (const PartitionId partition : partitions) out.partitions.push_back(partition.value());
  }
  return response;
}

}  // namespace

void handle(KafkaCall call, const kafka::ConsumerGroupHeartbeatRequest& request) {
  constexpr std::int16_t kMemberBringsItsId = 1;
  ConsumerHeartbeat heartbeat = to_heartbeat(call, request);
  if (heartbeat.member_id.empty() && call.version() >= kMemberBringsItsId) {
    ConsumerHeartbeatAnswer refused;
    refused.status = Error{Errc::invalid_argument, "from version 1 on a member chooses its id; this one has none"};
    return call.answer(to_response(refused));
  }
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const GroupCaller caller{protocol.principal(), protocol.loop()};
  auto shared = std::make_shared<KafkaCall>(std::move(call));
  protocol.services().consumer_groups.heartbeat(
      caller, std::move(heartbeat),
      [shared = std::move(shared)](const ConsumerHeartbeatAnswer& answer) { shared->answer(to_response(answer)); });
}

}  // namespace logcask
