#include "compactor/plan_run.h"

#include <algorithm>

namespace logcask {
namespace {

// In the background neighbours are merged from this many on, so that a rewrite is worth its syncs.
constexpr std::size_t kMergeSegmentsMin = 4;
// One rewrite takes no more segments than this, and no more input than so many full segments or so many bytes.
constexpr std::size_t kRunSegmentsMax = 1000;
constexpr std::uint64_t kRunInputSegments = 4;
// As long as a rewrite's input is below this its syncs cost more than its bytes: it takes every neighbour that is due.
constexpr std::uint64_t kSmallRunBytes = 16u << 20;
// Until its inputs go a rewrite takes its output's room besides: in the background that is at most a third of what is
// live, or this many full segments, so that the disk keeps to what is promised (docs/decisions/0020).
constexpr std::uint64_t kLiveShare = 3;
constexpr std::uint64_t kRoomSegments = 3;
// Below this a neighbour costs next to nothing.
constexpr std::uint64_t kTrifleBytes = 1u << 20;

struct Run {
  std::size_t first = 0;
  std::size_t last = 0;
  std::uint64_t input_bytes = 0;
  std::uint64_t output_bytes = 0;  // estimated

  std::size_t segments() const { return last - first + 1; }
};

class Chooser {
 public:
  Chooser(const CompactionState& state, const PlanOptions& options, Decision& decision)
      : state_(state), options_(options), decision_(decision) {
    const std::uint64_t segment_bytes =
        std::max(static_cast<std::uint64_t>(state.config.segment_bytes), options.output_bytes_min);
    // Smaller batches compress worse than the producer's, so outputs may be a little larger than what they keep.
    output_max_ = segment_bytes - segment_bytes / 8;
    input_max_ = std::max(segment_bytes * kRunInputSegments, kSmallRunBytes);
    trifle_ = std::min(kTrifleBytes, segment_bytes / 16);
    if (options.mode == CompactionMode::background) room_max_ = room_of_live();
  }

  void choose() {
    const std::optional<Run> merge = merge_run();
    if (merge) mark_merge(*merge);
    if (choose_due()) return;
    if (merge && decision_.waits_for.empty()) take_if_possible(*merge, DueRule::small_neighbours, merge_why(*merge), 0);
  }

 private:
  std::uint64_t garbage_bytes(std::size_t i) const {
    const CompactionSegment& segment = state_.closed[i];
    std::uint64_t bytes = dead_bytes_estimate(segment, droppable_records(segment, state_, options_));
    if (decision_.segments[i].rule == DueRule::due_tombstones && segment.stats.records > 0)
      bytes += static_cast<std::uint64_t>(
          static_cast<double>(segment.facts.size_bytes) *
          static_cast<double>(segment.stats.live_tombstones + segment.stats.unindexed_tombstones) /
          static_cast<double>(segment.stats.records));
    return std::min(bytes, segment.facts.size_bytes);
  }
  std::uint64_t kept_bytes(std::size_t i) const { return state_.closed[i].facts.size_bytes - garbage_bytes(i); }

  std::uint64_t room_of_live() const {
    std::uint64_t live = 0;
    for (std::size_t i = 0; i < state_.closed.size(); ++i) live += kept_bytes(i);
    const auto segment = static_cast<std::uint64_t>(state_.config.segment_bytes) + kSegmentFixedBytes;
    return std::max(live / kLiveShare, segment * kRoomSegments);
  }

  Run single(std::size_t i) const { return {i, i, state_.closed[i].facts.size_bytes, kept_bytes(i)}; }

  bool choose_due() {
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < decision_.segments.size(); ++i) {
      const DueRule rule = decision_.segments[i].rule;
      if (rule != DueRule::none && rule != DueRule::small_neighbours) due.push_back(i);
    }
    std::stable_sort(due.begin(), due.end(),
                     [&](std::size_t a, std::size_t b) { return garbage_bytes(a) > garbage_bytes(b); });
    for (const std::size_t i : due) {
      const SegmentVerdict& verdict = decision_.segments[i];
      std::uint64_t garbage = 0;
      const Run run = extend(single(i));
      for (std::size_t k = run.first; k <= run.last; ++k) garbage += garbage_bytes(k);
      if (take_if_possible(run, verdict.rule, verdict.why, garbage)) return true;
      if (run.segments() > 1 && take_if_possible(single(i), verdict.rule, verdict.why, garbage_bytes(i))) return true;
    }
    return false;
  }

  // Takes neighbours that cost no more than what the rewrite writes anyway: they save a later merge, and older
  // versions in them go for certain.
  Run extend(Run run) const {
    while (run.segments() < kRunSegmentsMax) {
      const bool left = run.first > 0 && worth_taking(run, run.first - 1);
      const bool right = run.last + 1 < state_.closed.size() && worth_taking(run, run.last + 1);
      if (!left && !right) return run;
      run = joined(run, left ? run.first - 1 : run.last + 1);
    }
    return run;
  }

  Run joined(Run run, std::size_t i) const {
    run.first = std::min(run.first, i);
    run.last = std::max(run.last, i);
    run.input_bytes += state_.closed[i].facts.size_bytes;
    run.output_bytes += kept_bytes(i);
    return run;
  }

  bool worth_taking(const Run& run, std::size_t i) const {
    if (state_.closed[i].end_offset > state_.bound) return false;
    const Run longer = joined(run, i);
    if (!spans_few(longer) || longer.output_bytes > room_max_) return false;
    const DueRule rule = decision_.segments[i].rule;
    const bool due = rule != DueRule::none && rule != DueRule::small_neighbours;
    if (due && longer.input_bytes <= kSmallRunBytes) return true;
    return fits(longer) && kept_bytes(i) <= std::max(run.output_bytes, trifle_);
  }

  // One segment holds what is left.
  bool fits(const Run& run) const {
    return run.output_bytes <= std::min(output_max_, room_max_) && run.input_bytes <= input_max_ && spans_few(run);
  }
  bool spans_few(const Run& run) const {
    return state_.closed[run.last].facts.next_offset - state_.closed[run.first].facts.name.base <= kMaxSegmentSpan;
  }

  bool mergeable(std::size_t i) const {
    const CompactionSegment& segment = state_.closed[i];
    return segment.end_offset <= state_.bound &&
           !(options_.unmerged && options_.unmerged->contains(segment.facts.name, state_));
  }

  // The run with most segments, then least bytes.
  std::optional<Run> merge_run() const {
    std::optional<Run> best;
    for (std::size_t first = 0; first < state_.closed.size(); ++first) {
      if (!mergeable(first)) continue;
      Run run = single(first);
      std::uint64_t largest = run.output_bytes;
      std::size_t covered = first;
      while (run.segments() < kRunSegmentsMax && run.last + 1 < state_.closed.size() && mergeable(run.last + 1)) {
        const Run longer = joined(run, run.last + 1);
        if (!fits(longer)) break;
        run = longer;
        largest = std::max(largest, kept_bytes(run.last));
        if (!worth_merging(run, largest)) continue;
        covered = run.last - 1;  // one that begins inside is not better; of thousands each would be tried
        if (!best || better(run, *best)) best = run;
      }
      first = covered;
    }
    return best;
  }

  // In the background the largest one at most doubles its part, so every byte is merged a logarithmic number of times;
  // or what is written is at most twice what the disk gets back.
  bool worth_merging(const Run& run, std::uint64_t largest) const {
    if (options_.mode == CompactionMode::forced) return true;
    if (run.segments() < kMergeSegmentsMin) return false;
    const std::uint64_t freed =
        (run.segments() - 1) * options_.segment_fixed_bytes + (run.input_bytes - run.output_bytes);
    return largest <= run.output_bytes - largest || (options_.segment_fixed_bytes > 0 && freed * 2 >= run.output_bytes);
  }
  static bool better(const Run& a, const Run& b) {
    return a.segments() != b.segments() ? a.segments() > b.segments() : a.output_bytes < b.output_bytes;
  }

  static std::string merge_why(const Run& run) {
    return "fits one segment with its neighbours: " + std::to_string(run.segments()) + " segments, about " +
           std::to_string(run.output_bytes) + " bytes";
  }
  void mark_merge(const Run& run) {
    for (std::size_t i = run.first; i <= run.last; ++i) {
      SegmentVerdict& verdict = decision_.segments[i];
      if (!verdict.due) verdict = {verdict.name, true, DueRule::small_neighbours, merge_why(run)};
    }
  }

  // Free for the compactor: what must stay free is taken off.
  bool take_if_possible(const Run& run, DueRule rule, const std::string& why, std::uint64_t garbage) {
    const std::uint64_t need = run.output_bytes + run.output_bytes / 4 + 64 * 1024;
    const bool disk_low = state_.disk_free_bytes < std::max(options_.disk_low_bytes, 2 * need);
    const bool any_time = options_.mode == CompactionMode::forced || rule == DueRule::max_lag || disk_low;
    if (!any_time && !window_open(state_.config.compaction_window, state_.now)) {
      decision_.waits_for = "compaction.window " + std::to_string(state_.config.compaction_window.from_hour) + "-" +
                            std::to_string(state_.config.compaction_window.to_hour) + " (UTC)";
      decision_.waits_code = Errc::ok;
      return false;
    }
    if (state_.disk_free_bytes < need + options_.disk_reserve_bytes) {
      decision_.waits_code = Errc::storage_full;
      decision_.waits_for = "disk space: a rewrite needs about " + std::to_string(need) +
                            " bytes besides a reserve of " + std::to_string(options_.disk_reserve_bytes) + ", " +
                            std::to_string(state_.disk_free_bytes) + " are free";
      return false;
    }
    decision_.waits_for.clear();
    decision_.waits_code = Errc::ok;
    decision_.plan = Plan{run.first, run.last, rule, why, run.input_bytes, garbage};
    return true;
  }

  const CompactionState& state_;
  const PlanOptions& options_;
  Decision& decision_;
  std::uint64_t output_max_ = 0;
  std::uint64_t input_max_ = 0;
  std::uint64_t room_max_ = UINT64_MAX;  // of an output
  std::uint64_t trifle_ = 0;
};

}  // namespace

void choose_run(const CompactionState& state, const PlanOptions& options, Decision& decision) {
  Chooser(state, options, decision).choose();
}

}  // namespace logcask
