#pragma once
// The partition that says which topics there are: how a data directory gets it, and how it is opened.

#include <memory>

#include "base/result.h"
#include "broker/data_directory.h"
#include "broker/door/partition_runner.h"
#include "broker/topics/partition_factory.h"

namespace logcask {

// Made at the first start and never again: a lost one must not pass for an empty broker (not_found). partition_offline
// when it cannot be opened. Blocks on the disk.
Result<std::shared_ptr<PartitionRunner>> open_metadata_partition(DataDirectory& data, PartitionFactory& factory);

}  // namespace logcask
