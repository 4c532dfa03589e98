#include "broker/settings/descriptor_budget.h"

#include <algorithm>
#include <string_view>

#include "broker/settings/broker_settings.h"

namespace logcask {
namespace {

constexpr std::uint64_t kOwnDescriptors = 96;
constexpr std::uint64_t kDescriptorsPerIoThread = 4;
constexpr std::uint64_t kDescriptorsPerPartition = 2;
constexpr std::uint64_t kSegmentFilesMax = 1u << 16;
constexpr std::uint64_t kAtLeastOfEach = 16;

bool is_default(std::string_view setting, std::uint64_t value) {
  const auto settings = broker_settings();
  return std::any_of(settings.begin(), settings.end(), [&](const SettingInfo* info) {
    return info->name == setting && info->default_text == std::to_string(value);
  });
}

std::string lowered(const char* setting, std::uint64_t wanted, std::uint64_t limit, std::uint64_t most) {
  return std::string(setting) + " is " + std::to_string(wanted) + ", but the limit of " + std::to_string(limit) +
         " open files leaves descriptors for " + std::to_string(most) + "; further ones are refused (ulimit -n)";
}

}  // namespace

DescriptorBudget make_descriptor_budget(const BrokerConfig& config, std::uint64_t limit) {
  const auto left_of = [](std::uint64_t all, std::uint64_t taken) { return all > taken ? all - taken : 0; };
  const std::uint64_t own =
      kOwnDescriptors +
      kDescriptorsPerIoThread * static_cast<std::uint64_t>(std::max<std::int64_t>(config.io_threads, 0));
  const std::uint64_t shared = left_of(limit, own);
  DescriptorBudget budget;
  budget.segment_files = config.open_files_max > 0 ? static_cast<std::uint64_t>(config.open_files_max)
                                                   : std::clamp(shared / 4, kAtLeastOfEach, kSegmentFilesMax);
  const std::uint64_t pool = left_of(shared, budget.segment_files);
  const auto connections_wanted = static_cast<std::uint64_t>(config.connections_max);
  const auto partitions_wanted = static_cast<std::uint64_t>(config.partitions_max);
  const std::uint64_t partition_files_wanted = partitions_wanted * kDescriptorsPerPartition;
  // Each may have half; what one does not want, the other may have.
  const std::uint64_t for_connections = std::max(pool / 2, left_of(pool, partition_files_wanted));
  const std::uint64_t for_partitions = std::max(pool / 2, left_of(pool, connections_wanted));
  const std::uint64_t connections = std::max(kAtLeastOfEach, std::min(connections_wanted, for_connections));
  const std::uint64_t partitions =
      std::max(kAtLeastOfEach, std::min(partitions_wanted, for_partitions / kDescriptorsPerPartition));
  budget.connections = static_cast<std::size_t>(std::min(connections, connections_wanted));
  budget.partitions = static_cast<std::size_t>(std::min(partitions, partitions_wanted));
  budget.partitions_limit = "partitions.max";
  if (budget.partitions < partitions_wanted)
    budget.partitions_limit += " is " + std::to_string(partitions_wanted) + ", but of the " + std::to_string(limit) +
                               " files that the process may open so many partitions have theirs; raise ulimit -n";
  if (budget.connections < connections_wanted && !is_default("connections.max", connections_wanted))
    budget.warnings.push_back(lowered("connections.max", connections_wanted, limit, budget.connections));
  if (budget.partitions < partitions_wanted && !is_default("partitions.max", partitions_wanted))
    budget.warnings.push_back(lowered("partitions.max", partitions_wanted, limit, budget.partitions));
  return budget;
}

}  // namespace logcask
