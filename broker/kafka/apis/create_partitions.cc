// CreatePartitions: a plain topic gets more; one result per topic that is asked for.
#include "proto/kafka/create_partitions.h"

#include <algorithm>

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

struct Growth {
  std::string name;
  std::int32_t count = 0;
  using Brokers = std::vector<std::int32_t>;
  std::optional<std::vector<Brokers>> assigned;  // where the client places the new partitions
};

kafka::ErrorCode growth_to_kafka(Errc code) {
  // What a topic cannot become, Kafka says so.
  const bool refused = code == Errc::unsupported || code == Errc::invalid_argument || code == Errc::limit_exceeded ||
                       code == Errc::already_exists;
  return refused ? kafka::ErrorCode::invalid_partitions : to_kafka(code);
}

// There is one broker, and one replica.
Status check_brokers(const Growth& growth, std::int32_t node_id) {
  for (const Growth::Brokers& brokers : *growth.assigned) {
    const auto foreign = std::find_if(brokers.begin(), brokers.end(), [=](auto id) { return id != node_id; });
    if (foreign != brokers.end())
      return Error{Errc::invalid_argument, "topic '" + growth.name + "': a new partition is assigned to broker " +
                                               std::to_string(*foreign) + ", and there is broker " +
                                               std::to_string(node_id) + " only; assign it to that one, or none"};
    if (brokers.size() != 1)
      return Error{Errc::invalid_argument, "topic '" + growth.name + "': a new partition is assigned to " +
                                               std::to_string(brokers.size()) +
                                               " brokers, and has one replica; name broker " + std::to_string(node_id) +
                                               " once, or assign nothing"};
  }
  return {};
}

Status check_assignments(const AdminService& admin, const Principal& principal, const Growth& growth,
                         std::int32_t node_id) {
  if (!growth.assigned) return {};
  LOGCASK_ASSIGN(const TopicPtr topic, admin.describe_topic(principal, growth.name));
  const std::int64_t added = growth.count - static_cast<std::int64_t>(topic->partitions.size());
  if (added <= 0) return {};
  if (added == static_cast<std::int64_t>(growth.assigned->size())) return check_brokers(growth, node_id);
  return Error{Errc::invalid_argument, "topic '" + growth.name + "' is to get " + std::to_string(added) +
                                           " partitions, and " + std::to_string(growth.assigned->size()) +
                                           " are assigned; assign all of them, or none"};
}

void grow_one(AdminService& admin, const Principal& principal, const Growth& growth, std::int32_t node_id,
              bool only_check, kafka::CreatePartitionsResponse::Topic& out) {
  out.name = growth.name;
  Status status = check_assignments(admin, principal, growth, node_id);
  if (!status.ok() && status.code() == Errc::invalid_argument) {
    out.error_code = kafka_code(kafka::ErrorCode::invalid_replica_assignment);
    out.error_message = status.error().message;
    return;
  }
  if (status.ok()) status = admin.grow_topic(principal, growth.name, growth.count, only_check);
  if (status.ok()) return;
  out.error_code = kafka_code(growth_to_kafka(status.code()));
  out.error_message = status.error().message;
}

}  // namespace

void handle(KafkaCall call, const kafka::CreatePartitionsRequest& request) {
  std::vector<Growth> growths;
  for (const auto& topic : request.topics) {
    Growth& growth = growths.emplace_back();
    growth.name = topic.name;
    growth.count = topic.count;
    if (!topic.assignments) continue;
    growth.assigned.emplace();
    for (const auto& assignment : *topic.assignments) growth.assigned->push_back(assignment.broker_ids);
  }
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), growths = std::move(growths),
       node_id = call.services().settings.node_id, only_check = request.validate_only] {
        kafka::CreatePartitionsResponse response;
        for (const Growth& growth : growths)
          grow_one(admin, principal, growth, node_id, only_check, response.results.emplace_back());
        return response;
      },
      [](KafkaCall& owed, const kafka::CreatePartitionsResponse& response) { owed.answer(response); });
}

}  // namespace logcask
