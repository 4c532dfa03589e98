#include "partition/segment_stats.h"

#include <algorithm>

#include "base/check.h"

namespace logcask {

SegmentStats* SegmentStatsTable::find(Offset offset) {
  // The newest segment first: most changes concern it.
  if (!segments_.empty() && segments_.back().base <= offset) return &segments_.back();
  const auto after = std::partition_point(segments_.begin(), segments_.end(),
                                          [offset](const SegmentStats& s) { return s.base <= offset; });
  return after == segments_.begin() ? nullptr : &*(after - 1);
}

void SegmentStatsTable::replace(Offset from, Offset to, const std::vector<SegmentStats>& with) {
  const auto in_order = [](const SegmentStats& s, Offset o) { return s.base < o; };
  const auto first = std::lower_bound(segments_.begin(), segments_.end(), from, in_order);
  const auto last = std::lower_bound(segments_.begin(), segments_.end(), to, in_order);
  const auto at = segments_.erase(first, last);
  segments_.insert(at, with.begin(), with.end());
}

void SegmentStatsTable::on_raise(Offset offset, bool deleted, const RaiseOutcome& outcome) {
  if (outcome.result == RaiseResult::stale) return;
  SegmentStats* stats = find(offset);
  if (!stats) return;
  ++(deleted ? stats->live_tombstones : stats->live_values);
  if (outcome.result == RaiseResult::raised) drop_live(outcome.previous);
}

void SegmentStatsTable::on_remove(const KeydirEntry& entry) { drop_live(entry); }

void SegmentStatsTable::drop_live(const KeydirEntry& entry) {
  SegmentStats* stats = find(entry.offset);
  if (!stats) return;
  std::uint64_t& count = entry.deleted ? stats->live_tombstones : stats->live_values;
  LOGCASK_CHECK(count > 0);
  --count;
  if (rewrite_ && entry.offset >= rewrite_->from && entry.offset < rewrite_->probed_up_to)
    rewrite_->superseded.push_back(entry);
}

void SegmentStatsTable::begin_rewrite(Offset from, Offset to) {
  LOGCASK_CHECK(!rewrite_);
  rewrite_ = Rewrite{from, to, from, {}};
}

void SegmentStatsTable::rewrite_probed(Offset up_to) {
  LOGCASK_CHECK(rewrite_ && up_to >= rewrite_->probed_up_to && up_to <= rewrite_->to);
  rewrite_->probed_up_to = up_to;
}

std::vector<KeydirEntry> SegmentStatsTable::end_rewrite() {
  LOGCASK_CHECK(rewrite_);
  std::vector<KeydirEntry> superseded = std::move(rewrite_->superseded);
  rewrite_.reset();
  return superseded;
}

}  // namespace logcask
