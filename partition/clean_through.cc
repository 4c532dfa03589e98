#include "partition/clean_through.h"

#include <algorithm>

namespace logcask {

Offset clean_through_of(std::span<const ManifestSegment> segments, Offset active_base) {
  Offset best(0);
  Offset least = kMaxCompactedOffset;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    least = std::min(least, segments[i].compacted_through);
    const Offset next_base = i + 1 < segments.size() ? segments[i + 1].facts.name.base : active_base;
    best = std::max(best, std::min(least, next_base));
  }
  return best;
}

void note_clean_through(std::vector<CleanThrough>& list, Offset through, TimestampMs now,
                        std::int64_t delete_retention_ms) {
  const Offset due = due_through(list, now, delete_retention_ms);
  // The newest due entry says everything the older ones do.
  std::erase_if(list, [&](const CleanThrough& entry) { return entry.through < due; });
  if (!list.empty() && list.back().through >= through) return;
  const std::int64_t spacing_ms = delete_retention_ms / 32;
  if (list.size() >= 2 && now.value() - list[list.size() - 2].since.value() < spacing_ms) list.pop_back();
  list.push_back({through, now});
}

Offset due_through(std::span<const CleanThrough> list, TimestampMs now, std::int64_t delete_retention_ms) {
  Offset due(0);
  for (const CleanThrough& entry : list)
    if (now.value() - entry.since.value() >= delete_retention_ms) due = std::max(due, entry.through);
  return due;
}

}  // namespace logcask
