#pragma once
// Reading a log view across its segments and the holes between them. No lock is needed: a view is immutable.

#include <array>
#include <optional>

#include "base/byte_buffer.h"
#include "base/result.h"
#include "partition/segment_list.h"
#include "segment/segment.h"
#include "segment/segment_lookup.h"

namespace logcask {

// Appends whole batches to `out` from the one that holds or follows `from`, below the view's visible end: one whatever
// its size, more while they fit `max_bytes`. Returns where to go on: past holes, and the visible end itself when
// nothing visible follows. corrupt_range names file and position.
Result<Offset> read_view(const LogView& view, Offset from, std::size_t max_bytes, ByteBuffer& out);

// The first visible record at or after `timestamp`.
Result<std::optional<Segment::TimedOffset>> find_time(const LogView& view, TimestampMs timestamp);

// Single records of a view; see segment/segment_lookup.h for the steps. The view must outlive it.
class ViewLookup {
 public:
  explicit ViewLookup(const LogView& view) : view_(view) {}

  SegmentLookup::Place find(Offset offset) { return in(offset).find(offset); }
  Result<RecordView> read(SegmentLookup::Place& place, RecordScratch& scratch) {
    return in(place.offset).read(place, scratch);
  }

 private:
  const SegmentLookup& in(Offset offset);

  const LogView& view_;
  std::array<std::optional<SegmentLookup>, 4> open_;  // the segments asked last, by their number
};

}  // namespace logcask
