// OffsetCommit: answered once the offsets are on disk.
#include "proto/kafka/offset_commit.h"

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

// Ours deletes a commit with it; Kafka knows no such thing.
constexpr Offset kRefused(-2);

// Of one commit: of its topic, or of the log that commits are kept in. To Kafka a name that no topic can have is one
// that none has.
std::int16_t code_of(const Status& status) {
  if (status.code() == Errc::invalid_topic_name) return kafka_code(kafka::ErrorCode::unknown_topic_or_partition);
  return status.code() == Errc::permission_denied ? kafka_code(status) : kafka_group_code(status);
}

void put_statuses(const Result<std::vector<Status>>& statuses, kafka::OffsetCommitResponse& response) {
  const std::int16_t of_all = statuses.ok() ? std::int16_t{0} : kafka_group_code(statuses.error());
  std::size_t next = 0;
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions) {
      partition.error_code = of_all;
      if (!statuses.ok()) continue;
      partition.error_code = code_of((*statuses)[next++]);
    }
}

}  // namespace

void handle(KafkaCall call, const kafka::OffsetCommitRequest& request) {
  CommitRequest commit;
  commit.group = request.group_id;
  commit.member = to_claim(request);
  commit.any_offset = true;
  kafka::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      out.partitions.emplace_back().partition_index = partition.partition_index;
      commit.commits.push_back({std::string(topic.name), PartitionId(partition.partition_index),
                                partition.committed_offset < 0 ? kRefused : Offset(partition.committed_offset),
                                LeaderEpoch(partition.committed_leader_epoch),
                                utf8_text(partition.committed_metadata.value_or(std::string_view()))});
    }
  }
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  // A fetch of offsets that follows it must find it.
  protocol.hold_input();
  auto shared = std::make_shared<KafkaCall>(std::move(call));
  protocol.services().groups.commit(
      protocol.principal(), std::move(commit),
      [shared = std::move(shared), response = std::move(response)](Result<std::vector<Status>> statuses) mutable {
        put_statuses(statuses, response);
        EventLoop& loop = shared->protocol().loop();
        // Moved, so that the call ends on the loop.
        loop.run([shared = std::move(shared), response = std::move(response)] {
          shared->answer(response);
          shared->protocol().release_input();
        });
      });
}

}  // namespace logcask
