#pragma once
// A partition's log as it was at one instant, readable for as long as this lives.
//
// All of it are closed segments, as the manifest beside them lists them: none of their bytes ever changes, and
// compaction, retention and rolls go on meanwhile. What they replace keeps its files until the pin goes, and takes disk
// space until then. Only the deletion of the topic takes the files away: reads fail from then on. A value. Threads:
// any.

#include <cstdint>
#include <memory>
#include <vector>

#include "partition/manifest.h"
#include "segment/segment.h"

namespace logcask {

struct LogPin {
  Manifest manifest;
  std::vector<std::shared_ptr<const Segment>> segments;  // one per segment of the manifest, in its order

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const ManifestSegment& segment : manifest.segments) sum += segment.facts.size_bytes;
    return sum;
  }
};

}  // namespace logcask
