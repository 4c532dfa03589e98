// Appends, writes, syncs and commits: the path of a record from a session to the disk and into the keydir.

#include <algorithm>

#include "base/check.h"
#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"
#include "broker/threads/blocking_turn.h"

namespace logcask {
namespace {

// Write rounds one thread does on behalf of others before it hands the role to a flush thread.
constexpr int kInlineRounds = 4;
// Appends that may wait for room; sessions stop reading long before.
constexpr std::size_t kWaitingAppendsMax = 4096;
constexpr std::size_t kWaitingAppendBytesMax = 32u << 20;

// What a waiting append keeps in memory.
std::size_t kept_bytes(const PreparedBatch& batch) {
  return batch.checked->batch.size() + batch.checked->decompressed.size() +
         batch.checked->records.size() * sizeof(CheckedRecord) + batch.identities.size() * sizeof(KeyIdentity);
}

// What a producer hears of a write that failed.
Error refusal(const std::string& partition, const Error& why) {
  if (why.code == Errc::storage_full)
    return {why.code, partition + ": " + why.message + "; free some space and send again"};
  if (why.code == Errc::limit_exceeded)
    return {why.code, partition + ": " + why.message + "; raise the limit of open files (ulimit -n) and send again"};
  return why;
}

AppendResult failed(Error error) {
  AppendResult result;
  result.error = std::move(error);
  return result;
}

}  // namespace

bool LocalPartitionRunner::append(PreparedBatch batch, Acks acks, std::function<void(AppendResult)> done) {
  Outbox out;
  bool write = false;
  bool sync = false;
  bool others_wait = false;
  {
    const Lock lock(mutex_);
    WaitingAppend append{std::move(batch), acks, std::move(done), {}};
    if (auto error = unavailable()) {
      out.push_back([done = std::move(append.done), error = std::move(*error)] { done(failed(error)); });
    } else if (!partition_->latched() && (!waiting_appends_.empty() || must_wait())) {
      const std::size_t kept = kept_bytes(append.batch);
      const bool too_much = waiting_append_bytes_ > 0 && waiting_append_bytes_ + kept > kWaitingAppendBytesMax;
      if (waiting_appends_.size() >= kWaitingAppendsMax || too_much) {
        out.push_back([done = std::move(append.done), name = environment_.name] {
          done(failed({Errc::throttled, name + ": too much waits for the disk or for compaction; try again"}));
        });
      } else {
        keep_bytes(append);
        waiting_append_bytes_ += kept;
        waiting_appends_.push_back(std::move(append));
        want_sync();
      }
    } else {
      admit(std::move(append), out);
    }
    write = take_writer();
    sync = take_sync_request();
    others_wait = !waiting_appends_.empty();
  }
  run_outbox(out);
  if (sync) start_sync();
  if (write) write_rounds();
  return others_wait;
}

// The caller's bytes are good only until append() returns: what waits gets its own copy.
void LocalPartitionRunner::keep_bytes(WaitingAppend& append) {
  CheckedBatch& checked = *append.batch.checked;
  const char* const old = checked.batch.data();
  append.bytes.assign(checked.batch);
  if (checked.decompressed.empty())
    for (CheckedRecord& record : checked.records)
      if (record.has_key) record.key = ByteView(append.bytes.data() + (record.key.data() - old), record.key.size());
  checked.batch = append.bytes;
}

bool LocalPartitionRunner::congested() const {
  const Lock lock(mutex_);
  // Who waits for compaction is not helped by its stepping aside.
  return !waiting_appends_.empty() && !hold_.holds();
}

std::optional<Error> LocalPartitionRunner::unavailable() const {
  if (closing_.load(std::memory_order_relaxed)) return Error{Errc::shutting_down, environment_.name + " is closing"};
  if (offline_) return offline_;
  return std::nullopt;
}

void LocalPartitionRunner::admit(WaitingAppend append, Outbox& out) {
  Partition::Admission admission = partition_->admit(append.batch);
  const auto shared = std::make_shared<WaitingAppend>();
  shared->acks = append.acks;
  shared->done = std::move(append.done);
  AppendResult result = std::move(admission.result);
  const bool refused = admission.kind == Partition::Admission::Kind::refused;
  // A refusal decided by a record that may yet vanish waits until that record is certain.
  const bool wait_committed =
      refused ? admission.wait_end > partition_->marks().committed_end() : append.acks == Acks::all;
  const bool wait_written = !refused && append.acks == Acks::one;

  const auto answer_later = [this, &admission, &shared, &result](OffsetWaiters& waiters) {
    waiters.add(admission.wait_end, [shared, result = std::move(result)](const Status& status) mutable {
      if (!status.ok()) result = failed(status.error());
      shared->done(std::move(result));
    });
  };
  if (wait_committed && admission.wait_end > partition_->marks().committed_end()) {
    answer_later(mutant(Mutant::acked_before_sync) ? written_waiters_ : committed_waiters_);
    want_sync();
  } else if (wait_written && admission.wait_end > partition_->marks().written_end()) {
    answer_later(written_waiters_);
  } else {
    out.push_back([shared, result = std::move(result)]() mutable { shared->done(std::move(result)); });
  }
}

void LocalPartitionRunner::admit_waiting(Outbox& out) {
  while (!waiting_appends_.empty() && !must_wait()) {
    WaitingAppend append = std::move(waiting_appends_.front());
    waiting_appends_.pop_front();
    waiting_append_bytes_ -= kept_bytes(append.batch);
    admit(std::move(append), out);
  }
}

bool LocalPartitionRunner::must_wait() const {
  return partition_->full() || (hold_.holds() && !mutant(Mutant::writer_outruns_compaction));
}

// After a hold, on a thread that may write. While it lasted nothing else has come to admit them.
void LocalPartitionRunner::let_waiting_in() {
  Outbox out;
  bool write = false;
  bool sync = false;
  {
    const Lock lock(mutex_);
    if (!partition_ || partition_->latched()) return;
    admit_waiting(out);
    write = take_writer();
    sync = take_sync_request();
  }
  run_outbox(out);
  if (sync) start_sync();
  if (write) write_rounds();
}

// ---- write

bool LocalPartitionRunner::take_writer() {
  if (writer_active_ || writer_waits_for_sync_ || !partition_ || !partition_->has_unwritten()) return false;
  writer_active_ = true;
  return true;
}

void LocalPartitionRunner::write_rounds() {
  for (int round = 0; round < kInlineRounds; ++round)
    if (!write_once()) return;
  // Others keep this thread busy with their records; a thread that may block takes over.
  environment_.flush->post([self = shared_from_this(), this] { write_rounds(); });
}

// One write. False when the role was given back.
bool LocalPartitionRunner::write_once() {
  Outbox out;
  bool sync = false;
  bool go_on = true;
  {
    Lock lock(mutex_);
    Status status;
    if (!partition_->has_unwritten()) {
      go_on = false;
    } else if (partition_->latched()) {
      status = *partition_->latched();  // by a sync, while this write waited for its roll
    } else {
      Partition::WriteJob job = partition_->begin_write();
      if (job.roll && sync_active_) {
        // The roll needs the sync role; whoever gives it back starts the writer again.
        writer_waits_for_sync_ = true;
        go_on = false;
      } else if (job.roll) {
        status = roll_log(lock);
      } else {
        lock.unlock();
        status = job.writer->append(job.set.pieces, job.append_stamp);
        lock.lock();
        if (status.ok()) {
          partition_->finish_write(job);
          note_room(out);
        }
        // Without keys there are no hints: the background would be woken for nothing, at each write.
        if (partition_->keys() && job.writer->position() >= hint_spill_at_) start_background();
      }
    }
    if (!status.ok()) {
      partition_->drop_unwritten();
      const Error error = refusal(environment_.name, status.error());
      written_waiters_.fail_above(partition_->marks().written_end(), error, out);
      committed_waiters_.fail_above(partition_->marks().written_end(), error, out);
      if (status.code() == Errc::storage_full) note_full(error, out);
      if (!passes(status.code())) latch(status.error(), out);
    }
    written_waiters_.release(partition_->marks().written_end(), out);
    if (partition_->config().read_visibility == ReadVisibility::written)
      visible_waiters_.release(partition_->visible_end(), out);
    admit_waiting(out);
    if (somebody_waits_for_a_sync()) want_sync();
    note_unsynced();
    sync = take_sync_request();
    arm_flush_timer();
    if (go_on && !partition_->has_unwritten()) go_on = false;
    if (!go_on) {
      writer_active_ = false;
      idle_.notify_all();
    }
  }
  run_outbox(out);
  if (sync) start_sync();
  return go_on;
}

bool LocalPartitionRunner::passes(Errc code) { return code == Errc::storage_full || code == Errc::limit_exceeded; }

// Closes the active segment and starts the next one. The caller has the writer's role, nobody syncs.
// Order: the old file is synced, the new one created, the directory synced; only then does anything go into the new
// one.
Status LocalPartitionRunner::roll_log(Lock& lock) {
  LOGCASK_CHECK(writer_active_ && !sync_active_);
  const std::optional<Partition::Roll> roll = partition_->begin_roll();
  if (!roll) return {};
  sync_active_ = true;
  SegmentWriter::Options options = environment_.recovery.writer;
  options.offset_reserve = config_.offset_reserve;
  options.owner = environment_.recovery.owner;
  options.run = partition_->run();
  options.clock = partition_->append_clock().stamp();
  options.log_start = partition_->log_start();
  options.expected_bytes = static_cast<std::uint64_t>(config_.segment_bytes);
  lock.unlock();
  const auto& env = environment_.partition;
  const auto work = [&]() -> Result<std::pair<SegmentFacts, std::shared_ptr<SegmentWriter>>> {
    // Before the new file is there: without a descriptor for the old one nothing has happened.
    LOGCASK_TRY(roll->old_writer->wake());
    LOGCASK_TRY(roll->old_writer->sync(env.clock->monotonic_ns()));
    LOGCASK_ASSIGN(std::shared_ptr<SegmentWriter> fresh,
                   SegmentWriter::create(env.segments, env.directory, {roll->base, Generation(0)}, options));
    if (!mutant(Mutant::segment_name_not_synced)) LOGCASK_TRY(env.directory->sync());
    LOGCASK_ASSIGN(const SegmentFacts facts, roll->old_writer->close(env.clock->monotonic_ns()));
    return std::pair(facts, std::move(fresh));
  };
  auto rolled = work();
  lock.lock();
  if (rolled.ok()) {
    partition_->finish_roll(*roll, rolled->first, std::move(rolled->second));
    hint_spill_at_ = static_cast<std::uint64_t>(partition_->config().hint_spill_bytes);
    commit(lock);
    if (hold_.may_begin() && too_much_garbage()) hold_.hold(env.clock->monotonic_ns());
    want_checkpoint();
  }
  sync_active_ = false;
  idle_.notify_all();
  if (!rolled.ok() && rolled.code() == Errc::already_exists)
    return Error{Errc::io_error,
                 environment_.name + ": the next segment's file exists already: " + rolled.error().message};
  return rolled.ok() ? Status() : Status(std::move(rolled).error());
}

// ---- sync and commit

void LocalPartitionRunner::want_sync() { sync_requested_ = true; }

// Readers of what is written have it without one.
bool LocalPartitionRunner::somebody_waits_for_a_sync() const {
  if (!committed_waiters_.empty()) return true;
  if (visible_waiters_.empty()) return false;
  return partition_->config().read_visibility == ReadVisibility::committed || mutant(Mutant::readers_of_written_sync);
}

// True when the caller must start a sync: somebody wants one, nobody is at it, and there is something to sync.
bool LocalPartitionRunner::take_sync_request() {
  if (!sync_requested_ || sync_active_ || !partition_ || partition_->latched()) return false;
  if (partition_->marks().written_end() == partition_->marks().durable_end()) return false;
  sync_requested_ = false;
  sync_active_ = true;
  return true;
}

// The caller has taken the sync role.
void LocalPartitionRunner::start_sync() {
  if (const auto turn = BlockingTurns::Turn::take()) return run_sync(SettleOn::flush_thread);
  environment_.flush->post([self = shared_from_this(), this] { run_sync(SettleOn::this_thread); });
}

void LocalPartitionRunner::run_sync(SettleOn settle_on) {
  std::shared_ptr<SegmentWriter> writer;
  {
    const Lock lock(mutex_);
    writer = partition_->writer();
  }
  const Result<SyncEntry> synced = writer->sync(environment_.partition.clock->monotonic_ns());
  Outbox out;
  bool again = false;
  bool write = false;
  {
    Lock lock(mutex_);
    if (synced.ok()) {
      partition_->finish_sync(*synced);
      commit(lock);
    } else {
      latch(synced.error(), out);
    }
    sync_active_ = false;
    writer_waits_for_sync_ = false;
    if (somebody_waits_for_a_sync() || !waiting_appends_.empty()) want_sync();
    note_unsynced();
    again = take_sync_request();
    arm_flush_timer();
    write = take_writer();
    idle_.notify_all();
  }
  run_outbox(out);
  if (again) start_sync();
  if (write) write_rounds();
  if (!synced.ok() || !writer->settle_due()) return;
  if (settle_on == SettleOn::this_thread)
    settle(*writer);
  else
    environment_.flush->post([self = shared_from_this(), this, writer] { settle(*writer); });
}

// After the answers: whoever waits for a record does not wait for the sync log's own sync.
void LocalPartitionRunner::settle(SegmentWriter& writer) {
  if (!writer.settle(environment_.partition.clock->monotonic_ns()).ok()) latch_with(writer);
}

// A sync log that can be trusted no more takes its partition's writes with it.
void LocalPartitionRunner::latch_with(const SegmentWriter& writer) {
  if (const Status latched = writer.latched(); !latched.ok()) stop_writes_of(&writer, latched.error());
}

// Publishes what became durable, slice by slice: keydir first, then committed_end, then acks. The lock is given up
// between slices so that lookups and appends get in; the sync role keeps other publishers out.
void LocalPartitionRunner::commit(Lock& lock) {
  LOGCASK_CHECK(sync_active_);
  bool done = false;
  while (!done) {
    const bool watched = !watchers_.empty();
    done = partition_->apply_slice(
        watched ? [this](const KeyIndex::Applied&
                             applied) { watchers_.note(applied.identity, {0, applied.offset, applied.deleted, false}); }
                : std::function<void(const KeyIndex::Applied&)>());
    Outbox out;
    publish_commit(out);
    if (out.empty() && done) return;
    lock.unlock();
    run_outbox(out);
    lock.lock();
  }
}

void LocalPartitionRunner::publish_commit(Outbox& out) {
  const Offset committed = partition_->marks().committed_end();
  watchers_.flush(out);
  committed_waiters_.release(committed, out);
  visible_waiters_.release(partition_->visible_end(), out);
  admit_waiting(out);
}

// Bounds how much stays unsynced when nobody waits for it. The caller takes the sync request after it.
void LocalPartitionRunner::note_unsynced() {
  const auto unsynced = partition_->marks().written_end() - partition_->marks().durable_end();
  if (unsynced >= partition_->config().flush_messages) want_sync();
}

// Bounds how long. A sync under way looks again when it ends: until then a timer would wake a second thread for the
// same batch.
void LocalPartitionRunner::arm_flush_timer() {
  if (partition_->latched() || sync_active_ || flush_timer_armed_) return;
  if (partition_->marks().written_end() == partition_->marks().durable_end()) return;
  flush_timer_armed_ = true;
  environment_.flush->post_after(partition_->config().flush_ms, [self = shared_from_this(), this] {
    bool sync = false;
    {
      const Lock lock(mutex_);
      flush_timer_armed_ = false;
      if (!partition_) return;
      want_sync();
      sync = take_sync_request();
    }
    if (sync) run_sync(SettleOn::this_thread);
  });
}

void LocalPartitionRunner::latch(const Error& error, Outbox& out) {
  const bool first = !partition_->latched();
  const Error latched = partition_->latched().value_or(
      Error{Errc::read_only, environment_.name + " takes no more writes: " + error.message +
                                 "; 'logcask reopen' checks the disk and opens it again"});
  partition_->latch(latched);
  written_waiters_.fail_above(partition_->marks().written_end(), latched, out);
  committed_waiters_.fail_above(partition_->marks().committed_end(), latched, out);
  visible_waiters_.fail_above(partition_->visible_end(), latched, out);
  for (WaitingAppend& waiting : waiting_appends_)
    out.push_back([done = std::move(waiting.done), latched] { done(failed(latched)); });
  waiting_appends_.clear();
  waiting_append_bytes_ = 0;
  if (first) alarm(latched.message, out);
}

void LocalPartitionRunner::alarm(std::string what, Outbox& out) {
  if (environment_.alarm) out.push_back([alarm = environment_.alarm, what = std::move(what)] { alarm(what); });
}

void LocalPartitionRunner::note_full(const Error& error, Outbox& out) {
  if (troubles_.disk_full(error.message)) alarm(error.message, out);
}

void LocalPartitionRunner::note_room(Outbox& out) {
  if (troubles_.disk_has_room()) alarm(environment_.name + ": there is room again; records are taken", out);
}

}  // namespace logcask
