#pragma once
// The only place that spells the names of a segment's files: BASE.GEN.log|index|timeindex|hint|sync,
// BASE 20 digits, GEN decimal without leading zeros. One name parses to one thing and back to itself.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace logcask {

// A segment's identity inside its partition.
struct SegmentName {
  Offset base;
  Generation generation;
  friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
  // Generation 0 is what the appender wrote: offsets without holes. Higher ones were written by compaction.
  bool rewritten() const { return generation.value() > 0; }
};

enum class SegmentFile { log, index, time_index, hint, sync };

std::string segment_filename(SegmentName name, SegmentFile file);

struct ParsedFilename {
  SegmentName name;
  SegmentFile file;
};
// Empty for every name that segment_filename would not spell exactly so.
std::optional<ParsedFilename> parse_segment_filename(std::string_view filename);

}  // namespace logcask
