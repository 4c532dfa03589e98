#include "broker/door/partition_troubles.h"

#include "tests/support/catch.h"

using namespace logcask;

namespace {

std::vector<std::string> kinds(const PartitionTroubles& troubles) {
  std::vector<PartitionProblem> problems;
  troubles.list(problems);
  std::vector<std::string> kinds;
  for (const auto& problem : problems) kinds.push_back(problem.kind);
  return kinds;
}

}  // namespace

TEST_CASE("a full disk is news once, and so is its end", "[troubles]") {
  PartitionTroubles troubles;
  CHECK_FALSE(troubles.disk_has_room());
  CHECK(troubles.disk_full("no space"));
  CHECK_FALSE(troubles.disk_full("no space"));
  CHECK(kinds(troubles) == std::vector<std::string>{"storage_full"});
  CHECK(troubles.disk_has_room());
  CHECK_FALSE(troubles.disk_has_room());
  CHECK(kinds(troubles).empty());
}

TEST_CASE("each damaged place is news once, and their number is bounded", "[troubles]") {
  PartitionTroubles troubles;
  CHECK(troubles.damage("place 0"));
  CHECK_FALSE(troubles.damage("place 0"));
  for (int i = 1; i < 1000; ++i) (void)troubles.damage("place " + std::to_string(i));
  CHECK(kinds(troubles).size() == 16);
  troubles.forget();
  CHECK(kinds(troubles).empty());
}
