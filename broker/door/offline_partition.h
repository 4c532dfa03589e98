#pragma once
// Stands for a partition that could not be opened: every call fails with partition_offline and the reason.
// reopen() is the registry's business (topics.h), because a new runner takes this one's place.

#include <memory>
#include <string>

#include "broker/door/partition_runner.h"

namespace logcask {

std::shared_ptr<PartitionRunner> make_offline_partition(std::string reason, bool may_open_later = false);

}  // namespace logcask
