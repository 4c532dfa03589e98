// The compactor's side of the door: state, probes, and the steps that change which files are the log.

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"
#include "compactor/plan.h"
#include "partition/clean_through.h"

namespace logcask {
namespace {

constexpr std::size_t kLivenessKeys = 64;
// A rewrite may drop a million tombstones: so many entries go per hold of the lock, in some tenths of a millisecond.
constexpr std::size_t kRemovalsPerLock = 4096;

template <class AnyManifest>
auto find_segment(AnyManifest& manifest, const SegmentName& name) {
  return std::find_if(manifest.segments.begin(), manifest.segments.end(),
                      [&](const ManifestSegment& s) { return s.facts.name == name; });
}

}  // namespace

CompactionState LocalPartitionRunner::state() const {
  CompactionState state;
  const auto free = environment_.partition.directory->free_bytes();
  state.disk_free_bytes = free.ok() ? *free : 0;
  const Lock lock(mutex_);
  state.quarantined = quarantined_;
  if (!partition_ || !partition_->keys()) return state;
  state.config = partition_->config();
  state.now = partition_->now();
  state.keydir_complete = partition_->keys()->complete();
  state.damaged = !partition_->damaged().empty();
  state.log_start = partition_->log_start();
  state.active_base = partition_->writer()->name().base;
  state.active_bytes = partition_->writer()->position();
  if (state.active_bytes > 0) state.active_since = partition_->writer()->facts().first_append;
  state.due_through = due_through(clean_through_list_, state.now, state.config.delete_retention_ms);
  state.clean_through = clean_through_;
  state.committed_end = partition_->marks().committed_end();
  state.bound = std::min(state.committed_end, state.active_base);
  for (const ClosedSegment& closed : partition_->closed()) {
    // Compaction takes producers' fields away: not before a snapshot knows them.
    if (!closed.listed || closed.end_offset > producers_saved_to_) {
      state.bound = std::min(state.bound, closed.segment->base());
      break;
    }
    const SegmentFacts facts = closed.segment->facts();
    if (state.now.value() - facts.last_append.value() < state.config.min_compaction_lag_ms)
      state.bound = std::min(state.bound, closed.segment->base());
    const SegmentStats* stats = partition_->keys()->stats().find(closed.segment->base());
    state.closed.push_back({closed.segment, facts, closed.end_offset, closed.compacted_through,
                            stats ? *stats : SegmentStats{}, closed.has_hint});
  }
  return state;
}

std::vector<ProducerTail> LocalPartitionRunner::producer_tails() { return producers(); }

std::vector<ProducerTail> LocalPartitionRunner::producers() const {
  const Lock lock(mutex_);
  return partition_ ? partition_->producers().last_offsets() : std::vector<ProducerTail>();
}

Status LocalPartitionRunner::begin_rewrite(Offset from, Offset to) {
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  if (partition_->latched()) return *partition_->latched();
  if (!partition_->keys() || !partition_->keys()->complete())
    return Error{Errc::loading, environment_.name + ": compaction waits for the keydir"};
  if (rewriting_) return Error{Errc::in_use, environment_.name + ": a rewrite is under way"};
  rewriting_ = {from, to};
  partition_->keys()->stats().begin_rewrite(from, to);
  return {};
}

void LocalPartitionRunner::probe(std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                                 Offset probed_up_to, std::span<ProbeAnswer> answers) {
  LOGCASK_CHECK(identities.size() <= kLivenessKeys);
  std::optional<KeydirEntry> entries[kLivenessKeys];
  const Lock lock(mutex_);
  if (!partition_ || !rewriting_) {
    // The log was closed under the rewrite; nothing it decides will be installed.
    for (ProbeAnswer& answer : answers) answer = {RecordStanding::protected_, kNoOffset};
    return;
  }
  const Keydir& keydir = partition_->keys()->keydir();
  keydir.find_batch(identities, {entries, identities.size()});
  if (mutant(Mutant::uncommitted_evidence))
    for (std::size_t i = 0; i < identities.size(); ++i)
      entries[i] = partition_->keys()->newest_below(identities[i], partition_->marks().next_offset());
  for (std::size_t i = 0; i < identities.size(); ++i) {
    ProbeAnswer& answer = answers[i];
    answer = {};
    if (entries[i]) {
      answer.newest = entries[i]->offset;
      if (entries[i]->offset == offsets[i]) answer.standing = RecordStanding::newest;
      if (entries[i]->offset > offsets[i]) answer.standing = RecordStanding::superseded;
    }
    // The newest one, too: a tombstone must not go while older records of its key stay for the collision's sake.
    if (keydir.is_collided(identities[i])) answer.standing = RecordStanding::protected_;
  }
  partition_->keys()->stats().rewrite_probed(probed_up_to);
}

void LocalPartitionRunner::abandon_rewrite() {
  const Lock lock(mutex_);
  if (!rewriting_) return;
  rewriting_.reset();
  idle_.notify_all();
  if (partition_ && partition_->keys() && partition_->keys()->stats().rewriting())
    (void)partition_->keys()->stats().end_rewrite();
}

Status LocalPartitionRunner::install(RewriteResult result) {
  LOGCASK_ASSIGN(const auto open_step, begin_step());
  LogStructure::Step& step = open_step->step;
  {
    const Lock lock(mutex_);
    if (!rewriting_) return Error{Errc::cancelled, environment_.name + ": the log was reopened under the rewrite"};
  }
  const Manifest& manifest = step.manifest();
  for (const SegmentName& input : result.inputs)
    if (find_segment(manifest, input) == manifest.segments.end())
      return Error{Errc::cancelled, environment_.name + ": retention took an input away"};

  Offset horizon = manifest.tombstone_horizon;
  for (const DroppedTombstone& dropped : result.dropped_tombstones) horizon = std::max(horizon, dropped.offset + 1);
  const Status stored = store_step(step, [&](Manifest& next) {
    const auto first = find_segment(next, result.inputs.front());
    const auto at = next.segments.erase(first, first + static_cast<std::ptrdiff_t>(result.inputs.size()));
    std::vector<ManifestSegment> outputs;
    for (const RewriteOutput& output : result.outputs)
      outputs.push_back({output.facts, output.end_offset, output.tombstones, output.compacted_through});
    next.segments.insert(at, outputs.begin(), outputs.end());
    next.obsolete.insert(next.obsolete.end(), result.inputs.begin(), result.inputs.end());
    next.tombstone_horizon = horizon;
    next.judged_end = std::max(next.judged_end, result.judged_through);
  });
  if (!stored.ok() && !mutant(Mutant::inputs_removed_after_failure)) return stored;
  publish_install(result, horizon, step);
  return {};
}

// The outputs become what readers see; the inputs' files go when the last reader drops them.
void LocalPartitionRunner::publish_install(const RewriteResult& result, Offset horizon,
                                           const LogStructure::Step& step) {
  std::vector<ClosedSegment> closed;
  std::vector<SegmentStats> stats;
  for (const RewriteOutput& output : result.outputs) {
    closed.push_back({Segment::closed(environment_.partition.segments, environment_.partition.directory, output.facts),
                      output.end_offset, output.compacted_through, result.judged_through, true, true});
    stats.push_back({output.facts.name.base, output.facts.records, output.tombstones, output.live_values,
                     output.live_tombstones, output.unindexed_tombstones});
  }
  std::vector<std::shared_ptr<const Segment>> inputs;
  std::unordered_set<Offset> gone;
  for (const DroppedTombstone& tombstone : result.dropped_tombstones) gone.insert(tombstone.offset);
  remove_dropped(result.dropped_tombstones, horizon);
  const Lock lock(mutex_);
  rewriting_.reset();
  hold_.rewrite_installed(environment_.partition.clock->monotonic_ns());
  idle_.notify_all();
  KeyIndex& keys = *partition_->keys();
  for (const KeydirEntry& superseded : keys.stats().end_rewrite()) {
    if (superseded.deleted && gone.contains(superseded.offset)) continue;  // counted in no output
    const auto after = std::partition_point(stats.begin(), stats.end(),
                                            [&](const SegmentStats& s) { return s.base <= superseded.offset; });
    LOGCASK_CHECK(after != stats.begin());
    std::uint64_t& count = superseded.deleted ? (after - 1)->live_tombstones : (after - 1)->live_values;
    LOGCASK_CHECK(count > 0);
    --count;
  }
  for (const ClosedSegment& old : partition_->closed()) {
    if (old.segment->base() < result.from || old.end_offset > result.to) continue;
    inputs.push_back(old.segment);
    for (ClosedSegment& output : closed) output.judged_through = std::max(output.judged_through, old.judged_through);
  }
  partition_->replace_segments(result.from, result.to, std::move(closed), stats);
  if (step.both_copies())
    for (const auto& input : inputs) input->remove_when_unused();
}

// A dropped tombstone's entry goes too, unless the key was written again; the record itself is counted in no output.
// The horizon first: it tells a replay that has read an older value before that the keydir's silence proves nothing.
// Then the entries, before the outputs are the log: a lookup in between finds nothing, not a record that is nowhere.
void LocalPartitionRunner::remove_dropped(std::span<const DroppedTombstone> dropped, Offset horizon) {
  {
    const Lock lock(mutex_);
    partition_->raise_tombstone_horizon(horizon);
  }
  while (!dropped.empty()) {
    const auto some = dropped.first(std::min(dropped.size(), kRemovalsPerLock));
    const Lock lock(mutex_);
    for (const DroppedTombstone& tombstone : some)
      partition_->keys()->keydir().remove_if(tombstone.identity, tombstone.offset);
    dropped = dropped.subspan(some.size());
  }
}

Status LocalPartitionRunner::note_compacted(std::span<const SegmentName> segments, Offset through) {
  LOGCASK_ASSIGN(const auto open_step, begin_step());
  LogStructure::Step& step = open_step->step;
  LOGCASK_TRY(store_step(step, [&](Manifest& next) {
    for (const SegmentName& name : segments) {
      const auto found = find_segment(next, name);
      if (found != next.segments.end()) found->compacted_through = std::max(found->compacted_through, through);
    }
  }));
  const Lock lock(mutex_);
  for (ClosedSegment& closed : partition_->closed())
    if (std::find(segments.begin(), segments.end(), closed.segment->name()) != segments.end())
      closed.compacted_through = std::max(closed.compacted_through, through);
  return {};
}

Status LocalPartitionRunner::checkpoint() {
  LOGCASK_ASSIGN(const auto open_step, begin_step());
  LogStructure::Step& step = open_step->step;
  return store_step(step, [](Manifest&) {});
}

// A step that may move clean_through. The manifest is the truth; the copies here answer state() without a step, so they
// follow it only once it is stored.
Status LocalPartitionRunner::store_step(LogStructure::Step& step, const std::function<void(Manifest&)>& change) {
  const bool was_settled = step.settled();
  const Status stored = step.store([&](Manifest& next) {
    change(next);
    const Lock lock(mutex_);
    const Offset clean = clean_through_of(next.segments, partition_->writer()->name().base);
    const bool by_append = mutant(Mutant::tombstone_age_from_append) && !next.segments.empty();
    const TimestampMs since = by_append ? next.segments.front().facts.first_append : partition_->now();
    note_clean_through(next.clean_through, clean, since, partition_->config().delete_retention_ms);
  });
  if (was_settled && !step.settled() && environment_.alarm)
    environment_.alarm(environment_.name + ": " + stored.error().message);
  LOGCASK_TRY(stored);
  const Lock lock(mutex_);
  clean_through_ = clean_through_of(step.manifest().segments, partition_->writer()->name().base);
  clean_through_list_ = step.manifest().clean_through;
  return {};
}

void LocalPartitionRunner::note_look(CompactionLook look) {
  {
    const Lock lock(mutex_);
    const bool held = hold_.holds();
    hold_.looked(look, environment_.partition.clock->monotonic_ns());
    if (!held || hold_.holds()) return;
  }
  environment_.flush->post([self = shared_from_this(), this] { let_waiting_in(); });
}

// With what is not listed yet: compaction will hear of it soon.
bool LocalPartitionRunner::too_much_garbage() const {
  const KeyIndex* keys = std::as_const(*partition_).keys();
  if (!keys) return false;
  Garbage garbage;
  const TimestampMs now = partition_->now();
  for (const ClosedSegment& closed : partition_->closed()) {
    const SegmentFacts facts = closed.segment->facts();
    if (now.value() - facts.last_append.value() < config_.min_compaction_lag_ms) break;
    if (const SegmentStats* stats = keys->stats().find(closed.segment->base())) garbage.add(facts, *stats);
  }
  return garbage.too_much(config_);
}

void LocalPartitionRunner::quarantine(const std::string& reason) {
  {
    const Lock lock(mutex_);
    if (quarantined_) return;
    quarantined_ = reason;
  }
  if (environment_.alarm) environment_.alarm(environment_.name + ": compaction stopped, inputs kept: " + reason);
}

}  // namespace logcask
