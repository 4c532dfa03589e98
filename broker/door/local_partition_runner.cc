// Opening, closing, describing a local partition, and what happens to it in the background.

#include "broker/door/local_partition_runner.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/check.h"
#include "base/mutant.h"
#include "base/random.h"
#include "broker/door/active_segment_why.h"
#include "compactor/plan.h"
#include "partition/clean_through.h"

namespace logcask {
namespace {

// Keydir shards cleaned under one hold of the lock after log start has moved.
constexpr std::size_t kSliceShards = 1;
// Ticks without an append after which the files' descriptors are given back.
constexpr int kRestAfterQuietTicks = 5;
// Ticks after which what could not be read is tried again.
constexpr int kReadAgainTicks = 30;

std::string clock_ahead_text(std::int64_t ahead_ms) {
  return "append times run " + std::to_string(ahead_ms / 1000) +
         " s ahead of the wall clock, which stood there when they began and was put back since; retention, segment.ms "
         "and "
         "lags go on by elapsed time, LogAppendTime is ahead by as much. If the wall clock is right now, 'logcask "
         "reopen' "
         "sets append times back to it; ages stay as they are and nothing is removed for it";
}

RunId new_run() {
  std::uint64_t number = 0;
  while (number == 0) secure_random_bytes(&number, sizeof number);
  return RunId(number);
}

}  // namespace

std::shared_ptr<LocalPartitionRunner> LocalPartitionRunner::open(RunnerEnvironment environment,
                                                                 const PartitionConfig& config, std::string& report) {
  auto runner = std::shared_ptr<LocalPartitionRunner>(new LocalPartitionRunner(std::move(environment), config));
  const Result<std::string> opened = runner->open_log(false);
  report = opened.ok() ? *opened : opened.error().to_string();
  if (!opened.ok()) runner->opening_ = opened.error();
  return runner;
}

LocalPartitionRunner::LocalPartitionRunner(RunnerEnvironment environment, const PartitionConfig& config)
    : environment_(std::move(environment)), config_(config) {}

LocalPartitionRunner::~LocalPartitionRunner() = default;

// Recovers the log and publishes the partition; the keydir follows in the background. Nobody holds a role.
Result<std::string> LocalPartitionRunner::open_log(bool settle_clock) {
  RecoveryOptions options = environment_.recovery;
  options.create = options.create && !was_open_;
  options.run = new_run();
  options.settle_clock = settle_clock;
  options.writer.offset_reserve = config_.offset_reserve;
  options.writer.expected_bytes = static_cast<std::uint64_t>(config_.segment_bytes);
  options.producers.max_producers = static_cast<std::size_t>(config_.max_producers);
  options.producers.expiration_ms = config_.producer_expiry_ms;
  const auto& env = environment_.partition;
  Result<RecoveredLog> recovered = recover_log(env.segments, env.directory, options, *env.clock);
  // Thousands may be opened before the first of them is written to.
  if (recovered.ok() && !mutant(Mutant::rest_keeps_descriptors)) recovered->writer->rest();
  const Lock lock(mutex_);
  partition_.reset();
  structure_.reset();
  if (!recovered.ok()) {
    offline_ = Error{Errc::partition_offline, environment_.name + " is offline: " + recovered.error().message};
    may_open_later_ = errc_retriable(recovered.code());
    return recovered.error();
  }
  offline_.reset();
  may_open_later_ = false;
  was_open_ = true;
  quarantined_.reset();
  troubles_.forget();
  hold_.reset();
  recovery_report_ = recovered->report.to_string();
  clean_through_list_ = recovered->manifest.clean_through;
  clean_through_ = clean_through_of(recovered->manifest.segments, recovered->writer->name().base);
  // What recovery has listed itself is not in the producer snapshot.
  producers_saved_to_ = recovered->report.producers_rebuilt ? Offset(0) : recovered->manifest.producer_snapshot_end;
  checkpoint_wanted_ = recovered->manifest.closed_end() > producers_saved_to_;
  structure_ = std::make_shared<LogStructure>(env.directory, recovered->manifest);
  partition_ = std::make_unique<Partition>(env, config_, *std::move(recovered));
  loading_progress_ = 0;
  load_report_ = {};
  load_extent_base_ = partition_->writer()->name().base;
  load_extent_ = extent_of(partition_->writer()->facts());
  hint_spill_at_ = static_cast<std::uint64_t>(config_.hint_spill_bytes);
  // A log that holds nothing has nothing to load: a new partition answers lookups at once.
  const bool empty = partition_->closed().empty() && partition_->writer()->position() == 0;
  if (partition_->keys() && empty && !mutant(Mutant::new_partition_loads)) partition_->keys()->set_complete();
  start_background();
  return recovery_report_;
}

// ---- what is going on

PartitionMarks LocalPartitionRunner::marks() const {
  const Lock lock(mutex_);
  return marks_now();
}

PartitionMarks LocalPartitionRunner::marks_now() const {
  PartitionMarks marks;
  if (!partition_ || offline_) {
    marks.state = PartitionMarks::State::offline;
    return marks;
  }
  const Watermarks& water = partition_->marks();
  marks.log_start_offset = partition_->log_start();
  marks.committed_end = water.committed_end();
  marks.durable_end = water.durable_end();
  marks.written_end = water.written_end();
  marks.next_offset = water.next_offset();
  marks.tombstone_horizon = partition_->tombstone_horizon();
  marks.leader_epoch = partition_->epoch();
  const KeyIndex* keys = std::as_const(*partition_).keys();
  if (partition_->latched())
    marks.state = PartitionMarks::State::read_only;
  else if (keys && !keys->complete())
    marks.state = PartitionMarks::State::loading;
  return marks;
}

PartitionSnapshot LocalPartitionRunner::snapshot() const {
  PartitionSnapshot snapshot;
  const Lock lock(mutex_);
  static_cast<PartitionMarks&>(snapshot) = marks_now();
  if (snapshot.state == PartitionMarks::State::offline) {
    snapshot.reason = offline_ ? offline_->message : environment_.name + " is closed";
    snapshot.problems.push_back({"offline", snapshot.reason});
    return snapshot;
  }
  snapshot.segments = static_cast<std::uint32_t>(partition_->list()->segments.size());
  for (const auto& segment : partition_->list()->segments) snapshot.size_bytes += segment->size_bytes();
  snapshot.collisions = collisions_;
  snapshot.compaction_quarantined = quarantined_.has_value();
  snapshot.quarantine_reason = quarantined_.value_or("");
  if (const KeyIndex* keys = std::as_const(*partition_).keys()) {
    snapshot.live_keys = keys->keydir().live_count();
    snapshot.deleted_keys = keys->keydir().deleted_count();
    snapshot.keydir_bytes = keys->keydir().memory_bytes();
    snapshot.pending_records = keys->pending_records();
    snapshot.loading_progress = keys->complete() ? 1.0 : loading_progress_;
    snapshot.loaded_from_hints = load_report_.hint_entries;
    snapshot.loaded_from_scan = load_report_.scanned_records;
  }
  if (partition_->latched()) {
    snapshot.reason = partition_->latched()->message;
    snapshot.problems.push_back({"read_only", snapshot.reason});
  } else if (!partition_->damaged().empty()) {
    snapshot.reason = "damaged: " + partition_->damaged().front().reason;
  }
  for (const DamagedRange& range : partition_->damaged())
    snapshot.problems.push_back({"damaged", "offsets " + std::to_string(range.from.value()) + ".." +
                                                std::to_string(range.to.value()) + ": " + range.reason});
  if (quarantined_) snapshot.problems.push_back({"compaction_quarantined", *quarantined_});
  troubles_.list(snapshot.problems);
  if (const AppendClock& clock = partition_->append_clock(); clock.settled_ahead())
    snapshot.problems.push_back({"clock_ahead", clock_ahead_text(clock.ahead_ms())});
  return snapshot;
}

std::vector<SegmentReport> LocalPartitionRunner::segments() const {
  std::vector<SegmentReport> reports;
  std::map<SegmentName, SegmentVerdict> verdicts;
  for (SegmentVerdict& verdict : explain(state())) verdicts.emplace(verdict.name, std::move(verdict));
  const Lock lock(mutex_);
  if (!partition_) return reports;
  const auto add = [&](const Segment& segment, Offset end) {
    SegmentReport report;
    const SegmentFacts facts = segment.facts();
    report.base_offset = segment.base();
    report.generation = facts.name.generation;
    report.next_offset = end;
    report.state = segment.is_active() ? "active" : "closed";
    if (rewriting_ && !segment.is_active() && segment.base() >= rewriting_->first &&
        segment.base() < rewriting_->second)
      report.state = "compacting";
    for (const DamagedRange& damage : partition_->damaged())
      if (damage.from < end && damage.to > segment.base()) report.state = "damaged";
    report.records = facts.records;
    report.size_bytes = facts.size_bytes;
    report.first_append = facts.first_append;
    report.last_append = facts.last_append;
    if (const auto verdict = verdicts.find(facts.name); verdict != verdicts.end()) {
      report.due = verdict->second.due;
      report.why = verdict->second.why;
    }
    const KeyIndex* keys = std::as_const(*partition_).keys();
    if (const SegmentStats* stats = keys ? keys->stats().find(segment.base()) : nullptr) {
      report.live_values = stats->live_values;
      report.live_tombstones = stats->live_tombstones;
      if (end <= due_through_now()) report.due_tombstones = stats->tombstones;
      if (stats->records > 0)
        report.dead_bytes_estimate =
            static_cast<std::uint64_t>(static_cast<double>(facts.size_bytes) * static_cast<double>(stats->dead()) /
                                       static_cast<double>(stats->records));
    }
    reports.push_back(std::move(report));
  };
  for (const ClosedSegment& closed : partition_->closed()) {
    add(*closed.segment, closed.end_offset);
    reports.back().has_hint = closed.has_hint;
    reports.back().compacted_through = closed.compacted_through;
    // The list and the closed table hold one reference each; the rest are readers.
    const long own = 2;
    reports.back().readers = static_cast<std::uint32_t>(std::max(0L, closed.segment.use_count() - own));
  }
  const Segment& active = *partition_->list()->segments.back();
  add(active, active.next_offset());
  reports.back().why = why_active(config_, reports.back().size_bytes, reports.back().first_append,
                                  reports.back().last_append, partition_->now());
  return reports;
}

// ---- structure: rolls, retention, log start

Status LocalPartitionRunner::roll() {
  Status status;
  Outbox out;
  {
    Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    idle_.wait(lock, [this] { return (!writer_active_ && !sync_active_ && !writer_waits_for_sync_) || closing_; });
    if (auto error = unavailable()) return *std::move(error);
    writer_active_ = true;
    status = roll_log(lock);
    if (!status.ok() && !passes(status.code())) latch(status.error(), out);
    writer_active_ = false;
    idle_.notify_all();
  }
  run_outbox(out);
  // What arrived meanwhile found the writer's role taken.
  bool write = false;
  {
    const Lock lock(mutex_);
    write = take_writer();
  }
  if (write) write_rounds();
  return status;
}

Result<Offset> LocalPartitionRunner::delete_records(Offset before) {
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    const Offset committed = partition_->marks().committed_end();
    if (before == kNoOffset) before = committed;
    if (before < Offset(0))
      return Error{Errc::offset_out_of_range, environment_.name + ": offset " + std::to_string(before.value()) +
                                                  " is negative; -1 alone means all that is committed"};
    if (before > committed)
      return Error{Errc::offset_out_of_range, environment_.name + ": offset " + std::to_string(before.value()) +
                                                  " is above the committed end " + std::to_string(committed.value())};
  }
  roll_if_all_goes(before);
  return advance_log_start(before);
}

// All that is in the active segment falls below `before`: closed, it gives its room back. Otherwise it only hides.
void LocalPartitionRunner::roll_if_all_goes(Offset before) {
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched() || partition_->writer()->position() == 0) return;
    if (before < partition_->marks().next_offset()) return;
  }
  // Where that fails log start moves all the same.
  (void)roll();
}

// The manifest moves log start first; from the publication on, what lies below is absent; entries are removed in
// slices.
Result<Offset> LocalPartitionRunner::advance_log_start(Offset to) {
  std::vector<ClosedSegment> dropped;
  std::shared_ptr<SegmentWriter> writer;
  Outbox out;
  {
    LOGCASK_ASSIGN(const auto open_step, begin_step());
    LogStructure::Step& step = open_step->step;
    if (to <= step.manifest().log_start_offset) return step.manifest().log_start_offset;
    std::vector<ClosedSegment> below;  // unlisted ones, too: without them the log would not chain on
    bool producers_saved = true;
    {
      const Lock lock(mutex_);
      for (const ClosedSegment& closed : partition_->closed())
        if (closed.end_offset <= to) below.push_back(closed);
      producers_saved = below.empty() || below.back().end_offset <= producers_saved_to_;
    }
    // Who wrote the batches that go must be known from elsewhere.
    if (!producers_saved) LOGCASK_TRY(store_checkpoint(step));
    LOGCASK_TRY(store_step(step, [&](Manifest& next) {
      next.log_start_offset = to;
      for (const ClosedSegment& segment : below) {
        next.obsolete.push_back(segment.segment->name());
        next.dropped_end = segment.end_offset;
      }
      std::erase_if(next.segments, [&](const ManifestSegment& s) { return s.end_offset <= next.dropped_end; });
      std::erase_if(next.damaged, [&](const DamagedRange& range) { return range.to <= to; });
    }));
    const Lock lock(mutex_);
    note_expired_keys(to);
    dropped = partition_->move_log_start(std::max(to, partition_->log_start()), step.manifest().dropped_end);
    writer = partition_->writer();
    watchers_.flush(out);
    if (step.both_copies())
      for (const ClosedSegment& segment : dropped) segment.segment->remove_when_unused();
  }
  run_outbox(out);
  // For the day when both manifests are lost. The step has been taken, with or without this.
  if (!mutant(Mutant::log_start_forgotten) && !writer->note_log_start(to).ok()) latch_with(*writer);
  KeydirCursor cursor;
  bool more = true;
  while (more) {
    const Lock lock(mutex_);
    more = partition_ && partition_->keys() && !partition_->keys()->remove_below(to, cursor, kSliceShards);
  }
  return to;
}

// Watchers of keys whose latest record falls below the new log start hear that it expired. Under the lock.
void LocalPartitionRunner::note_expired_keys(Offset log_start) {
  if (!partition_->keys()) return;
  std::vector<std::pair<KeyIdentity, KeydirEntry>> expired;
  watchers_.for_each([&](const KeyIdentity& identity) {
    const auto entry = partition_->keys()->keydir().find(identity);
    if (entry && !entry->deleted && entry->offset < log_start && entry->offset >= partition_->log_start())
      expired.emplace_back(identity, *entry);
  });
  for (const auto& [identity, entry] : expired) watchers_.note(identity, {0, entry.offset, false, true});
}

void LocalPartitionRunner::configure(const PartitionConfig& config) {
  const Lock lock(mutex_);
  config_ = config;
  if (partition_) partition_->configure(config);
}

bool LocalPartitionRunner::place_if_empty(std::uint32_t placement) {
  const Lock lock(mutex_);
  if (unavailable() || partition_->marks().next_offset() != partition_->log_start()) return false;
  config_.placement = placement;
  partition_->configure(config_);
  return true;
}

void LocalPartitionRunner::tick() {
  bool roll_now = false;
  bool quiet = false;
  bool hold_over = false;
  std::vector<PartitionTroubles::Read> damaged;
  check_active_file();
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched()) return;
    const TimestampMs now = partition_->now();
    const bool expired = partition_->active_expired(now) && !mutant(Mutant::active_segment_outlives_retention);
    roll_now = (partition_->roll_due(now) || expired) && !partition_->has_unwritten();
    partition_->producers().expire(now);
    const Offset end = partition_->marks().next_offset();
    quiet_ticks_ = end == last_tick_end_ ? quiet_ticks_ + 1 : 0;
    quiet = quiet_ticks_ > 0 && quiet_ticks_ % kRestAfterQuietTicks == 0;
    if (quiet_ticks_ > 0) partition_->release_idle();
    last_tick_end_ = end;
    if (partition_->config().deletes) start_background();
    if (checkpoint_wanted_) start_background();
    hold_over = hold_.give_up(environment_.partition.clock->monotonic_ns());
    if (!mutant(Mutant::read_error_sticks) && ++damage_ticks_ % kReadAgainTicks == 0)
      damaged = troubles_.damaged_reads();
  }
  if (roll_now)
    environment_.background->post([self = shared_from_this(), this] {
      // A roll that fails has latched the partition or will be tried again at the next tick.
      (void)roll();
    });
  if (!damaged.empty())
    environment_.background->post(
        [self = shared_from_this(), this, damaged = std::move(damaged)] { read_damage_again(damaged); });
  if (hold_over) environment_.flush->post([self = shared_from_this(), this] { let_waiting_in(); });
  if (quiet) rest_files();
}

// A log that was removed under the broker takes writes and syncs without a word, and goes with the last descriptor.
void LocalPartitionRunner::check_active_file() {
  std::shared_ptr<SegmentWriter> writer;
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched()) return;
    // At rest it is looked at less often: the next append finds out by opening it.
    if (quiet_ticks_ > kRestAfterQuietTicks && quiet_ticks_ % kRestAfterQuietTicks != 0) return;
    writer = partition_->writer();
  }
  const auto linked = writer->linked();
  if (!linked.ok() || *linked || mutant(Mutant::unlinked_log_acknowledged)) return;
  // Not one that has been rolled, and deleted in order, meanwhile.
  stop_writes_of(writer.get(),
                 {Errc::io_error, writer->segment()->describe() + " was removed under the running broker"});
}

// Gives the descriptors of a quiet partition back; its next append or read opens the files again.
void LocalPartitionRunner::rest_files() {
  std::shared_ptr<SegmentWriter> writer;
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched() || writer_active_ || sync_active_ || writer_waits_for_sync_) return;
    if (partition_->marks().next_offset() != partition_->marks().durable_end()) return;
    writer_active_ = true;
    writer = partition_->writer();
  }
  if (!mutant(Mutant::rest_keeps_descriptors)) writer->rest();
  bool write = false;
  {
    const Lock lock(mutex_);
    writer_active_ = false;
    idle_.notify_all();
    // What arrived meanwhile found the writer's role taken.
    write = take_writer();
  }
  if (write) write_rounds();
}

// ---- background: loading, checkpoints, retention, one after another

void LocalPartitionRunner::want_checkpoint() {
  checkpoint_wanted_ = true;
  start_background();
}

void LocalPartitionRunner::start_background() {
  if (background_active_ || closing_) return;
  background_active_ = true;
  environment_.background->post([self = shared_from_this(), this] { run_background(); });
}

void LocalPartitionRunner::run_background() {
  load_keydir();
  bool checkpoint_now = false;
  {
    const Lock lock(mutex_);
    checkpoint_now = std::exchange(checkpoint_wanted_, false) && !unavailable() && !partition_->latched();
  }
  const bool listed = checkpoint_now && run_checkpoint().ok();
  // Before the hints: each reads its segment again, and compaction writes its own.
  if (listed && environment_.compaction_wanted) environment_.compaction_wanted();
  write_hints();
  apply_retention();
  {
    const Lock lock(mutex_);
    // Not done is not lost: what is unlisted chains on at recovery. The next tick tries again.
    if (checkpoint_now && !listed) checkpoint_wanted_ = true;
    background_active_ = false;
    // What was rolled meanwhile. Who writes fast does so all the time, and nobody would be told of the segments.
    if (checkpoint_wanted_ && (listed || !checkpoint_now)) start_background();
    idle_.notify_all();
  }
}

void LocalPartitionRunner::apply_retention() {
  Offset to;
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched() || !partition_->config().deletes) return;
    const PartitionConfig& config = partition_->config();
    const TimestampMs now = partition_->now();
    std::uint64_t bytes = 0;
    for (const auto& segment : partition_->list()->segments) bytes += segment->size_bytes();
    to = partition_->log_start();
    for (const ClosedSegment& closed : partition_->closed()) {
      const SegmentFacts facts = closed.segment->facts();
      const bool too_old = config.retention_ms >= 0 && now.value() - facts.last_append.value() > config.retention_ms;
      const bool too_much =
          config.retention_bytes >= 0 && bytes >= static_cast<std::uint64_t>(config.retention_bytes) + facts.size_bytes;
      if (!closed.listed || (!too_old && !too_much) || closed.end_offset > partition_->marks().committed_end()) break;
      bytes -= facts.size_bytes;
      to = closed.end_offset;
    }
    if (to <= partition_->log_start()) return;
  }
  // A step that fails (full disk) leaves everything as it was; the next tick tries again.
  (void)advance_log_start(to);
}

// ---- lifecycle

Status LocalPartitionRunner::flush() {
  Result<SyncEntry> synced = Error{Errc::ok, {}};
  Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  idle_.wait(lock, [this] {
    return unavailable() ||
           (!writer_active_ && !sync_active_ && !writer_waits_for_sync_ && !partition_->has_unwritten());
  });
  if (auto error = unavailable()) return *std::move(error);
  if (partition_->latched()) return *partition_->latched();
  if (partition_->marks().written_end() == partition_->marks().durable_end()) return {};
  sync_active_ = true;
  lock.unlock();
  run_sync(SettleOn::this_thread);
  lock.lock();
  if (auto error = unavailable()) return *std::move(error);
  return partition_->latched() ? Status(*partition_->latched()) : Status();
}

bool LocalPartitionRunner::idle() const {
  return !writer_active_ && !sync_active_ && !writer_waits_for_sync_ && !background_active_;
}

void LocalPartitionRunner::wait_until_idle(Lock& lock) {
  idle_.wait(lock, [this] { return idle(); });
}

void LocalPartitionRunner::abandon(const Error& reason) {
  closing_.store(true);
  {
    Lock lock(mutex_);
    idle_.notify_all();
    wait_until_idle(lock);
    idle_.wait(lock, [this] { return !rewriting_; });
  }
  shut_log(reason);
}

void LocalPartitionRunner::stop_writes(const Error& why) { stop_writes_of(nullptr, why); }

void LocalPartitionRunner::stop_writes_of(const SegmentWriter* writer, const Error& why) {
  Outbox out;
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->latched()) return;
    if (writer && partition_->writer().get() != writer) return;
    latch(why, out);
  }
  run_outbox(out);
}

void LocalPartitionRunner::close(const Error& reason) {
  // A clean stop flushes and leaves a checkpoint, so that the next start scans nothing; failing that, recovery does the
  // work.
  (void)flush();
  closing_.store(true);
  {
    Lock lock(mutex_);
    wait_until_idle(lock);
    idle_.wait(lock, [this] { return !rewriting_; });  // a rewrite sees closing_ soon, and takes its files away
  }
  (void)final_checkpoint();
  shut_log(reason);
}

Result<std::string> LocalPartitionRunner::reopen() {
  std::vector<PartitionTroubles::Read> damaged;
  {
    const Lock lock(mutex_);
    if (!mutant(Mutant::read_error_sticks)) damaged = troubles_.damaged_reads();
  }
  read_damage_again(damaged);
  bool settled = true;
  if (const auto structure = current_structure()) settled = LogStructure::Step(*structure).settled();
  {
    const Lock lock(mutex_);
    if (closing_) return Error{Errc::shutting_down, environment_.name + " is closing"};
    const bool online = partition_ && !offline_ && !partition_->latched() && settled;
    const bool sound =
        partition_ && partition_->damaged().empty() && !quarantined_ && !partition_->append_clock().settled_ahead();
    if (online && sound && (troubles_.damaged_reads().empty() || mutant(Mutant::read_error_sticks)))
      return std::string(damaged.empty() ? "nothing to do: the partition is online"
                                         : "nothing to do: what could not be read can be read again");
  }
  shut_log({Errc::partition_offline, environment_.name + " is being reopened"});
  auto report = open_log(true);
  // Opening looks at no record: health must not forget what still cannot be read.
  if (report.ok()) read_damage_again(damaged);
  return report;
}

void LocalPartitionRunner::wait_loaded(std::int64_t at_most_ms) {
  Lock lock(mutex_);
  idle_.wait_for(lock, std::chrono::milliseconds(at_most_ms), [this] {
    return unavailable() || !background_active_ || !partition_->keys() || partition_->keys()->complete();
  });
}

bool LocalPartitionRunner::may_open_later() const {
  const Lock lock(mutex_);
  return may_open_later_ && !closing_;
}

std::shared_ptr<LogStructure> LocalPartitionRunner::current_structure() const {
  const Lock lock(mutex_);
  return structure_;
}

// Fails everybody who waits and lets go of the log, once no structure change is under way and nobody holds a role. Both
// are looked at again under the last lock: the flush timer takes the sync role whenever there is something to sync.
void LocalPartitionRunner::shut_log(const Error& reason) {
  std::optional<OpenStep> step;
  Outbox out;
  std::unique_ptr<Partition> partition;
  {
    Lock lock(mutex_);
    offline_ = reason;
    while (true) {
      wait_until_idle(lock);
      if (!structure_ || step) break;
      const std::shared_ptr<LogStructure> structure = structure_;
      lock.unlock();
      step.emplace(structure);
      lock.lock();
      if (!idle()) step.reset();  // the background role may wait for the step
    }
    written_waiters_.fail_all(reason, out);
    committed_waiters_.fail_all(reason, out);
    visible_waiters_.fail_all(reason, out);
    watchers_.fail_all(reason, out);
    for (WaitingAppend& waiting : waiting_appends_)
      out.push_back([done = std::move(waiting.done), reason] {
        AppendResult result;
        result.error = reason;
        done(std::move(result));
      });
    waiting_appends_.clear();
    waiting_append_bytes_ = 0;
    rewriting_.reset();
    partition = std::move(partition_);
    structure_.reset();
    idle_.notify_all();
  }
  run_outbox(out);
}

Result<std::unique_ptr<LocalPartitionRunner::OpenStep>> LocalPartitionRunner::begin_step() {
  std::shared_ptr<LogStructure> structure;
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    structure = structure_;
  }
  auto step = std::make_unique<OpenStep>(structure);
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  if (structure_ != structure) return Error{Errc::cancelled, environment_.name + ": the log was reopened meanwhile"};
  return step;
}

}  // namespace logcask
