#pragma once
// Reading a log view across its segments and the holes between them. No lock is needed: a view is immutable.

#include <optional>
#include <string>

#include "base/result.h"
#include "partition/segment_list.h"
#include "segment/segment.h"

namespace logcask {

// Appends whole batches to `out` from the one that holds or follows `from`, below the view's visible end: one whatever
// its size, more while they fit `max_bytes`. Returns where to go on: past holes, and the visible end itself when
// nothing visible follows. corrupt_range names file and position.
Result<Offset> read_log(const LogView& view, Offset from, std::size_t max_bytes, std::string& out);

// The first visible record at or after `timestamp`.
Result<std::optional<Segment::TimedOffset>> find_time(const LogView& view, TimestampMs timestamp);

}  // namespace logcask
