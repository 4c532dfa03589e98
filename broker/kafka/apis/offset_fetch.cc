// OffsetFetch: what groups have committed.
#include "proto/kafka/offset_fetch.h"

#include <map>
#include <set>

#include "broker/kafka/apis/apis.h"
#include "broker/kafka/apis/group_member.h"

namespace logcask {
namespace {

using FetchedOffsets = kafka::OffsetFetchResponse;

struct WantedOffsets {
  std::string group;
  bool all = false;
  std::vector<std::pair<std::string, PartitionId>> partitions;
  MemberId member_id;  // from version 9 on a member may say who it is
  GroupEpoch epoch = kLeaves;
};

WantedOffsets to_wanted_offsets(std::string_view group,
                                const std::optional<std::vector<kafka::OffsetFetchRequest::Topic>>& topics) {
  WantedOffsets wanted;
  wanted.group = group;
  wanted.all = !topics;
  if (topics)
    for (const auto& topic : *topics)
      for (const std::int32_t partition : topic.partition_indexes)
        wanted.partitions.emplace_back(std::string(topic.name), PartitionId(partition));
  return wanted;
}

FetchedOffsets::Partition to_partition(const CommittedOffset& committed) {
  FetchedOffsets::Partition partition;
  partition.partition_index = committed.partition.value();
  partition.metadata = std::string();
  // Where a topic was deleted, Kafka has nothing committed for the next one of its name.
  if (!committed.value || !committed.changed.ok()) return partition;
  partition.committed_offset = committed.value->offset.value();
  partition.committed_leader_epoch = committed.value->leader_epoch.value();
  partition.metadata = committed.value->metadata;
  return partition;
}

// Topics in the order they come in.
std::vector<FetchedOffsets::Topic> to_topics(const std::vector<CommittedOffset>& committed) {
  std::vector<FetchedOffsets::Topic> topics;
  std::map<std::string_view, std::size_t> places;
  for (const CommittedOffset& one : committed) {
    const auto [place, is_new] = places.try_emplace(one.topic, topics.size());
    if (is_new) topics.emplace_back().name = one.topic;
    topics[place->second].partitions.push_back(to_partition(one));
  }
  return topics;
}

// Java's consumer fails for good at COORDINATOR_NOT_AVAILABLE here, and tries again at the other one.
std::int16_t fetch_code(const Error& error) {
  const kafka::ErrorCode code = group_to_kafka(error.code);
  return kafka_code(code == kafka::ErrorCode::coordinator_not_available ? kafka::ErrorCode::coordinator_load_in_progress
                                                                        : code);
}

FetchedOffsets::Group fetch_group(GroupsService& groups, const Principal& principal, const WantedOffsets& wanted) {
  FetchedOffsets::Group out;
  out.group_id = wanted.group;
  if (const Status member = groups.check_fetch(wanted.group, wanted.member_id, wanted.epoch); !member.ok()) {
    out.error_code = fetch_code(member.error());
    return out;
  }
  if (!wanted.all && wanted.partitions.empty()) return out;
  const auto committed = groups.fetch(principal, wanted.group, wanted.partitions);
  if (committed.ok())
    out.topics = to_topics(*committed);
  else
    out.error_code = fetch_code(committed.error());
  return out;
}

// Before there was an error of the whole, every partition had to say it.
void put_single(const WantedOffsets& wanted, FetchedOffsets::Group group, FetchedOffsets& response) {
  response.error_code = group.error_code;
  response.topics = std::move(group.topics);
  if (group.error_code == 0) return;
  for (const auto& [topic, partition] : wanted.partitions) {
    if (response.topics.empty() || response.topics.back().name != topic) response.topics.emplace_back().name = topic;
    FetchedOffsets::Partition& out = response.topics.back().partitions.emplace_back();
    out.partition_index = partition.value();
    out.metadata = std::string();
    out.error_code = group.error_code;
  }
}

}  // namespace

void handle(KafkaCall call, const kafka::OffsetFetchRequest& request) {
  constexpr std::int16_t kSeveralGroups = 8;
  const bool several = call.version() >= kSeveralGroups;
  std::vector<WantedOffsets> wanted;
  if (!several) wanted.push_back(to_wanted_offsets(request.group_id, request.topics));
  // One that is named again would be answered again, however much it has committed.
  std::set<std::string_view> named;
  for (const auto& group : request.groups)
    if (named.insert(group.group_id).second) {
      wanted.push_back(to_wanted_offsets(group.group_id, group.topics));
      wanted.back().member_id = to_member_id(group.member_id.value_or(std::string_view()));
      wanted.back().epoch = GroupEpoch(group.member_epoch);
    }
  in_background(
      std::move(call),
      [&groups = call.services().groups, principal = call.protocol().principal(), wanted = std::move(wanted), several] {
        FetchedOffsets response;
        for (const WantedOffsets& one : wanted) {
          FetchedOffsets::Group group = fetch_group(groups, principal, one);
          if (several)
            response.groups.push_back(std::move(group));
          else
            put_single(one, std::move(group), response);
        }
        return response;
      },
      [](KafkaCall& owed, const FetchedOffsets& response) { owed.answer(response); });
}

}  // namespace logcask
