// ListOffsets: where a partition starts and ends, and where a time lies in it.
#include "proto/kafka/list_offsets.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::ListOffsetsRequest& request) {
  kafka::ListOffsetsResponse response;
  std::vector<OffsetQuery> queries;
  bool by_time = false;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      queries.push_back({std::string(topic.name), PartitionId(partition.partition_index), partition.timestamp});
      by_time = by_time || partition.timestamp >= 0;
    }
  }
  const auto work = [&service = call.services().offsets, principal = call.protocol().principal(),
                     queries = std::move(queries)] {
    std::vector<Result<OffsetAnswer>> answers;
    for (const OffsetQuery& query : queries) answers.push_back(service.find(principal, query));
    return answers;
  };
  const auto answer = [response = std::move(response)](KafkaCall& owed,
                                                       const std::vector<Result<OffsetAnswer>>& answers) mutable {
    std::size_t next = 0;
    for (auto& topic : response.topics)
      for (auto& partition : topic.partitions) {
        const Result<OffsetAnswer>& found = answers[next++];
        if (!found.ok()) {
          partition.error_code = kafka_code(to_kafka(found.code()));
          continue;
        }
        partition.offset = found->offset.value();
        partition.timestamp = found->timestamp.value();
        partition.leader_epoch = found->leader_epoch.value();
      }
    owed.answer(response);
  };
  if (by_time) return in_background(std::move(call), work, answer);
  auto now = answer;
  now(call, work());
}

}  // namespace logcask
