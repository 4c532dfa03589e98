// DescribeLogDirs: the data directory, with what each partition takes in it.
#include "proto/kafka/describe_log_dirs.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using LogDirsAnswer = kafka::DescribeLogDirsResponse;

struct SizedPartitions {
  std::string topic;
  std::vector<std::int32_t> partitions;
};

LogDirsAnswer::Topic sizes_of(const Topic& topic, const std::vector<std::int32_t>& partitions) {
  LogDirsAnswer::Topic out;
  out.name = topic.record.name;
  for (const std::int32_t number : partitions)
    if (const PartitionRunner* partition = topic.partition(PartitionId(number)))
      out.partitions.push_back({number, static_cast<std::int64_t>(partition->snapshot().size_bytes), 0, false});
  return out;
}

std::vector<std::int32_t> all_of(const Topic& topic) {
  std::vector<std::int32_t> all;
  for (std::size_t p = 0; p < topic.partitions.size(); ++p) all.push_back(static_cast<std::int32_t>(p));
  return all;
}

// What the disk does not tell stays unknown.
void put_disk_space(const BrokerFacts& facts, LogDirsAnswer::LogDir& out) {
  const auto space = facts.disk_space ? facts.disk_space() : DiskSpace();
  if (space.total_bytes == 0) return;
  out.total_bytes = static_cast<std::int64_t>(space.total_bytes);
  out.usable_bytes = static_cast<std::int64_t>(space.free_bytes);
}

}  // namespace

void handle(KafkaCall call, const kafka::DescribeLogDirsRequest& request) {
  std::optional<std::vector<SizedPartitions>> asked;
  if (request.topics) {
    asked.emplace();
    for (const auto& topic : *request.topics) asked->push_back({std::string(topic.topic), topic.partitions});
  }
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), asked = std::move(asked)] {
        LogDirsAnswer response;
        LogDirsAnswer::LogDir& directory = response.results.emplace_back();
        directory.log_dir = admin.facts().data_directory;
        put_disk_space(admin.facts(), directory);
        if (!asked) {
          for (const TopicPtr& topic : admin.list_topics(principal, true))
            directory.topics.push_back(sizes_of(*topic, all_of(*topic)));
          return response;
        }
        // As Kafka does: what is not here is not named.
        for (const SizedPartitions& one : *asked)
          if (const auto topic = admin.describe_topic(principal, one.topic); topic.ok())
            directory.topics.push_back(sizes_of(**topic, one.partitions));
        return response;
      },
      [](KafkaCall& owed, const LogDirsAnswer& response) { owed.answer(response); });
}

}  // namespace logcask
