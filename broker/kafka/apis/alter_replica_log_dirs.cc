// AlterReplicaLogDirs: a partition may lie where it lies, in the one directory.
#include "proto/kafka/alter_replica_log_dirs.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::AlterReplicaLogDirsRequest& request) {
  kafka::AlterReplicaLogDirsResponse response;
  const AdminService& admin = call.services().admin;
  for (const auto& directory : request.directories) {
    const bool ours = directory.path == admin.facts().data_directory;
    for (const auto& asked : directory.topics) {
      const auto topic = admin.describe_topic(call.protocol().principal(), std::string(asked.name));
      auto& out = response.topics.emplace_back();
      out.name = asked.name;
      for (const std::int32_t number : asked.partitions) {
        const bool there = topic.ok() && (*topic)->partition(PartitionId(number));
        out.partitions.push_back({number, kafka_code(!ours    ? kafka::ErrorCode::log_dir_not_found
                                                     : !there ? kafka::ErrorCode::unknown_topic_or_partition
                                                              : kafka::ErrorCode::none)});
      }
    }
  }
  call.answer(response);
}

}  // namespace logcask
