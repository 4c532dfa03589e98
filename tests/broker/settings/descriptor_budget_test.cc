#include "broker/settings/descriptor_budget.h"

#include "tests/support/catch.h"

using namespace logcask;

namespace {

BrokerConfig config_of(std::int64_t connections, std::int64_t partitions) {
  BrokerConfig config;
  config.io_threads = 2;
  config.connections_max = connections;
  config.partitions_max = partitions;
  return config;
}

}  // namespace

TEST_CASE("a large limit of open files bears what the settings ask for", "[descriptors]") {
  const DescriptorBudget budget = make_descriptor_budget(config_of(10'000, 10'000), 524'288);
  CHECK(budget.connections == 10'000);
  CHECK(budget.partitions == 10'000);
  CHECK(budget.segment_files == 65'536);
  CHECK(budget.warnings.empty());
}

TEST_CASE("no use of descriptors takes those of another, whatever the limit", "[descriptors]") {
  for (const std::uint64_t limit : {512u, 1024u, 4096u, 20'000u, 65'536u, 1u << 20}) {
    for (const std::int64_t partitions : {1, 100, 10'000, 1'000'000}) {
      for (const std::int64_t connections : {16, 1000, 100'000}) {
        INFO("limit " << limit << ", " << partitions << " partitions, " << connections << " connections");
        const DescriptorBudget budget = make_descriptor_budget(config_of(connections, partitions), limit);
        CHECK(budget.segment_files + budget.connections + 2 * budget.partitions + 64 <= limit);
        CHECK(budget.connections >= 16);
        CHECK(budget.partitions >= static_cast<std::size_t>(std::min<std::int64_t>(partitions, 16)));
      }
    }
  }
}

TEST_CASE("what one use of descriptors does not want another may have", "[descriptors]") {
  const DescriptorBudget few_partitions = make_descriptor_budget(config_of(10'000, 10), 12'000);
  CHECK(few_partitions.connections > 8'000);
  CHECK(few_partitions.partitions == 10);
  const DescriptorBudget few_connections = make_descriptor_budget(config_of(16, 10'000), 12'000);
  CHECK(few_connections.partitions > 4'000);
}

TEST_CASE("a lowered maximum is a warning only where somebody has set it", "[descriptors]") {
  CHECK(make_descriptor_budget(config_of(10'000, 10'000), 4096).warnings.empty());
  const DescriptorBudget set = make_descriptor_budget(config_of(9'999, 9'999), 4096);
  REQUIRE(set.warnings.size() == 2);
  CHECK_THAT(set.warnings[0], Catch::Contains("connections.max is 9999") && Catch::Contains("4096"));
  CHECK_THAT(set.warnings[1], Catch::Contains("partitions.max is 9999"));
  CHECK_THAT(set.partitions_limit, Catch::Contains("ulimit -n"));
}
