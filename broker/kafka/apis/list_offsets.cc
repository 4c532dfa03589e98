// ListOffsets: where a partition starts and ends, and where a time lies in it.
#include "proto/kafka/list_offsets.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/leader_epoch.h"
#include "broker/kafka/apis/when_shown.h"

namespace logcask {
namespace {

using ListOffsetsAnswer = kafka::ListOffsetsResponse;

// The special times a version knows.
bool known_time(std::int64_t timestamp, std::int16_t version) {
  if (timestamp == kafka::kMaxTimestamp) return version >= 7;
  if (timestamp == kafka::kEarliestLocalTimestamp) return version >= 8;
  if (timestamp == kafka::kLatestTieredTimestamp) return version >= 9;
  return timestamp >= kafka::kEarliestTimestamp;
}

// Everything lies here, so the earliest here is the earliest.
std::int64_t to_service_time(std::int64_t timestamp) {
  return timestamp == kafka::kMaxTimestamp             ? kNewestTimestamp
         : timestamp == kafka::kEarliestLocalTimestamp ? kEarliestTimestamp
                                                       : timestamp;
}

void put_offset(const Result<OffsetAnswer>& found, ListOffsetsAnswer::Partition& out) {
  if (!found.ok()) {
    out.error_code = kafka_code(to_kafka(found.code()));
    return;
  }
  if (found->offset == kNoOffset) return;  // and no epoch that it would be of
  out.offset = found->offset.value();
  out.timestamp = found->timestamp.value();
  out.leader_epoch = found->leader_epoch.value();
}

}  // namespace

void handle(KafkaCall call, const kafka::ListOffsetsRequest& request) {
  struct Asked {
    OffsetQuery query;
    std::size_t topic = 0, partition = 0;  // of the answer
  };
  ListOffsetsAnswer response;
  std::vector<Asked> queries;
  bool by_time = false;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& place = out.partitions.emplace_back();
      place.partition_index = partition.partition_index;
      const PartitionId id(partition.partition_index);
      place.error_code =
          kafka_code(check_leader_epoch(call.protocol().topics(), topic.name, id, partition.current_leader_epoch));
      if (place.error_code == 0 && !known_time(partition.timestamp, call.version()))
        place.error_code = kafka_code(kafka::ErrorCode::unsupported_version);
      if (place.error_code != 0 || partition.timestamp == kafka::kLatestTieredTimestamp) continue;
      const std::int64_t time = to_service_time(partition.timestamp);
      queries.push_back({{std::string(topic.name), id, time}, response.topics.size() - 1, out.partitions.size() - 1});
      by_time = by_time || time >= 0 || time == kNewestTimestamp;
    }
  }
  std::vector<OffsetQuery> asked_for;
  for (const Asked& asked : queries) asked_for.push_back(asked.query);
  const auto work = [&service = call.services().offsets, principal = call.protocol().principal(),
                     queries = std::move(queries), response = std::move(response)]() mutable {
    for (const Asked& asked : queries)
      put_offset(service.find(principal, asked.query), response.topics[asked.topic].partitions[asked.partition]);
    return std::move(response);
  };
  const auto find = [by_time, work](KafkaCall&& owed) {
    const auto answer = [](KafkaCall& one, const ListOffsetsAnswer& found) { one.answer(found); };
    if (by_time) return in_background(std::move(owed), work, answer);
    auto now = work;
    answer(owed, now());
  };
  // Who was told that a record is taken looks for it below the end.
  when_shown(std::move(call), asked_for, find);
}

}  // namespace logcask
