#include "compactor/plan.h"

#include <algorithm>

#include "base/mutant.h"
#include "compactor/plan_run.h"

namespace logcask {
namespace {

// Of live bytes; the rest up to 1.5 times these is for what a rewrite writes before its inputs go.
constexpr double kGarbageShare = 0.4;
constexpr double kGarbageSegments = 3;
constexpr double kDirtyRatioMost = 0.99;

std::uint64_t tombstones_left(const SegmentStats& stats) { return stats.live_tombstones + stats.unindexed_tombstones; }

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(whole == 0 ? 0 : part * 100 / whole) + " %";
}

std::string numbers(std::uint64_t dead, std::uint64_t records) {
  return std::to_string(dead) + " of " + std::to_string(records) + " records dead (" + percent(dead, records) + ")";
}

class Judging {
 public:
  Judging(const CompactionState& state, const PlanOptions& options) : state_(state), options_(options) {}

  SegmentVerdict judge(std::size_t index) const {
    const CompactionSegment& segment = state_.closed[index];
    SegmentVerdict verdict;
    verdict.name = segment.facts.name;
    verdict.rule = rule_of(index, verdict.why);
    verdict.due = verdict.rule != DueRule::none;
    return verdict;
  }

 private:
  DueRule rule_of(std::size_t index, std::string& why) const {
    const CompactionSegment& segment = state_.closed[index];
    const SegmentStats& stats = segment.stats;
    const std::uint64_t dead = droppable_records(segment, state_, options_);
    if (segment.end_offset > state_.bound && !mutant(Mutant::compacted_above_bound)) {
      why = "its end " + std::to_string(segment.end_offset.value()) + " lies above the bound " +
            std::to_string(state_.bound.value()) + " (committed, listed, older than min.compaction.lag.ms)";
      return DueRule::none;
    }
    const KeptDead::Kept* kept = options_.kept_dead ? options_.kept_dead->find(segment.facts.name, state_) : nullptr;
    const bool tombstones_stay = kept && kept->dropped_none && kept->due_through == state_.due_through;
    if (!tombstones_stay && state_.config.delete_mode == DeleteMode::drop && segment.end_offset <= state_.due_through &&
        tombstones_left(stats) > 0) {
      why = std::to_string(tombstones_left(stats)) + " tombstones are past delete.retention.ms";
      return DueRule::due_tombstones;
    }
    if (dead == 0) {
      why = kept && kept->records > 0 ? "no dead records but " + std::to_string(kept->records) +
                                            " that have to stay (without a key, or of "
                                            "keys whose identities have collided)"
                                      : "no dead records";
      return DueRule::none;
    }
    return dead_rule(index, dead, kept, why);
  }

  DueRule dead_rule(std::size_t index, std::uint64_t dead, const KeptDead::Kept* kept, std::string& why) const {
    const CompactionSegment& segment = state_.closed[index];
    const PartitionConfig& config = state_.config;
    const std::uint64_t records = segment.stats.records;
    why = numbers(dead, records);
    const Offset judged = kept ? std::max(kept->judged_through, segment.compacted_through) : segment.compacted_through;
    if (options_.mode == CompactionMode::forced && judged < options_.forced_through) return DueRule::forced;
    const double ratio = static_cast<double>(dead) / static_cast<double>(records);
    if (ratio >= config.min_cleanable_dirty_ratio) {
      why += ", min.cleanable.dirty.ratio reached";
      return DueRule::dead_ratio;
    }
    const std::uint64_t dead_bytes = dead_bytes_estimate(segment, dead);
    if (dead_bytes >= static_cast<std::uint64_t>(config.compaction_dead_bytes)) {
      why += ", about " + std::to_string(dead_bytes) + " bytes: compaction.dead.bytes reached";
      return DueRule::dead_bytes;
    }
    if (lag_passed(segment)) {
      why += ", max.compaction.lag.ms passed";
      return DueRule::max_lag;
    }
    if (const std::uint64_t blocked = blocked_tombstones(index)) {
      why += ", and " + std::to_string(blocked) + " tombstones older than delete.retention.ms wait for them to go";
      return DueRule::blocked_tombstones;
    }
    why += ", below min.cleanable.dirty.ratio";
    return DueRule::none;
  }

  // What supersedes a record of `segment` and was not considered yet lies at or above compacted_through. Whatever lies
  // in the active segment counts once that is closed: nobody knows how old it is.
  bool lag_passed(const CompactionSegment& segment) const {
    const std::int64_t lag = state_.config.max_compaction_lag_ms;
    return std::any_of(state_.closed.begin(), state_.closed.end(), [&](const CompactionSegment& newer) {
      return newer.end_offset > segment.compacted_through && newer.end_offset <= state_.bound &&
             newer.facts.name.base >= segment.facts.name.base &&
             state_.now.value() - newer.facts.first_append.value() >= lag;
    });
  }

  // A tombstone becomes due only after every segment below it has been compacted past it.
  std::uint64_t blocked_tombstones(std::size_t index) const {
    if (state_.config.delete_mode != DeleteMode::drop) return 0;
    std::uint64_t blocked = 0;
    for (std::size_t i = index; i < state_.closed.size(); ++i) {
      const CompactionSegment& newer = state_.closed[i];
      if (newer.end_offset > state_.bound || newer.end_offset <= state_.closed[index].compacted_through) continue;
      if (state_.now.value() - newer.facts.last_append.value() >= state_.config.delete_retention_ms)
        blocked += tombstones_left(newer.stats);
    }
    return blocked;
  }

  const CompactionState& state_;
  const PlanOptions& options_;
};

// Why nothing may be compacted at all.
Status barred(const CompactionState& state) {
  if (!state.config.compacted) return Error{Errc::unsupported, "cleanup.policy has no compact"};
  if (state.quarantined) return Error{Errc::corrupt_range, "quarantined: " + *state.quarantined};
  if (!state.keydir_complete) return Error{Errc::loading, "the keydir is still loading"};
  if (state.damaged)
    return Error{
        Errc::corrupt_range,
        "a range of the log is damaged, and nothing of it is compacted until its file is restored from a backup "
        "and 'logcask verify --repair' finds it whole"};
  return {};
}

// Needed only so that clean_through advances, which matters only to tombstones.
std::vector<SegmentName> clean_segments(const CompactionState& state, const PlanOptions& options) {
  std::vector<SegmentName> clean;
  if (state.config.delete_mode != DeleteMode::drop) return clean;
  const Offset useful = std::min(state.committed_end, state.active_base);
  std::uint64_t tombstones = 0;
  for (const CompactionSegment& segment : state.closed) {
    tombstones += tombstones_left(segment.stats);
    const KeptDead::Kept* kept = options.kept_dead ? options.kept_dead->find(segment.facts.name, state) : nullptr;
    if (segment.end_offset <= state.bound && segment.compacted_through < useful && !(kept && kept->withheld) &&
        droppable_records(segment, state, options) == 0)
      clean.push_back(segment.facts.name);
  }
  if (tombstones == 0) clean.clear();
  return clean;
}

}  // namespace

const char* due_rule_name(DueRule rule) {
  switch (rule) {
    case DueRule::none:
      return "none";
    case DueRule::due_tombstones:
      return "due tombstones";
    case DueRule::forced:
      return "forced";
    case DueRule::dead_ratio:
      return "dead ratio";
    case DueRule::dead_bytes:
      return "dead bytes";
    case DueRule::max_lag:
      return "max lag";
    case DueRule::blocked_tombstones:
      return "blocked tombstones";
    case DueRule::small_neighbours:
      return "small neighbours";
  }
  return "unknown";
}

const KeptDead::Kept* KeptDead::find(const SegmentName& name, const CompactionState& state) const {
  const auto found = kept_.find(name);
  return found != kept_.end() && found->second.log_start == state.log_start ? &found->second : nullptr;
}

void KeptDead::prune(const CompactionState& state) {
  std::erase_if(kept_, [&](const auto& entry) {
    return entry.second.log_start != state.log_start ||
           std::none_of(state.closed.begin(), state.closed.end(),
                        [&](const CompactionSegment& segment) { return segment.facts.name == entry.first; });
  });
}

void SettledSegments::add(const SegmentName& name, const CompactionState& state) { settled_[name] = as(state); }

bool SettledSegments::contains(const SegmentName& name, const CompactionState& state) const {
  const auto found = settled_.find(name);
  return found != settled_.end() && found->second == as(state);
}

void SettledSegments::prune(const CompactionState& state) {
  std::erase_if(settled_, [&](const auto& entry) {
    return entry.second != as(state) ||
           std::none_of(state.closed.begin(), state.closed.end(),
                        [&](const CompactionSegment& segment) { return segment.facts.name == entry.first; });
  });
}

// Saturating: counts of a partition that is just being loaded may not add up yet.
std::uint64_t dead_records(const SegmentStats& stats) {
  const std::uint64_t kept = stats.live() + stats.unindexed_tombstones;
  return stats.records > kept ? stats.records - kept : 0;
}

std::uint64_t droppable_records(const CompactionSegment& segment, const CompactionState& state,
                                const PlanOptions& options) {
  const KeptDead::Kept* kept = options.kept_dead ? options.kept_dead->find(segment.facts.name, state) : nullptr;
  const std::uint64_t dead = dead_records(segment.stats);
  return kept ? dead - std::min(dead, kept->records) : dead;
}

std::uint64_t dead_bytes_estimate(const CompactionSegment& segment, std::uint64_t dead) {
  if (segment.stats.records == 0) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(segment.facts.size_bytes) * static_cast<double>(dead) /
                                    static_cast<double>(segment.stats.records));
}

bool window_open(const CompactionWindow& window, TimestampMs now) {
  if (window.from_hour == window.to_hour) return true;
  const auto hour = static_cast<std::uint8_t>(now.value() / 3'600'000 % 24);
  if (window.from_hour < window.to_hour) return hour >= window.from_hour && hour < window.to_hour;
  return hour >= window.from_hour || hour < window.to_hour;
}

Decision decide(const CompactionState& state, const PlanOptions& options) {
  Decision decision;
  const Judging judging(state, options);
  for (std::size_t i = 0; i < state.closed.size(); ++i) decision.segments.push_back(judging.judge(i));
  if (const Status may = barred(state); !may.ok()) {
    decision.waits_for = may.error().message;
    decision.waits_code = may.code();
    for (SegmentVerdict& verdict : decision.segments) {
      verdict.due = false;
      verdict.why += "; " + decision.waits_for;
    }
    return decision;
  }
  decision.clean = clean_segments(state, options);
  decision.behind = is_behind(state);
  choose_run(state, options, decision);
  return decision;
}

void Garbage::add(const SegmentFacts& facts, const SegmentStats& stats) {
  const auto bytes = static_cast<double>(facts.size_bytes);
  const std::uint64_t dead = std::min(dead_records(stats), stats.records);
  const double live =
      stats.records == 0 ? 0 : bytes * static_cast<double>(stats.records - dead) / static_cast<double>(stats.records);
  live_bytes_ += live;
  other_bytes_ += bytes - live + static_cast<double>(kSegmentFixedBytes);
}

bool Garbage::too_much(const PartitionConfig& config) const {
  const double ratio = std::min(config.min_cleanable_dirty_ratio, kDirtyRatioMost);
  const double allowed = kGarbageShare * std::max(1.0, ratio / (1 - ratio)) * live_bytes_;
  const auto segment = static_cast<double>(config.segment_bytes) + static_cast<double>(kSegmentFixedBytes);
  return other_bytes_ > std::max(allowed, kGarbageSegments * segment);
}

bool is_behind(const CompactionState& state) {
  Garbage garbage;
  for (const CompactionSegment& segment : state.closed) {
    if (segment.end_offset > state.bound) break;
    garbage.add(segment.facts, segment.stats);
  }
  return garbage.too_much(state.config);
}

std::vector<SegmentVerdict> explain(const CompactionState& state) {
  PlanOptions options;
  options.output_bytes_min = kOutputBytesMin;
  options.segment_fixed_bytes = kSegmentFixedBytes;
  return decide(state, options).segments;
}

}  // namespace logcask
