#pragma once
// How the file descriptors that the process may have are shared out, so that no use takes those of another.
//
//   own          listener, timers, the log, directories while they are synced, and what rolls, deletions and
//                compaction open for a moment
//   segments     closed segments that are held open (open.files.max)
//   connections  one each (connections.max)
//   partitions   two each while they are written to, none at rest (partitions.max). Those that exist open whatever the
//                number: it limits new ones only
//
// A maximum that the limit does not bear is lowered; a warning says so when it is not the default. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/settings/config.h"

namespace logcask {

struct DescriptorBudget {
  std::uint64_t segment_files = 0;
  std::size_t connections = 0;
  std::size_t partitions = 0;
  std::string partitions_limit;  // for the message of a refusal
  std::vector<std::string> warnings;
};

// `limit` is that of the process (RLIMIT_NOFILE).
DescriptorBudget make_descriptor_budget(const BrokerConfig& config, std::uint64_t limit);

}  // namespace logcask
