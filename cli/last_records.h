#pragma once
// Where the last N records of a partition begin.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "logcask/client.h"
#include "logcask/result.h"
#include "logcask/types.h"

namespace logcask::cli {

// The offset of the Nth record from the end, for each partition, as the log stands now; of fewer records the first
// one's. Compaction leaves holes, so this reads backwards in growing steps until it has met enough records. Memory: 8
// bytes for each of `count`.
Result<std::map<PartitionId, Offset>> find_last_records(const client::Client& client, const std::string& topic,
                                                        const std::vector<PartitionId>& partitions, std::size_t count);

}  // namespace logcask::cli
