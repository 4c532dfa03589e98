#include "segment/active_log.h"

#include "base/check.h"

namespace logcask {

ActiveLog::End ActiveLog::end() const {
  const std::lock_guard lock(mutex_);
  return {state_.next_offset(), state_.position()};
}

SegmentFacts ActiveLog::facts() const {
  const std::lock_guard lock(mutex_);
  return state_.facts();
}

std::optional<IndexEntry> ActiveLog::find(Offset offset, std::optional<IndexEntry>* next) const {
  const std::lock_guard lock(mutex_);
  return state_.offset_index.find(offset, next);
}

std::optional<IndexEntry> ActiveLog::find_batch(Offset offset) const {
  const std::lock_guard lock(mutex_);
  return state_.offset_index.find_batch(offset);
}

BatchHeader ActiveLog::large_batch(const IndexEntry& entry) const {
  const std::lock_guard lock(mutex_);
  return state_.offset_index.large_batch(entry);
}

bool ActiveLog::header_holds(const BatchHeader& header, ByteView raw, std::uint64_t position) const {
  const std::lock_guard lock(mutex_);
  return state_.offset_index.header_holds(header, raw, position);
}

Offset ActiveLog::find_time(TimestampMs timestamp) const {
  const std::lock_guard lock(mutex_);
  return state_.time_index.find(timestamp);
}

void ActiveLog::extend(std::span<const ByteView> pieces, TimestampMs append_time) {
  const std::lock_guard lock(mutex_);
  for (ByteView piece : pieces) {
    while (!piece.empty()) {
      const auto header = decode_batch_header(piece);
      LOGCASK_CHECK(header.ok() && header->total_bytes() <= piece.size());
      state_.add_batch(*header, piece.substr(0, header->total_bytes()));
      piece.remove_prefix(header->total_bytes());
    }
  }
  state_.note_append(append_time);
}

}  // namespace logcask
