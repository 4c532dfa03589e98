#include "compactor/compactor.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask {
namespace {

// Far above what any partition needs: each step drops something, merges, or finds out what has to stay.
constexpr int kStepsMax = 100'000;

std::span<const CompactionSegment> inputs_of(const CompactionState& state, const Plan& plan) {
  return std::span(state.closed).subspan(plan.first, plan.last - plan.first + 1);
}

KeepRules rules_of(const CompactionState& state) {
  return {state.bound, state.log_start, state.config.delete_mode == DeleteMode::drop ? state.due_through : Offset(0)};
}

bool quarantines(Errc code) {
  return code == Errc::internal || code == Errc::corrupt_range || code == Errc::corrupt_message ||
         code == Errc::corrupt_file;
}

}  // namespace

Decision Compactor::decide(CompactionMode mode) { return decide(port_.state(), mode, kMaxCompactedOffset); }

Decision Compactor::decide(const CompactionState& state, CompactionMode mode, Offset forced_through) {
  PlanOptions options;
  options.mode = mode;
  options.forced_through = forced_through;
  options.kept_dead = &kept_dead_;
  options.unmerged = &unmerged_;
  options.output_bytes_min = options_.output_bytes_min;
  options.segment_fixed_bytes = options_.segment_fixed_bytes;
  options.disk_reserve_bytes = options_.disk_reserve_bytes;
  options.disk_low_bytes = options_.disk_low_bytes;
  return logcask::decide(state, options);
}

Result<Compactor::Step> Compactor::step(CompactionMode mode, const Pace& pace) {
  return step(mode, kMaxCompactedOffset, pace);
}

Result<Compactor::Step> Compactor::step(CompactionMode mode, Offset forced_through, const Pace& pace) {
  const std::int64_t start_ns = port_.clock().monotonic_ns();
  Step step;
  const CompactionState state = port_.state();
  kept_dead_.prune(state);
  unmerged_.prune(state);
  const Decision decision = decide(state, mode, forced_through);
  step.waits_for = decision.waits_for;
  step.waits_code = decision.waits_code;
  LOGCASK_TRY(note_clean(state, decision, step));
  if (decision.plan) {
    step.rule = decision.plan->rule;
    step.why = decision.plan->why;
    LOGCASK_TRY(rewrite(state, *decision.plan, pace, step));
  }
  step.stats.seconds = static_cast<double>(port_.clock().monotonic_ns() - start_ns) * 1e-9;
  return step;
}

Result<CompactionStats> Compactor::run_due(CompactionMode mode, const Pace& pace,
                                           const std::function<void(const CompactionStats&)>& progress) {
  CompactionStats total;
  const Offset forced_through = port_.state().committed_end;
  for (int steps = 0; steps < kStepsMax; ++steps) {
    LOGCASK_ASSIGN(const Step done, step(mode, forced_through, pace));
    total.add(done.stats);
    if (!done.worked) return total;
    if (progress) progress(total);
    LOGCASK_TRY(pace(0, 0));
  }
  return failed(Error{Errc::internal, "compaction does not settle: " + std::to_string(kStepsMax) + " steps"}).error();
}

Status Compactor::note_clean(const CompactionState& state, const Decision& decision, Step& step) {
  if (decision.clean.empty()) return {};
  LOGCASK_TRY(port_.note_compacted(decision.clean, state.committed_end));
  step.stats.noted_clean += static_cast<std::uint32_t>(decision.clean.size());
  step.worked = true;
  return {};
}

Status Compactor::rewrite(const CompactionState& state, const Plan& plan, const Pace& pace, Step& step) {
  const std::span<const CompactionSegment> inputs = inputs_of(state, plan);
  LOGCASK_TRY(port_.begin_rewrite(inputs.front().facts.name.base, inputs.back().end_offset));
  RewriteOptions options;
  options.rules = rules_of(state);
  options.compacted_through = state.committed_end;
  options.segment_bytes = std::max(static_cast<std::uint64_t>(state.config.segment_bytes), options_.output_bytes_min);
  options.batch_bytes = options_.batch_bytes;
  options.disk_reserve_bytes = options_.disk_reserve_bytes;
  auto rewritten = rewrite_segments(port_, inputs, options, pace);
  if (!rewritten.ok()) {
    port_.abandon_rewrite();
    return failed(std::move(rewritten).error());
  }
  const std::vector<RewriteOutput> outputs = rewritten->result.outputs;
  if (Status installed = port_.install(std::move(rewritten->result)); !installed.ok()) {
    // read_only: nobody knows which manifest is on the disk, so nothing may be removed before recovery has looked.
    if (installed.code() == Errc::read_only) rewritten->outputs->keep();
    rewritten->outputs.reset();  // the files go first: who waits for the rewrite's end may remove the directory
    port_.abandon_rewrite();
    return failed(std::move(installed));
  }
  rewritten->outputs->keep();
  remember(state, *rewritten, outputs);
  step.stats.add(rewritten->stats);
  step.stats.merges += plan.rule == DueRule::small_neighbours;
  step.worked = true;
  return {};
}

void Compactor::remember(const CompactionState& state, const Rewritten& rewritten,
                         const std::vector<RewriteOutput>& outputs) {
  for (const RewriteOutput& output : outputs) {
    if (outputs.size() >= rewritten.stats.segments_in) unmerged_.add(output.facts.name, state);
    KeptDead::Kept kept;
    kept.records = output.facts.records - output.live_values - output.live_tombstones - output.unindexed_tombstones;
    kept.withheld = output.compacted_through < state.committed_end;
    kept.dropped_none = rewritten.stats.records_dropped == 0;
    kept.judged_through = state.committed_end;
    kept.due_through = state.due_through;
    kept.log_start = state.log_start;
    if (kept.records > 0 || kept.dropped_none) kept_dead_.add(output.facts.name, kept);
  }
}

Status Compactor::failed(Status status) {
  if (quarantines(status.code()) && !mutant(Mutant::broken_segment_retried)) port_.quarantine(status.error().message);
  return status;
}

}  // namespace logcask
