#include "client/assignor.h"

#include "tests/support/catch.h"

namespace logcask::client {
namespace {

using Ids = std::vector<PartitionId>;

Ids ids(std::initializer_list<std::int32_t> numbers) {
  Ids out;
  for (const std::int32_t number : numbers) out.push_back(PartitionId(number));
  return out;
}

// The example in the documentation of Kafka's RangeAssignor and RoundRobinAssignor.
const PartitionCounts kTwoTopics = {{"t0", 3}, {"t1", 3}};
const std::vector<SharingMember> kTwoReaders = {{"C1", "", {"t0", "t1"}}, {"C0", "", {"t1", "t0"}}};

}  // namespace

TEST_CASE("range shares each topic out as Kafka's RangeAssignor does") {
  const Shares shares = share_by_range(kTwoReaders, kTwoTopics);
  CHECK(shares ==
        Shares{{"C0", {{"t0", ids({0, 1})}, {"t1", ids({0, 1})}}}, {"C1", {{"t0", ids({2})}, {"t1", ids({2})}}}});
}

TEST_CASE("roundrobin goes on from topic to topic as Kafka's RoundRobinAssignor does") {
  const Shares shares = share_in_turn(kTwoReaders, kTwoTopics);
  CHECK(shares ==
        Shares{{"C0", {{"t0", ids({0, 2})}, {"t1", ids({1})}}}, {"C1", {{"t0", ids({1})}, {"t1", ids({0, 2})}}}});
}

TEST_CASE("roundrobin passes over members that do not read the topic") {
  // The second example there.
  const Shares shares = share_in_turn({{"C0", "", {"t0"}}, {"C1", "", {"t0", "t1"}}, {"C2", "", {"t0", "t1", "t2"}}},
                                      {{"t0", 1}, {"t1", 2}, {"t2", 3}});
  CHECK(shares == Shares{{"C0", {{"t0", ids({0})}}},
                         {"C1", {{"t1", ids({0})}}},
                         {"C2", {{"t1", ids({1})}, {"t2", ids({0, 1, 2})}}}});
}

TEST_CASE("static members come first, by instance id, and so keep their share under a new member id") {
  const PartitionCounts partitions = {{"t", 2}};
  const Shares before = share_by_range({{"a", "", {"t"}}, {"z", "seat", {"t"}}}, partitions);
  CHECK(before.at("z").at("t") == ids({0}));
  CHECK(before.at("a").at("t") == ids({1}));
}

TEST_CASE("more members than partitions, topics nobody knows and readers of nothing get an empty share") {
  for (const auto& share : {share_by_range, share_in_turn}) {
    const Shares shares =
        share({{"a", "", {"t"}}, {"b", "", {"t", "unknown"}}, {"c", "", {}}}, {{"t", 1}, {"other", 4}});
    CHECK(shares == Shares{{"a", {{"t", ids({0})}}}, {"b", {}}, {"c", {}}});
    CHECK(share({}, {{"t", 1}}).empty());
  }
}

}  // namespace logcask::client
