// OffsetForLeaderEpoch: where an epoch's records end, so that a client sees whether the log lost what it has read.
#include "proto/kafka/offset_for_leader_epoch.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/leader_epoch.h"

namespace logcask {
namespace {

using EpochsAnswer = kafka::OffsetForLeaderEpochResponse;

struct EpochQuery {
  std::string topic;
  PartitionId partition;
  LeaderEpoch epoch;
  std::size_t topic_index = 0, partition_index = 0;  // of the answer
};

}  // namespace

void handle(KafkaCall call, const kafka::OffsetForLeaderEpochRequest& request) {
  EpochsAnswer response;
  std::vector<EpochQuery> queries;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      auto& place = out.partitions.emplace_back();
      place.partition = partition.partition;
      const PartitionId id(partition.partition);
      place.error_code =
          kafka_code(check_leader_epoch(call.protocol().topics(), topic.topic, id, partition.current_leader_epoch));
      if (place.error_code == 0)
        queries.push_back({out.topic, id, LeaderEpoch(partition.leader_epoch), response.topics.size() - 1,
                           out.partitions.size() - 1});
    }
  }
  in_background(
      std::move(call),
      [&service = call.services().offsets, principal = call.protocol().principal(), queries = std::move(queries),
       response = std::move(response)]() mutable {
        for (const EpochQuery& query : queries) {
          auto& out = response.topics[query.topic_index].partitions[query.partition_index];
          const auto end = service.end_of_epoch(principal, query.topic, query.partition, query.epoch);
          if (!end.ok()) {
            out.error_code = kafka_code(to_kafka(end.code()));
            continue;
          }
          out.leader_epoch = end->epoch.value();
          out.end_offset = end->end.value();
        }
        return std::move(response);
      },
      [](KafkaCall& owed, const EpochsAnswer& answer) { owed.answer(answer); });
}

}  // namespace logcask
