#include "partition/view_read.h"

#include <algorithm>

namespace logcask {

Result<Offset> read_view(const LogView& view, Offset from, std::size_t max_bytes, ByteBuffer& out) {
  const auto& segments = view.list->segments;
  const std::size_t start_bytes = out.size();
  for (std::size_t i = view.list->find(from); i < segments.size() && from < view.visible_end; ++i) {
    const std::size_t taken = out.size() - start_bytes;
    if (taken > 0 && taken >= max_bytes) return from;
    const std::size_t room = max_bytes > taken ? max_bytes - taken : 0;
    if (i + 1 < segments.size() && from >= segments[i]->next_offset()) {
      // In the hole behind it: not even asked, it may be damaged.
      from = std::max(from, std::min(segments[i + 1]->base(), view.visible_end));
      continue;
    }
    Result<ReadBatches> read = segments[i]->read_batches(from, view.visible_end, room, out);
    if (!read.ok()) {
      // What was read before the damage is good; the next call starts at the damage and reports it.
      if (taken > 0) return from;
      return std::move(read).error();
    }
    if (read->batches > 0) {
      from = std::max(from, read->next_offset);
      // Another batch of this segment may follow that did not fit, or was not visible yet.
      if (from < segments[i]->next_offset()) return from;
    } else if (view.visible_end < segments[i]->next_offset()) {
      // What follows straddles the visible end: it is read once all of it is visible.
      return from;
    }
    if (i + 1 < segments.size()) from = std::max(from, std::min(segments[i + 1]->base(), view.visible_end));
  }
  return out.size() > start_bytes ? from : view.visible_end;
}

Result<std::optional<Segment::TimedOffset>> find_time(const LogView& view, TimestampMs timestamp) {
  for (const auto& segment : view.list->segments) {
    if (segment->next_offset() <= view.log_start || segment->base() >= view.visible_end) continue;
    if (segment->facts().max_timestamp < timestamp) continue;
    LOGCASK_ASSIGN(auto found, segment->offset_for_time(timestamp, view.log_start, view.visible_end));
    if (found) return found;
  }
  return std::optional<Segment::TimedOffset>();
}

const SegmentLookup& ViewLookup::in(Offset offset) {
  const std::size_t number = view_.list->find(offset);
  const Segment& segment = *view_.list->segments[number];
  auto& open = open_[number % open_.size()];
  if (!open || &open->segment() != &segment) open.emplace(segment);
  return *open;
}

}  // namespace logcask
