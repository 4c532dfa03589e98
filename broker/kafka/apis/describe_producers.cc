// DescribeProducers: who has written idempotently to a partition, as far as that is kept.
#include "proto/kafka/describe_producers.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using ProducersAnswer = kafka::DescribeProducersResponse;

// Of one answer: some 8 MB.
constexpr std::size_t kProducersToldMax = 1 << 18;

struct PartitionsAsked {
  std::string topic;
  std::vector<std::int32_t> partitions;
};

void put_producers(const PartitionRunner* partition, std::size_t& room, ProducersAnswer::Partition& out) {
  const auto refuse = [&out](kafka::ErrorCode code, std::string why) {
    out.error_code = kafka_code(code);
    out.error_message = std::move(why);
  };
  if (!partition) return refuse(kafka::ErrorCode::unknown_topic_or_partition, "there is no such partition");
  if (partition->marks().state == PartitionMarks::State::offline)
    return refuse(kafka::ErrorCode::not_leader_or_follower, "the partition is offline");
  const std::vector<ProducerTail> tails = partition->producers();
  if (tails.size() > room)
    return refuse(kafka::ErrorCode::invalid_request, "too many producers for one answer; ask for fewer partitions");
  room -= tails.size();
  for (const ProducerTail& tail : tails)
    out.producers.push_back({tail.producer.value(), tail.epoch, tail.last_sequence, tail.appended.value(), -1, -1});
}

}  // namespace

void handle(KafkaCall call, const kafka::DescribeProducersRequest& request) {
  std::vector<PartitionsAsked> asked;
  for (const auto& topic : request.topics) asked.push_back({std::string(topic.name), topic.partition_indexes});
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), asked = std::move(asked)] {
        ProducersAnswer response;
        std::size_t room = kProducersToldMax;
        for (const PartitionsAsked& one : asked) {
          const auto topic = admin.describe_topic(principal, one.topic);
          auto& out = response.topics.emplace_back();
          out.name = one.topic;
          for (const std::int32_t number : one.partitions) {
            out.partitions.emplace_back().partition_index = number;
            put_producers(topic.ok() ? (*topic)->partition(PartitionId(number)) : nullptr, room, out.partitions.back());
          }
        }
        return response;
      },
      [](KafkaCall& owed, const ProducersAnswer& response) { owed.answer(response); });
}

}  // namespace logcask
