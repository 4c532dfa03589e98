#pragma once
// What is known about a complete (or so far written) log file, as the manifest keeps it.

#include <cstdint>

#include "base/types.h"
#include "segment/filename.h"

namespace logcask {

// A segment stays below 2^31 bytes and spans fewer than 2^31 offsets, so positions and offset deltas fit 32 bits.
inline constexpr std::uint64_t kMaxSegmentBytes = (std::uint64_t{1} << 31) - 1;
inline constexpr std::int64_t kMaxSegmentSpan = (std::int64_t{1} << 31) - 1;

inline constexpr TimestampMs kNoTimestamp{-1};

struct SegmentFacts {
  SegmentName name;
  // One past the last offset the file's batches cover.
  Offset next_offset;
  std::uint64_t size_bytes = 0;
  // XXH3-64 of the file's bytes [0, size_bytes); see segment/digest.h.
  std::uint64_t digest = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  // Greatest record timestamp.
  TimestampMs max_timestamp = kNoTimestamp;
  // The broker's append clock (not record timestamps), kNoTimestamp when unknown.
  TimestampMs first_append = kNoTimestamp;
  TimestampMs last_append = kNoTimestamp;
  friend bool operator==(const SegmentFacts&, const SegmentFacts&) = default;
};

}  // namespace logcask
