#include "broker/services/partition_assignor.h"

#include <algorithm>
#include <utility>

namespace logcask {
namespace {

struct OnePartition {
  TopicId topic;
  PartitionId partition;
  friend auto operator<=>(const OnePartition&, const OnePartition&) = default;
};

bool wants(const Sharing::Member& member, const Sharing& sharing, const TopicId& topic, PartitionId partition) {
  const auto known = sharing.partitions.find(topic);
  return known != sharing.partitions.end() && partition.value() < known->second && member.topics.count(topic) > 0;
}

class UniformSharing {
 public:
  explicit UniformSharing(const Sharing& sharing) : sharing_(sharing) {
    for (const auto& [id, member] : sharing.members) shares_[id];
  }

  Shares share() {
    const bool same = all_subscribe_to_the_same();
    if (same)
      keep_quota();
    else
      keep_all();
    give_out();
    if (!same) even_out();
    return to_shares();
  }

 private:
  bool all_subscribe_to_the_same() const {
    const auto& first = sharing_.members.begin()->second.topics;
    return std::all_of(sharing_.members.begin(), sharing_.members.end(),
                       [&](const auto& one) { return one.second.topics == first; });
  }

  void take(const MemberId& id, const OnePartition& one) {
    owners_[one] = id;
    shares_[id].insert(one);
  }

  static std::vector<OnePartition> those_it_reads_first(const Sharing::Member& member) {
    std::vector<OnePartition> first, then;
    for (const auto& [topic, partitions] : member.has) {
      const auto reads = member.reads.find(topic);
      for (const PartitionId partition : partitions)
        (reads != member.reads.end() && reads->second.count(partition) > 0 ? first : then)
            .push_back({topic, partition});
    }
    first.insert(first.end(), then.begin(), then.end());
    return first;
  }

  // What members have and may keep: as many as everybody gets, and one more while there are such.
  void keep_quota() {
    std::size_t all = 0;
    for (const TopicId& topic : sharing_.members.begin()->second.topics)
      if (const auto known = sharing_.partitions.find(topic); known != sharing_.partitions.end())
        all += static_cast<std::size_t>(known->second);
    const std::size_t everybody = all / sharing_.members.size();
    std::size_t with_one_more = all % sharing_.members.size();
    for (const auto& [id, member] : sharing_.members) {
      std::size_t kept = 0;
      for (const OnePartition& one : those_it_reads_first(member)) {
        if (!wants(member, sharing_, one.topic, one.partition) || owners_.count(one) > 0) continue;
        if (kept == everybody && with_one_more > 0)
          --with_one_more;
        else if (kept >= everybody)
          continue;
        take(id, one);
        ++kept;
      }
    }
  }

  void keep_all() {
    for (const auto& [id, member] : sharing_.members)
      for (const auto& [topic, partitions] : member.has)
        for (const PartitionId partition : partitions)
          if (wants(member, sharing_, topic, partition) && owners_.count({topic, partition}) == 0)
            take(id, {topic, partition});
  }

  // Of those that subscribe to `topic`, the one with the fewest.
  const MemberId* poorest(const TopicId& topic) const {
    const MemberId* found = nullptr;
    std::size_t has = 0;
    for (const auto& [id, member] : sharing_.members) {
      if (member.topics.count(topic) == 0) continue;
      const std::size_t size = shares_.at(id).size();
      if (found && size >= has) continue;
      found = &id;
      has = size;
    }
    return found;
  }

  std::vector<TopicId> topics_with_fewest_subscribers_first() const {
    std::vector<std::pair<std::size_t, TopicId>> counted;
    for (const auto& topic : sharing_.partitions) {
      const auto subscribers = std::count_if(sharing_.members.begin(), sharing_.members.end(),
                                             [&](const auto& one) { return one.second.topics.count(topic.first) > 0; });
      if (subscribers > 0) counted.emplace_back(subscribers, topic.first);
    }
    std::sort(counted.begin(), counted.end());
    std::vector<TopicId> topics;
    for (const auto& [subscribers, topic] : counted) topics.push_back(topic);
    return topics;
  }

  void give_out() {
    for (const TopicId& topic : topics_with_fewest_subscribers_first())
      for (std::int32_t p = 0; p < sharing_.partitions.at(topic); ++p)
        if (const OnePartition one{topic, PartitionId(p)}; owners_.count(one) == 0) take(*poorest(topic), one);
  }

  // Each move makes the shares more even, so this ends.
  void even_out() {
    for (bool moved = true; std::exchange(moved, false);)
      for (auto& [one, owner] : owners_) {
        const MemberId* to = poorest(one.topic);
        if (shares_[owner].size() < shares_[*to].size() + 2) continue;
        shares_[owner].erase(one);
        shares_[*to].insert(one);
        owner = *to;
        moved = true;
      }
  }

  Shares to_shares() const {
    Shares shares;
    for (const auto& [id, partitions] : shares_) {
      TopicPartitions& share = shares[id];
      for (const OnePartition& one : partitions) share[one.topic].insert(one.partition);
    }
    return shares;
  }

  const Sharing& sharing_;
  std::map<OnePartition, MemberId> owners_;
  std::map<MemberId, std::set<OnePartition>> shares_;
};

Shares share_ranges(const Sharing& sharing) {
  Shares shares;
  // A static member keeps its place when it comes back under another id.
  std::vector<std::pair<std::string, MemberId>> order;
  for (const auto& [id, member] : sharing.members) {
    shares[id];
    order.emplace_back(member.instance_id ? member.instance_id->text() : id.text(), id);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [topic, count] : sharing.partitions) {
    std::vector<MemberId> subscribers;
    for (const auto& [name, id] : order)
      if (sharing.members.at(id).topics.count(topic) > 0) subscribers.push_back(id);
    const auto size = static_cast<std::int32_t>(subscribers.size());
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < size; ++i) {
      const std::int32_t end = next + count / size + (i < count % size ? 1 : 0);
      for (; next < end; ++next) shares[subscribers[static_cast<std::size_t>(i)]][topic].insert(PartitionId(next));
    }
  }
  return shares;
}

}  // namespace

bool is_assignor(std::string_view name) { return name == kUniformAssignor || name == kRangeAssignor; }

Shares share_out(std::string_view assignor, const Sharing& sharing) {
  if (sharing.members.empty()) return {};
  if (assignor == kRangeAssignor) return share_ranges(sharing);
  return UniformSharing(sharing).share();
}

}  // namespace logcask
