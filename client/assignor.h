#pragma once
// How the leader of a group shares partitions out: Kafka's "range" and "roundrobin", which every Kafka client knows.
//
// Pure. Equal input gives an equal result whoever leads: members are taken in Kafka's order, static ones first by
// instance id, then the others by member id. A topic that has no partitions, or is not known, is nobody's.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logcask/types.h"

namespace logcask::client {

struct SharingMember {
  std::string id;
  std::string instance_id;  // empty: a member that is not static
  std::vector<std::string> topics;
};
using PartitionCounts = std::map<std::string, std::int32_t>;  // by topic
// What each member reads, by topic, in ascending order. Every member has an entry.
using Shares = std::map<std::string, std::map<std::string, std::vector<PartitionId>>>;

inline constexpr std::string_view kRange = "range";
inline constexpr std::string_view kRoundRobin = "roundrobin";

// Of each topic the same number to each of its readers, one after the other; the first ones get one more where it does
// not come out even.
Shares share_by_range(std::vector<SharingMember> members, const PartitionCounts& partitions);
// Partition by partition to the next member that reads the topic, over all topics.
Shares share_in_turn(std::vector<SharingMember> members, const PartitionCounts& partitions);

}  // namespace logcask::client
