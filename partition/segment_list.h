#pragma once
// The segments of a log at one instant, closed ones first, the active one last. Immutable: a roll, an install or
// retention publishes a new list; readers go on with theirs, and files vanish when the last list that names them goes.

#include <algorithm>
#include <memory>
#include <vector>

#include "segment/segment.h"

namespace logcask {

struct SegmentList {
  std::vector<std::shared_ptr<const Segment>> segments;  // by base offset

  // The segment whose range holds or follows `offset`; segments.size() when none does.
  std::size_t find(Offset offset) const {
    const auto after = std::partition_point(segments.begin(), segments.end(),
                                            [offset](const auto& segment) { return segment->base() <= offset; });
    return after == segments.begin() ? 0 : static_cast<std::size_t>(after - segments.begin()) - 1;
  }
};

// What one answer may read: taken under the partition's lock, used without it, for one chunk of one answer only.
struct LogView {
  std::shared_ptr<const SegmentList> list;
  Offset log_start;
  Offset visible_end;
};

}  // namespace logcask
