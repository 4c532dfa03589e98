// OffsetDelete: a group forgets where it is in topics that no member reads.
#include "proto/kafka/offset_delete.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

void put_forgotten(const Result<std::vector<Status>>& statuses, kafka::OffsetDeleteResponse& response) {
  if (!statuses.ok()) {
    response.error_code = kafka_group_code(statuses.error());
    response.topics.clear();
    return;
  }
  std::size_t next = 0;
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions) partition.error_code = kafka_group_code((*statuses)[next++]);
}

}  // namespace

void handle(KafkaCall call, const kafka::OffsetDeleteRequest& request) {
  kafka::OffsetDeleteResponse response;
  std::vector<std::pair<std::string, PartitionId>> partitions;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      partitions.emplace_back(std::string(topic.name), PartitionId(partition.partition_index));
    }
  }
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  auto shared = std::make_shared<KafkaCall>(std::move(call));
  protocol.services().group_admin.forget(
      protocol.principal(), std::string(request.group_id), partitions,
      [shared = std::move(shared), response = std::move(response)](Result<std::vector<Status>> statuses) mutable {
        put_forgotten(statuses, response);
        EventLoop& loop = shared->protocol().loop();
        // Moved, so that the call ends on the loop.
        loop.run([shared = std::move(shared), response = std::move(response)] { shared->answer(response); });
      });
}

}  // namespace logcask
