#pragma once
// Internal to segment*.cc: what a read holds on to while it runs, the same for closed and active segments.

#include "segment/active_log.h"
#include "segment/segment.h"

namespace logcask {

struct Segment::Hold {
  std::shared_ptr<const OpenSegment> open;  // closed
  const ActiveLog* active = nullptr;
  const File* file = nullptr;
  Offset next_offset;
  std::uint64_t size = 0;

  std::optional<IndexEntry> find(Offset offset, std::optional<IndexEntry>* next) const {
    return open ? open->offset_index.find(offset, next) : active->find(offset, next);
  }
  std::optional<IndexEntry> find_batch(Offset offset) const {
    return open ? open->offset_index.find_batch(offset) : active->find_batch(offset);
  }
  BatchHeader large_batch(const IndexEntry& entry) const {
    return open ? open->offset_index.large_batch(entry) : active->large_batch(entry);
  }
  bool header_holds(const BatchHeader& header, ByteView raw, std::uint64_t position) const {
    return open ? open->offset_index.header_holds(header, raw, position) : active->header_holds(header, raw, position);
  }
  Offset find_time(TimestampMs timestamp) const {
    return open ? open->time_index.find(timestamp) : active->find_time(timestamp);
  }
};

struct Segment::Located {
  std::uint64_t position = 0;
  BatchHeader header;
};

}  // namespace logcask
