#pragma once
// Ways of sharing partitions out among the members of a consumer group, by the names Kafka gives them.
//
//  - uniform: everybody gets as many as anybody else, within one, where all subscribe to the same; where they do not,
//    as even as subscriptions allow. Who has a partition keeps it as far as that allows.
//  - range: of each topic, neighbouring partitions to each member that subscribes, in the order of their names, so that
//    topics with the same keys meet at one member.
//
// Pure. Every partition that somebody subscribes to goes to exactly one member that does.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/services/consumer_group_types.h"

namespace logcask {

struct Sharing {
  struct Member {
    std::optional<GroupInstanceId> instance_id;
    std::set<TopicId> topics;
    TopicPartitions has;    // was given last
    TopicPartitions reads;  // holds by now; of what it was given it keeps this first
  };
  std::map<MemberId, Member> members;
  std::map<TopicId, std::int32_t> partitions;  // of each topic that exists
};
using Shares = std::map<MemberId, TopicPartitions>;

inline constexpr std::string_view kUniformAssignor = "uniform";
inline constexpr std::string_view kRangeAssignor = "range";
bool is_assignor(std::string_view name);

Shares share_out(std::string_view assignor, const Sharing& sharing);

}  // namespace logcask
