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
  CHECK(troubles.damage("place 0", {}));
  CHECK_FALSE(troubles.damage("place 0", {}));
  for (int i = 1; i < 1000; ++i) (void)troubles.damage("place " + std::to_string(i), {});
  CHECK(kinds(troubles).size() == 16);
  troubles.forget();
  CHECK(kinds(troubles).empty());
}

TEST_CASE("damage is over when the same read finds nothing wrong any more, and no other read ends it", "[troubles]") {
  PartitionTroubles troubles;
  const PartitionTroubles::Read first{Offset(7), 1}, second{Offset(9), 1};
  CHECK(troubles.damage("place 1", first));
  CHECK(troubles.damage("place 2", second));
  CHECK(troubles.damaged_reads().size() == 2);
  CHECK(troubles.mended({Offset(7), 4096}).empty());
  CHECK(troubles.mended(first) == std::vector<std::string>{"place 1"});
  CHECK(kinds(troubles) == std::vector<std::string>{"damaged"});
  CHECK(troubles.damaged_reads() == std::vector{second});
  CHECK(troubles.damage("place 1", first));
}
