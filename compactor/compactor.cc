#include "compactor/compactor.h"

#include <numeric>

#include "base/check.h"
#include "base/mutant.h"
#include "compactor/rewrite.h"

namespace logcask {
namespace {

// Far above what any partition needs: each step drops something, merges, or settles a segment.
constexpr int kStepsMax = 100'000;

std::span<const CompactionSegment> inputs_of(const CompactionState& state, const Plan& plan) {
  return std::span(state.closed).subspan(plan.first, plan.last - plan.first + 1);
}

KeepRules rules_of(const CompactionState& state) {
  return {state.bound, state.log_start, state.config.delete_mode == DeleteMode::drop ? state.due_through : Offset(0)};
}

std::vector<SegmentName> names_of(std::span<const CompactionSegment> segments) {
  std::vector<SegmentName> names;
  for (const CompactionSegment& segment : segments) names.push_back(segment.facts.name);
  return names;
}

bool quarantines(Errc code) {
  return code == Errc::internal || code == Errc::corrupt_range || code == Errc::corrupt_message ||
         code == Errc::corrupt_file;
}

}  // namespace

Decision Compactor::decide(CompactionMode mode) { return decide(port_.state(), mode); }

Decision Compactor::decide(const CompactionState& state, CompactionMode mode) {
  PlanOptions options;
  options.mode = mode;
  options.settled = &settled_;
  options.little = mode == CompactionMode::background ? &little_ : nullptr;
  options.unmerged = &unmerged_;
  options.disk_reserve_bytes = options_.disk_reserve_bytes;
  options.disk_low_bytes = options_.disk_low_bytes;
  return logcask::decide(state, options);
}

Result<Compactor::Step> Compactor::step(CompactionMode mode, const Pace& pace) {
  const std::int64_t start_ns = port_.clock().monotonic_ns();
  Step step;
  const CompactionState state = port_.state();
  for (SettledSegments* settled : {&settled_, &little_, &unmerged_}) settled->prune(state);
  const Decision decision = decide(state, mode);
  step.waits_for = decision.waits_for;
  step.waits_code = decision.waits_code;
  LOGCASK_TRY(note_clean(state, decision, step));
  if (decision.plan) {
    step.rule = decision.plan->rule;
    step.why = decision.plan->why;
    LOGCASK_TRY(execute(state, *decision.plan, mode, pace, step));
  }
  step.stats.seconds = static_cast<double>(port_.clock().monotonic_ns() - start_ns) * 1e-9;
  return step;
}

Result<CompactionStats> Compactor::run_due(CompactionMode mode, const Pace& pace,
                                           const std::function<void(const CompactionStats&)>& progress) {
  CompactionStats total;
  for (int steps = 0; steps < kStepsMax; ++steps) {
    LOGCASK_ASSIGN(const Step done, step(mode, pace));
    total.add(done.stats);
    if (!done.worked) return total;
    if (progress) progress(total);
    LOGCASK_TRY(pace(0, 0));
  }
  return failed(Error{Errc::internal, "compaction does not settle: " + std::to_string(kStepsMax) + " steps"}).error();
}

Status Compactor::note_clean(const CompactionState& state, const Decision& decision, Step& step) {
  if (decision.clean.empty()) return {};
  LOGCASK_TRY(port_.note_compacted(decision.clean, state.bound));
  step.stats.noted_clean += static_cast<std::uint32_t>(decision.clean.size());
  step.worked = true;
  return {};
}

Status Compactor::execute(const CompactionState& state, const Plan& plan, CompactionMode mode, const Pace& pace,
                          Step& step) {
  const std::span<const CompactionSegment> inputs = inputs_of(state, plan);
  const KeepRules rules = rules_of(state);
  auto survey = look(inputs, rules, pace);
  if (!survey.ok()) return failed(std::move(survey).error());
  step.stats.bytes_read += survey->bytes_read;
  switch (worth(state, plan, mode, *survey)) {
    case Worth::rewrite:
      return rewrite(state, plan, *survey, rules, pace, step);
    case Worth::nothing:
      // Nothing superseded is left, or it stays for a collision's sake and the segments are not clean.
      if (survey->withheld == 0) LOGCASK_TRY(port_.note_compacted(names_of(inputs), state.bound));
      for (const CompactionSegment& input : inputs) settled_.add(input.facts.name, state);
      break;
    case Worth::little:
      for (const CompactionSegment& input : inputs) little_.add(input.facts.name, state);
      break;
  }
  step.stats.futile += static_cast<std::uint32_t>(inputs.size());
  step.worked = true;
  return {};
}

Result<Survey> Compactor::look(std::span<const CompactionSegment> inputs, const KeepRules& rules, const Pace& pace) {
  auto survey = survey_inputs(port_, inputs, rules, pace);
  if (!survey.ok() || survey->broken == 0) return survey;
  if (log_moved_on(port_, survey->first_broken))
    return Error{Errc::cancelled, "log start moved during the look, or the log was closed; it is planned anew"};
  return broken_invariant(inputs.front(), survey->first_broken);
}

Compactor::Worth Compactor::worth(const CompactionState& state, const Plan& plan, CompactionMode mode,
                                  const Survey& survey) const {
  if (!survey.complete || plan.rule == DueRule::small_neighbours) return Worth::rewrite;
  const std::span<const CompactionSegment> inputs = inputs_of(state, plan);
  if (survey.droppable() == 0) return Worth::nothing;
  const auto add_dead = [](std::uint64_t sum, const CompactionSegment& s) { return sum + dead_records(s.stats); };
  const std::uint64_t dead = std::accumulate(inputs.begin(), inputs.end(), std::uint64_t{0}, add_dead);
  const bool by_share = plan.rule == DueRule::dead_ratio || plan.rule == DueRule::dead_bytes;
  // What is dead counts for the thresholds; what may go now is less when newer records lie above the bound.
  if (mode == CompactionMode::background && by_share && survey.droppable() * 2 < dead) return Worth::little;
  return Worth::rewrite;
}

Status Compactor::rewrite(const CompactionState& state, const Plan& plan, const Survey& survey, const KeepRules& rules,
                          const Pace& pace, Step& step) {
  const std::span<const CompactionSegment> inputs = inputs_of(state, plan);
  LOGCASK_TRY(port_.begin_rewrite(inputs.front().facts.name.base, inputs.back().end_offset));
  RewriteOptions options;
  options.rules = rules;
  options.segment_bytes = static_cast<std::uint64_t>(state.config.segment_bytes);
  options.batch_bytes = options_.batch_bytes;
  options.disk_reserve_bytes = options_.disk_reserve_bytes;
  auto rewritten = rewrite_segments(port_, inputs, survey.hot, options, pace);
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
  for (const RewriteOutput& output : outputs) {
    if (outputs.size() >= inputs.size()) unmerged_.add(output.facts.name, state);
    if (rewritten->stats.records_dropped == 0) settled_.add(output.facts.name, state);
  }
  step.stats.add(rewritten->stats);
  step.stats.merges += plan.rule == DueRule::small_neighbours;
  step.worked = true;
  return {};
}

Status Compactor::failed(Status status) {
  if (quarantines(status.code()) && !mutant(Mutant::broken_segment_retried)) port_.quarantine(status.error().message);
  return status;
}

}  // namespace logcask
