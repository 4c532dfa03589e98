// How partitions are shared out.
#include "broker/services/partition_assignor.h"

#include <algorithm>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

TopicId topic(int number) {
  TopicId id;
  id.bytes[0] = static_cast<std::uint8_t>(number);
  return id;
}

MemberId member(int number) { return MemberId("m" + std::to_string(number)); }

std::size_t partitions_in(const TopicPartitions& all) {
  std::size_t sum = 0;
  for (const auto& [id, partitions] : all) sum += partitions.size();
  return sum;
}

// Every partition that somebody subscribes to is with one member, which subscribes to it.
void check_whole(const Sharing& sharing, const Shares& shares) {
  REQUIRE(shares.size() == sharing.members.size());
  std::map<std::pair<TopicId, PartitionId>, int> owners;
  for (const auto& [id, share] : shares)
    for (const auto& [of, partitions] : share) {
      CHECK(sharing.members.at(id).topics.count(of) == 1);
      for (const PartitionId partition : partitions) ++owners[{of, partition}];
    }
  std::size_t wanted = 0;
  for (const auto& topic : sharing.partitions) {
    const bool subscribed = std::any_of(sharing.members.begin(), sharing.members.end(),
                                        [&](const auto& one) { return one.second.topics.count(topic.first) > 0; });
    if (subscribed) wanted += static_cast<std::size_t>(topic.second);
  }
  CHECK(owners.size() == wanted);
  for (const auto& [place, count] : owners) CHECK(count == 1);
}

std::pair<std::size_t, std::size_t> fewest_and_most(const Shares& shares) {
  std::size_t fewest = SIZE_MAX;
  std::size_t most = 0;
  for (const auto& [id, share] : shares) {
    fewest = std::min(fewest, partitions_in(share));
    most = std::max(most, partitions_in(share));
  }
  return {fewest, most};
}

std::size_t moved(const Sharing& before, const Shares& after) {
  std::size_t kept = 0;
  std::size_t had = 0;
  for (const auto& [id, one] : before.members)
    for (const auto& [of, partitions] : one.has)
      for (const PartitionId partition : partitions) {
        ++had;
        const auto share = after.at(id).find(of);
        kept += share != after.at(id).end() && share->second.count(partition) > 0;
      }
  return had - kept;
}

Sharing of_members(int members, int partitions) {
  Sharing sharing;
  sharing.partitions[topic(1)] = partitions;
  for (int i = 0; i < members; ++i) sharing.members[member(i)].topics = {topic(1)};
  return sharing;
}

void keep(Sharing& sharing, const Shares& shares) {
  for (auto& [id, one] : sharing.members) one.has = shares.count(id) > 0 ? shares.at(id) : TopicPartitions();
}

TEST_CASE("uniform shares are even within one and move no more than they must", "[consumer_group]") {
  Random random(testing::test_seed());
  for (int round = 0; round < 200; ++round) {
    const int members = 1 + static_cast<int>(random.below(7));
    const int partitions = static_cast<int>(random.below(40));
    Sharing sharing = of_members(members, partitions);
    const Shares first = share_out(kUniformAssignor, sharing);
    check_whole(sharing, first);
    const auto [fewest, most] = fewest_and_most(first);
    CHECK(most - fewest <= 1);
    keep(sharing, first);
    CHECK(moved(sharing, share_out(kUniformAssignor, sharing)) == 0);
    // One more: it gets its part, and nothing else moves.
    sharing.members[member(members)].topics = {topic(1)};
    const Shares second = share_out(kUniformAssignor, sharing);
    check_whole(sharing, second);
    const auto [less, more] = fewest_and_most(second);
    CHECK(more - less <= 1);
    CHECK(moved(sharing, second) == partitions_in(second.at(member(members))));
  }
}

TEST_CASE("of what a member was given it keeps first what it reads by now", "[consumer_group]") {
  Sharing sharing = of_members(2, 4);
  for (int p = 0; p < 4; ++p) sharing.members[member(0)].has[topic(1)].emplace(p);
  sharing.members[member(0)].reads[topic(1)] = {PartitionId(1), PartitionId(3)};
  CHECK(share_out(kUniformAssignor, sharing).at(member(0)) == sharing.members[member(0)].reads);
}

TEST_CASE("uniform shares of different subscriptions cannot be made more even", "[consumer_group]") {
  Random random(testing::test_seed());
  for (int round = 0; round < 200; ++round) {
    Sharing sharing;
    for (int t = 0; t < 4; ++t) sharing.partitions[topic(t)] = static_cast<int>(random.below(12));
    for (int i = 0; i < 1 + static_cast<int>(random.below(6)); ++i)
      for (int t = 0; t < 4; ++t)
        if (random.one_in(2)) sharing.members[member(i)].topics.insert(topic(t));
    if (sharing.members.empty()) continue;
    const Shares first = share_out(kUniformAssignor, sharing);
    check_whole(sharing, first);
    for (const auto& [id, share] : first)
      for (const auto& [of, partitions] : share)
        for (const auto& [other, one] : sharing.members)
          if (!partitions.empty() && one.topics.count(of) > 0)
            CHECK(partitions_in(share) <= partitions_in(first.at(other)) + 1);
    keep(sharing, first);
    CHECK(moved(sharing, share_out(kUniformAssignor, sharing)) == 0);
  }
}

TEST_CASE("range gives neighbours and a static member keeps its place", "[consumer_group]") {
  Sharing sharing = of_members(3, 7);
  sharing.partitions[topic(2)] = 2;
  for (auto& [id, one] : sharing.members) one.topics.insert(topic(2));
  sharing.members[member(2)].instance_id = GroupInstanceId("a");  // before "m0"
  const Shares shares = share_out(kRangeAssignor, sharing);
  check_whole(sharing, shares);
  const auto range = [](int from, int to) {
    std::set<PartitionId> all;
    for (int p = from; p < to; ++p) all.emplace(p);
    return all;
  };
  CHECK(shares.at(member(2)) == TopicPartitions{{topic(1), range(0, 3)}, {topic(2), range(0, 1)}});
  CHECK(shares.at(member(0)) == TopicPartitions{{topic(1), range(3, 5)}, {topic(2), range(1, 2)}});
  CHECK(shares.at(member(1)) == TopicPartitions{{topic(1), range(5, 7)}});
}

TEST_CASE("what is gone is not shared out", "[consumer_group]") {
  for (const auto assignor : {kUniformAssignor, kRangeAssignor}) {
    Sharing sharing = of_members(2, 3);
    sharing.members[member(0)].has = {{topic(1), {PartitionId(2), PartitionId(9)}}, {topic(5), {PartitionId(0)}}};
    sharing.members[member(1)].topics.insert(topic(5));
    check_whole(sharing, share_out(assignor, sharing));
    CHECK(share_out(assignor, Sharing()).empty());
  }
}

}  // namespace
}  // namespace logcask
