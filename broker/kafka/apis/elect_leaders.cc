// ElectLeaders: each partition is led by its one replica already, or by nobody while that is offline.
#include "proto/kafka/elect_leaders.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using ElectionAnswer = kafka::ElectLeadersResponse;

bool is_known(kafka::ElectionType type) {
  return type == kafka::ElectionType::preferred || type == kafka::ElectionType::unclean;
}

ElectionAnswer::Partition elect(const PartitionRunner* partition, std::int32_t number, kafka::ElectionType type) {
  const auto refuse = [&](kafka::ErrorCode code, std::string why) {
    return ElectionAnswer::Partition{number, kafka_code(code), std::move(why)};
  };
  if (!is_known(type)) return refuse(kafka::ErrorCode::invalid_request, "elections are of kind 0 or 1");
  if (!partition) return refuse(kafka::ErrorCode::unknown_topic_or_partition, "there is no such partition");
  if (partition->marks().state != PartitionMarks::State::offline)
    return refuse(kafka::ErrorCode::election_not_needed, "it is led by its only replica");
  return refuse(type == kafka::ElectionType::preferred ? kafka::ErrorCode::preferred_leader_not_available
                                                       : kafka::ErrorCode::eligible_leaders_not_available,
                "its only replica is offline; logcask health says why");
}

// As Kafka does, where nobody is named those that need no election are left out.
void elect_all(const Topic& topic, kafka::ElectionType type, ElectionAnswer& response) {
  ElectionAnswer::Topic out{topic.record.name, {}};
  for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
    auto elected = elect(topic.partitions[p].get(), static_cast<std::int32_t>(p), type);
    if (elected.error_code != kafka_code(kafka::ErrorCode::election_not_needed))
      out.partitions.push_back(std::move(elected));
  }
  response.topics.push_back(std::move(out));
}

}  // namespace

void handle(KafkaCall call, const kafka::ElectLeadersRequest& request) {
  ElectionAnswer response;
  const auto type = static_cast<kafka::ElectionType>(request.election_type);
  if (!is_known(type)) response.error_code = kafka_code(kafka::ErrorCode::invalid_request);
  const AdminService& admin = call.services().admin;
  const Principal& principal = call.protocol().principal();
  if (!request.topics)
    for (const TopicPtr& topic : admin.list_topics(principal, true)) elect_all(*topic, type, response);
  else
    for (const auto& asked : *request.topics) {
      const auto topic = admin.describe_topic(principal, std::string(asked.topic));
      auto& out = response.topics.emplace_back();
      out.topic = asked.topic;
      for (const std::int32_t number : asked.partitions)
        out.partitions.push_back(elect(topic.ok() ? (*topic)->partition(PartitionId(number)) : nullptr, number, type));
    }
  call.answer(response);
}

}  // namespace logcask
