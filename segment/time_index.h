#pragma once
// From a timestamp to the place where looking for it must start.
//
// Entry (T, O): every record below offset O has a timestamp <= T. At most one entry per 64 KiB of file, and only
// where T rose. Derived like the offset index, the same file treatment.
// Threads: not safe while add_batch runs; const calls are, otherwise.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"
#include "segment/segment_facts.h"

namespace logcask {

inline constexpr std::uint32_t kTimeIndexIntervalBytes = 64 * 1024;

class TimeIndex {
 public:
  explicit TimeIndex(SegmentName name) : name_(name) {}

  void add_batch(const BatchHeader& header, std::uint64_t position);

  // An offset such that every record below it is older than `timestamp`; the segment's base when nothing better
  // is known. Scan from there for the first record at or after `timestamp`.
  Offset find(TimestampMs timestamp) const;

  TimestampMs max_timestamp() const { return max_timestamp_; }
  std::size_t entry_count() const { return entries_.size(); }
  std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry); }

  std::string encode(const SegmentFacts& facts) const;
  static Result<TimeIndex> decode(ByteView file, const SegmentFacts& facts);

 private:
  struct Entry {
    std::int64_t max_timestamp;
    std::uint32_t offset_delta;
  };

  SegmentName name_;
  std::vector<Entry> entries_;
  TimestampMs max_timestamp_ = kNoTimestamp;
  std::uint64_t last_position_ = 0;
};

}  // namespace logcask
