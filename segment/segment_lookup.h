#pragma once
// Records of one segment by their offsets, for one chunk of one answer: file, indexes and end of the log are got once,
// and the steps of a lookup come apart, so that many of them can wait for memory at the same time.
//
// Usage: find() each offset, find_blocks() of all places, read() each.
// Thread: the caller's. The segment must outlive it, and it a place's read.

#include <cstdint>
#include <optional>
#include <span>

#include "segment/segment_hold.h"

namespace logcask {

class SegmentLookup {
 public:
  // Where the record lies: in the block, when one covers it, else behind the index entry.
  struct Place {
    Offset offset;
    std::optional<IndexEntry> entry;
    std::optional<IndexEntry> next;  // the entry after it, if any
    std::uint64_t gap_end = 0;       // of the bytes that belong to the entry
    bool settled = false;            // those bytes are all there; the active segment's last entry still gets more
    RecordCache::Key key;            // none: there is no entry
    RecordBlockPtr block;
  };
  static constexpr std::size_t kPlacesMax = 64;

  explicit SegmentLookup(const Segment& segment) : segment_(segment), hold_(segment.hold()) {}

  // By the index alone.
  Place find(Offset offset) const;
  // Gives each place its block when the cache has it, and starts fetching what read() will look at. At most kPlacesMax,
  // of any segments.
  static void find_blocks(RecordCache& cache, std::span<Place> places);
  // The record at exactly `place.offset`. The view points into scratch or place.block.
  Result<RecordView> read(Place& place, RecordScratch& scratch) const;

  const Segment& segment() const { return segment_; }

 private:
  const Segment& segment_;
  const Result<Segment::Hold> hold_;  // an error is every read's
};

}  // namespace logcask
