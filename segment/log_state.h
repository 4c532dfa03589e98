#pragma once
// Everything known about the bytes of a log file so far: end, digest, indexes, counts. The writer carries one along;
// recovery builds one by scanning and hands it to SegmentWriter::resume. Plain value, not thread-safe.

#include <cstdint>

#include "base/types.h"
#include "proto/record_batch.h"
#include "segment/digest.h"
#include "segment/offset_index.h"
#include "segment/segment_facts.h"
#include "segment/time_index.h"

namespace logcask {

struct LogState {
  explicit LogState(SegmentName name) : offset_index(name), time_index(name), facts_() {
    facts_.name = name;
    facts_.next_offset = name.base;
  }

  // The next batch of the file, whole; `sound` = its CRC holds, else its records get no index entries.
  void add_batch(const BatchHeader& header, ByteView batch, bool sound = true);

  // The digest is computed here.
  SegmentFacts facts() const;
  SegmentName name() const { return facts_.name; }
  Offset next_offset() const { return facts_.next_offset; }
  std::uint64_t position() const { return facts_.size_bytes; }
  // One write of the broker, by its append clock.
  void note_append(TimestampMs time) {
    if (facts_.first_append == kNoTimestamp) facts_.first_append = time;
    facts_.last_append = time;
  }
  void set_append_times(TimestampMs first, TimestampMs last) {
    facts_.first_append = first;
    facts_.last_append = last;
  }

  OffsetIndex offset_index;
  TimeIndex time_index;
  Digest digest;

 private:
  SegmentFacts facts_;
};

}  // namespace logcask
