#pragma once
// Makes a segment's hint: of a closed segment after its roll or in recovery, of the active one up to some point.
//
// An older, partial hint is taken over and only the log behind it is read. An entry stays while it can matter to a
// load: a tombstone always, a value while the keydir names it. What a newer committed record has superseded is left
// out, because that record is in the log too and loads go by the highest offset; so the hint of a segment that was
// overwritten ten times is no larger than one of live records.
//
// Threads: none of its own; one build per segment at a time, on a background thread. Appends and reads go on.
// Memory: HintWriter's, plus the largest batch. Errors: of the seam and of Segment::scan; a half-written hint
// is removed. Missing or damaged older hints are no error, they are built anew.

#include <cstdint>
#include <functional>
#include <memory>

#include "base/key_hash.h"
#include "base/result.h"
#include "partition/replay_filter.h"
#include "segment/hint_file.h"
#include "segment/segment.h"

namespace logcask {

// How far a hint reaches: a batch edge at or below the committed end and the last stable offset.
struct HintExtent {
  std::uint64_t position = 0;
  Offset next_offset;
  std::uint64_t digest = 0;  // of the log's bytes [0, position)
};
inline HintExtent extent_of(const SegmentFacts& facts) { return {facts.size_bytes, facts.next_offset, facts.digest}; }

struct HintBuild {
  std::shared_ptr<Directory> directory;
  std::shared_ptr<const Segment> segment;
  HintExtent extent;
  const KeyHasher* hasher = nullptr;
  // At most 64 records a call. True: the keydir names this record, or cannot be believed about it (still loading).
  LivenessProbe live;
  std::size_t max_decompressed_bytes = 256u << 20;
  // Asked between groups; an error ends the build with it.
  std::function<Status()> keep_going;
};

// Writes the hint (synced; its name by the caller's next Directory::sync) and returns its header. Does nothing when
// the hint that is there says the same already and none of its blocks is damaged.
Result<HintHeader> build_hint(const HintBuild& build);

// May this hint stand for the log's first bytes up to its covered_position? Partial ones only for generation 0.
bool hint_fits(const HintHeader& header, const HintExtent& extent, const KeyHasher& hasher);
bool hint_is_whole(const HintHeader& header, const HintExtent& extent);

}  // namespace logcask
