#include "client/assignor.h"

#include <algorithm>
#include <tuple>

namespace logcask::client {
namespace {

void sort_as_kafka_does(std::vector<SharingMember>& members) {
  std::sort(members.begin(), members.end(), [](const SharingMember& one, const SharingMember& other) {
    return std::make_tuple(one.instance_id.empty(), std::string_view(one.instance_id), std::string_view(one.id)) <
           std::make_tuple(other.instance_id.empty(), std::string_view(other.instance_id), std::string_view(other.id));
  });
}

bool reads(const SharingMember& member, const std::string& topic) {
  return std::find(member.topics.begin(), member.topics.end(), topic) != member.topics.end();
}

Shares nothing_for(const std::vector<SharingMember>& members) {
  Shares shares;
  for (const SharingMember& member : members) shares[member.id];
  return shares;
}

}  // namespace

Shares share_by_range(std::vector<SharingMember> members, const PartitionCounts& partitions) {
  sort_as_kafka_does(members);
  Shares shares = nothing_for(members);
  for (const auto& [topic, count] : partitions) {
    std::vector<const SharingMember*> readers;
    for (const SharingMember& member : members)
      if (reads(member, topic)) readers.push_back(&member);
    if (readers.empty()) continue;
    const auto among = static_cast<std::int32_t>(readers.size());
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < among; ++i) {
      const std::int32_t end = next + count / among + (i < count % among ? 1 : 0);
      for (; next < end; ++next) shares[readers[static_cast<std::size_t>(i)]->id][topic].push_back(PartitionId(next));
    }
  }
  return shares;
}

Shares share_in_turn(std::vector<SharingMember> members, const PartitionCounts& partitions) {
  sort_as_kafka_does(members);
  Shares shares = nothing_for(members);
  std::size_t turn = 0;
  for (const auto& [topic, count] : partitions) {
    if (std::none_of(members.begin(), members.end(), [&](const auto& member) { return reads(member, topic); }))
      continue;
    for (std::int32_t partition = 0; partition < count; ++partition) {
      while (!reads(members[turn % members.size()], topic)) ++turn;
      shares[members[turn++ % members.size()].id][topic].push_back(PartitionId(partition));
    }
  }
  return shares;
}

}  // namespace logcask::client
