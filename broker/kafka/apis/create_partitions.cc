// CreatePartitions: refused, for the partitions of a topic are its keys' places; one result per topic that is asked
// for.
#include "proto/kafka/create_partitions.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

void refuse_growth(const AdminService& admin, const Principal& principal, const std::string& name, std::int32_t count,
                   kafka::CreatePartitionsResponse::Topic& out) {
  const auto topic = admin.describe_topic(principal, name);
  if (!topic.ok()) {
    out.error_code = kafka_code(to_kafka(topic.code()));
    out.error_message = topic.error().message;
    return;
  }
  const std::string has = "topic '" + name + "' has " + std::to_string((*topic)->partitions.size()) + " partitions";
  out.error_code = kafka_code(kafka::ErrorCode::invalid_partitions);
  out.error_message =
      count <= static_cast<std::int64_t>((*topic)->partitions.size())
          ? has + "; their number can only be asked to grow"
          : has +
                ", and their number does not change: keys would belong to other partitions than their records lie in. "
                "Create a topic of " +
                std::to_string(count) + " partitions and copy the records (logcask replay, logcask produce)";
}

}  // namespace

void handle(KafkaCall call, const kafka::CreatePartitionsRequest& request) {
  kafka::CreatePartitionsResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.results.emplace_back();
    out.name = topic.name;
    refuse_growth(call.services().admin, call.protocol().principal(), out.name, topic.count, out);
  }
  call.answer(response);
}

}  // namespace logcask
