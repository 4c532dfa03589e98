#include "segment/log_state.h"

#include <algorithm>

namespace logcask {

void LogState::add_batch(const BatchHeader& header, ByteView batch, bool sound) {
  offset_index.add_batch(header, facts_.size_bytes, sound ? batch : batch.substr(0, kBatchHeaderBytes));
  time_index.add_batch(header, facts_.size_bytes);
  digest.update(batch);
  facts_.size_bytes += batch.size();
  facts_.next_offset = header.next_offset();
  facts_.batches += 1;
  facts_.records += static_cast<std::uint64_t>(header.record_count);
  facts_.max_timestamp = std::max(facts_.max_timestamp, header.max_timestamp);
}

SegmentFacts LogState::facts() const {
  SegmentFacts facts = facts_;
  facts.digest = digest.value();
  return facts;
}

}  // namespace logcask
