// DeleteRecords: moves the start of partitions; -1 stands for the end.
#include "proto/kafka/delete_records.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/when_shown.h"

namespace logcask {
namespace {

using DeleteRecordsAnswer = kafka::DeleteRecordsResponse;

struct Cut {
  std::string topic;
  PartitionId partition;
  Offset before;
};

Result<Offset> cut_now(AdminService& admin, const Principal& principal, const Cut& cut) {
  LOGCASK_ASSIGN(const TopicPtr topic, admin.describe_topic(principal, cut.topic));
  const PartitionRunner* partition = topic->partition(cut.partition);
  if (!partition) return Error{Errc::unknown_partition, "no such partition"};
  if (cut.before < Offset(-1)) return Error{Errc::offset_out_of_range, "an offset below -1"};
  const Offset end = partition->marks().committed_end;
  const Offset before = cut.before == Offset(-1) ? end : cut.before;
  if (before > end) return Error{Errc::offset_out_of_range, "an offset beyond the end"};
  LOGCASK_ASSIGN(const auto cuts, admin.delete_records(principal, cut.topic, cut.partition, before));
  return cuts.front().result;
}

}  // namespace

void handle(KafkaCall call, const kafka::DeleteRecordsRequest& request) {
  DeleteRecordsAnswer response;
  std::vector<Cut> cuts;
  std::vector<OffsetQuery> ends;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      cuts.push_back({out.name, PartitionId(partition.partition_index), Offset(partition.offset)});
      ends.push_back({out.name, cuts.back().partition, kLatestTimestamp});
    }
  }
  // Who was told that a record is taken deletes up to behind it.
  when_shown(std::move(call), ends, [cuts = std::move(cuts), response = std::move(response)](KafkaCall&& owed) {
    AdminService& admin = owed.services().admin;
    const Principal principal = owed.protocol().principal();
    in_background(
        std::move(owed),
        [&admin, principal, cuts, response]() mutable {
          std::size_t next = 0;
          for (auto& topic : response.topics)
            for (auto& partition : topic.partitions) {
              const Result<Offset> start = cut_now(admin, principal, cuts[next++]);
              if (start.ok())
                partition.low_watermark = start->value();
              else
                partition.error_code = kafka_code(to_kafka(start.code()));
            }
          return std::move(response);
        },
        [](KafkaCall& one, const DeleteRecordsAnswer& answer) { one.answer(answer); });
  });
}

}  // namespace logcask
