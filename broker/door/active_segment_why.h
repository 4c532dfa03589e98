#pragma once
// Why the active segment is not compacted: what it waits for, and what closes it now. The one reason that a quiet
// topic's disk does not shrink.

#include <cstdint>
#include <string>

#include "base/types.h"
#include "partition/config.h"

namespace logcask {

// `first_append`, `last_append`: of the segment; none when it is empty. `now`: of the append clock.
std::string why_active(const PartitionConfig& config, std::uint64_t bytes, TimestampMs first_append,
                       TimestampMs last_append, TimestampMs now);

}  // namespace logcask
