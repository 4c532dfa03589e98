#include "broker/services/replay_advance.h"

#include <algorithm>
#include <string>

#include "base/mutant.h"

namespace logcask {
namespace {

void take(ReplayAdvance& result, std::string batches) {
  if (batches.empty()) return;
  auto owner = std::make_shared<const std::string>(std::move(batches));
  result.bytes = owner->size();
  result.pieces.push_back(*owner);
  result.owners.push_back(std::move(owner));
}

// Retention may have moved log start past the position: what is gone is gone, the replay goes on behind it.
Offset clamp_to_log_start(PartitionRunner& runner, Offset position) {
  return std::max(position, runner.marks().log_start_offset);
}

// runner.fetch_filtered, once more from log start when the position has fallen below it.
Result<FilteredBatches> fetch_wanted(PartitionRunner& runner, Offset from, Offset end, const ReplayFilter& filter,
                                     std::size_t max_bytes) {
  auto step = runner.fetch_filtered(from, end, filter, max_bytes);
  if (step.code() != Errc::offset_out_of_range) return step;
  const Offset start = clamp_to_log_start(runner, from);
  if (start == from) return step;
  if (start >= end) return FilteredBatches{{}, end, runner.marks().tombstone_horizon};
  return runner.fetch_filtered(start, end, filter, max_bytes);
}

Status end_walk_if_done(PartitionRunner& runner, ReplayPosition& position) {
  if (position.position < position.walk_end) return {};
  // Read now and not earlier: every record that made the walk skip an older one lies below this.
  LOGCASK_ASSIGN(Offset bound, runner.replay_bound());
  if (mutant(Mutant::caught_up_too_early)) bound = position.walk_end;
  position.tail_mark = std::max(bound, position.walk_end);
  position.position = position.walk_end;
  position.phase = ReplayPhase::catch_up;
  return {};
}

Status walk(PartitionRunner& runner, const ReplayFilter& filter, std::size_t max_bytes, ReplayAdvance& result) {
  ReplayPosition& position = result.position;
  if (position.position < position.walk_end) {
    LOGCASK_ASSIGN(auto step, fetch_wanted(runner, position.position, position.walk_end, filter, max_bytes));
    if (step.position <= position.position) {
      // The walk may end inside a batch of which the rest is being committed: it is shown once all of it is.
      const PartitionMarks state = runner.marks();
      result.tombstone_horizon = state.tombstone_horizon;
      if (state.committed_end < state.durable_end) return {};
      LOGCASK_ASSIGN(step, fetch_wanted(runner, position.position, position.walk_end, filter, max_bytes));
    }
    if (step.position <= position.position)
      return Error{Errc::internal, "the walk does not go on at offset " + std::to_string(position.position.value())};
    position.position = step.position;
    result.tombstone_horizon = step.tombstone_horizon;
    take(result, std::move(step.batches));
  } else {
    result.tombstone_horizon = runner.marks().tombstone_horizon;
  }
  return end_walk_if_done(runner, position);
}

Status tail_filtered(PartitionRunner& runner, const ReplayFilter& filter, std::size_t max_bytes,
                     ReplayAdvance& result) {
  ReplayFilter every = filter;
  every.live_only = false;
  LOGCASK_ASSIGN(const Offset end, runner.replay_bound());
  result.visible_end = std::max(end, result.position.position);
  if (result.position.position >= end) {
    result.at_end = true;
    result.tombstone_horizon = runner.marks().tombstone_horizon;
    return {};
  }
  LOGCASK_ASSIGN(auto step, fetch_wanted(runner, result.position.position, end, every, max_bytes));
  result.position.position = std::max(result.position.position, step.position);
  result.tombstone_horizon = step.tombstone_horizon;
  take(result, std::move(step.batches));
  return {};
}

Status tail_raw(PartitionRunner& runner, std::size_t max_bytes, ReplayAdvance& result) {
  auto fetched = runner.fetch(result.position.position, max_bytes);
  if (fetched.code() == Errc::offset_out_of_range) {
    const Offset start = clamp_to_log_start(runner, result.position.position);
    if (start != result.position.position) fetched = runner.fetch(start, max_bytes);
  }
  if (!fetched.ok()) return std::move(fetched).error();
  result.visible_end = fetched->visible_end;
  result.tombstone_horizon = fetched->tombstone_horizon;
  result.at_end = fetched->bytes == 0 && fetched->next_fetch_offset <= result.position.position;
  result.position.position = std::max(result.position.position, fetched->next_fetch_offset);
  result.position.epoch = fetched->leader_epoch;
  result.bytes = fetched->bytes;
  result.pieces = std::move(fetched->pieces);
  result.owners = std::move(fetched->owners);
  return {};
}

}  // namespace

Result<ReplayPosition> first_replay_position(PartitionRunner& runner, PartitionId partition) {
  const PartitionMarks state = runner.marks();
  LOGCASK_ASSIGN(const Offset bound, runner.replay_bound());
  ReplayPosition position;
  position.partition = partition;
  position.position = state.log_start_offset;
  position.epoch = state.leader_epoch;
  position.walk_end = std::max(bound, state.log_start_offset);
  position.horizon_at_start = state.tombstone_horizon;
  return position;
}

Status check_horizon(const ReplayPosition& position, bool live_only, Offset horizon) {
  // A walk of live records has sent no value that a delete below S_start takes back: what it sent was live after
  // S_start had been chosen. Everything else needs every tombstone from its position on.
  const Offset needs_from = live_only && position.phase == ReplayPhase::walk ? position.walk_end : position.position;
  if (horizon <= position.horizon_at_start || horizon <= needs_from) return {};
  return Error{Errc::tombstone_horizon_passed,
               "partition " + std::to_string(position.partition.value()) + ": deletes below offset " +
                   std::to_string(horizon.value()) + " have been cleaned away and the replay stands at " +
                   std::to_string(needs_from.value()) + "; start a new replay without a token"};
}

Error offline_error(const PartitionRunner& runner, PartitionId partition) {
  const auto bound = runner.replay_bound();
  // It may have opened since it was asked first.
  const Errc code = bound.ok() ? Errc::loading : bound.code();
  const std::string reason = bound.ok() ? "it has just opened; ask again" : bound.error().message;
  return {code, "partition " + std::to_string(partition.value()) + ": " + reason};
}

Status resume_replay_position(PartitionRunner& runner, bool live_only, ReplayPosition& position) {
  const PartitionMarks state = runner.marks();
  if (state.state == PartitionMarks::State::offline) return offline_error(runner, position.partition);
  if (position.epoch > state.leader_epoch || position.position > state.next_offset)
    return Error{Errc::topic_changed, "the resume token is ahead of partition " +
                                          std::to_string(position.partition.value()) +
                                          " (an older copy of the data?); start a new replay without a token"};
  LOGCASK_TRY(check_horizon(position, live_only, state.tombstone_horizon));
  if (position.phase != ReplayPhase::tail) return {};
  LOGCASK_ASSIGN(const Offset bound, runner.replay_bound());
  position.phase = ReplayPhase::catch_up;
  position.tail_mark = std::max(bound, position.position);
  return {};
}

Result<ReplayAdvance> advance_replay(PartitionRunner& runner, const ReplayPosition& position,
                                     const ReplayFilter& filter, std::size_t max_bytes) {
  ReplayAdvance result;
  result.position = position;
  if (position.phase == ReplayPhase::walk) {
    LOGCASK_TRY(walk(runner, filter, max_bytes, result));
    result.visible_end = result.position.tail_mark;
  } else if (filter.keys_only || !filter.key_prefix.empty()) {
    LOGCASK_TRY(tail_filtered(runner, filter, max_bytes, result));
  } else {
    LOGCASK_TRY(tail_raw(runner, max_bytes, result));
  }
  // Judged by where the step began: what it read may lack deletes below the horizon.
  LOGCASK_TRY(check_horizon(position, filter.live_only, result.tombstone_horizon));
  ReplayPosition& next = result.position;
  if (next.phase == ReplayPhase::catch_up && next.position >= next.tail_mark) {
    // What compaction took away below the mark lies in a newer version behind it, which the marker's promise wants
    // shown, too.
    if (!mutant(Mutant::caught_up_before_compaction)) {
      LOGCASK_ASSIGN(next.tail_mark, runner.replay_mark(next.walk_end, next.tail_mark));
    }
    result.marker = next.position >= next.tail_mark;
    if (result.marker) next.phase = ReplayPhase::tail;
  }
  return result;
}

}  // namespace logcask
