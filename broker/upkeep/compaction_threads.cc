#include "broker/upkeep/compaction_threads.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/random.h"
#include "sizing/quantity.h"

namespace logcask {
namespace {

constexpr int kNiceness = 10;
constexpr std::int64_t kReportMs = 200;
constexpr std::int64_t kAsideMs = 5;
constexpr std::int64_t kPollMs = 20;
constexpr std::int64_t kBehindCheckNs = 250'000'000;
constexpr std::int64_t kWaitMinNs = 50'000'000;

const Error kShuttingDown{Errc::shutting_down, "the broker is stopping"};

// Compaction steps back behind requests on machines with few cores. Failing is no harm.
void lower_priority() { (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNiceness); }

// Errors that come with the partition's life, not with its disk.
bool passing(Errc code) {
  return code == Errc::cancelled || code == Errc::shutting_down || code == Errc::partition_offline ||
         code == Errc::loading || code == Errc::in_use;
}

std::string size_text(std::uint64_t bytes) { return sizing::decimal_bytes(static_cast<double>(bytes)); }

std::string summary(const CompactionStats& stats) {
  return std::to_string(stats.segments_in) + " segments into " + std::to_string(stats.segments_out) + ", " +
         size_text(stats.bytes_before) + " into " + size_text(stats.bytes_after) + ", " +
         std::to_string(stats.records_dropped) + " of " + std::to_string(stats.records_dropped + stats.records_kept) +
         " records dropped (" + std::to_string(stats.tombstones_dropped) + " due tombstones), " +
         std::to_string(static_cast<std::int64_t>(stats.seconds * 1000)) + " ms";
}

CompactionLook look_of(const Decision& decision) {
  if (!decision.plan && !decision.waits_for.empty()) return CompactionLook::barred;
  if (!decision.plan) return CompactionLook::idle;
  return decision.behind ? CompactionLook::behind : CompactionLook::due;
}

CompactionProgress progress_of(const CompactionStats& stats) {
  CompactionProgress progress;
  progress.bytes_read = stats.bytes_read;
  progress.bytes_written = stats.bytes_written;
  progress.bytes_before = stats.bytes_before;
  progress.bytes_after = stats.bytes_after;
  progress.records_kept = stats.records_kept;
  progress.records_dropped = stats.records_dropped;
  progress.tombstones_dropped = stats.tombstones_dropped;
  progress.rewrites = stats.rewrites;
  progress.seconds = stats.seconds;
  return progress;
}

}  // namespace

// What is kept of one partition. `compactor` and what follows belong to whoever has set `busy`.
struct CompactionThreads::Entry {
  Entry(std::shared_ptr<PartitionRunner> of, CompactionPort& its_port, const Compactor::Options& options)
      : runner(of), port(its_port), compactor(its_port, options) {}
  const std::weak_ptr<PartitionRunner> runner;
  CompactionPort& port;  // of runner: used only while that is held
  Compactor compactor;
  std::int64_t backoff_ms = 0;
  std::string last_failure;
  std::int64_t behind_checked_ns = 0;
  bool fell_behind = false;
  // Guarded by the mutex.
  bool busy = false;
  bool released = false;
  std::int64_t not_before_ns = 0;
};

struct CompactionThreads::Request {
  RequestId id = 0;
  std::shared_ptr<PartitionRunner> partition;
  bool wait = false;
  std::mutex mutex;
  std::function<void(const CompactionProgress&)> progress;  // guarded by mutex; null once finished or cancelled

  void report(CompactionProgress progress_now, bool finished) {
    const std::lock_guard lock(mutex);
    if (!progress) return;
    progress_now.finished = finished;
    progress(progress_now);
    if (finished) progress = nullptr;
  }
  void fail(const Error& error) {
    CompactionProgress last;
    last.error = error;
    report(last, true);
  }
};

struct CompactionThreads::Candidate {
  std::shared_ptr<Entry> entry;
  std::uint64_t garbage_bytes = 0;
  bool behind = false;
};

CompactionThreads::CompactionThreads(Parts parts, const Options& options)
    : parts_(std::move(parts)),
      options_(options),
      pace_(parts_.clock, options.max_bytes_per_second),
      jitter_state_(options.jitter_seed) {}

CompactionThreads::~CompactionThreads() { stop(); }

void CompactionThreads::start() {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(Haste::patient); });
  if (options_.threads > 0) threads_.emplace_back([this] { run(Haste::urgent); });
}

void CompactionThreads::wake() {
  const Lock lock(mutex_);
  look_wanted_ = true;
  changed_.notify_all();
}

void CompactionThreads::stop() {
  std::map<RequestId, std::shared_ptr<Request>> open;
  {
    const Lock lock(mutex_);
    stopping_ = true;
    requests_.clear();
    open.swap(open_requests_);
    changed_.notify_all();
  }
  pace_.stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  // Nobody looks any more: no append may wait for it.
  for (const auto& [partition, entry] : entries_)
    if (const auto runner = entry->runner.lock()) entry->port.note_look(CompactionLook::barred);
  for (const auto& [id, request] : open) request->fail(kShuttingDown);
}

void CompactionThreads::release(const PartitionRunner* partition) {
  Lock lock(mutex_);
  const auto found = entries_.find(partition);
  if (found == entries_.end()) return;
  const std::shared_ptr<Entry> entry = found->second;
  entry->released = true;
  changed_.wait(lock, [&] { return !entry->busy; });
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.entry == entry; });
  entries_.erase(partition);
}

CompactionControl::RequestId CompactionThreads::request(std::shared_ptr<PartitionRunner> partition, bool wait,
                                                        std::function<void(const CompactionProgress&)> progress) {
  auto request = std::make_shared<Request>();
  request->partition = std::move(partition);
  request->wait = wait;
  request->progress = std::move(progress);
  Lock lock(mutex_);
  request->id = ++last_request_;
  const RequestId id = request->id;
  if (stopping_) {
    lock.unlock();
    request->fail(kShuttingDown);
    return id;
  }
  open_requests_[id] = request;
  requests_.push_back(std::move(request));
  changed_.notify_all();
  return id;
}

void CompactionThreads::cancel(RequestId id) {
  std::shared_ptr<Request> request;
  {
    const Lock lock(mutex_);
    const auto found = open_requests_.find(id);
    if (found == open_requests_.end()) return;
    request = found->second;
    open_requests_.erase(found);
    std::erase(requests_, request);
  }
  const std::lock_guard lock(request->mutex);
  request->progress = nullptr;
}

void CompactionThreads::run(Haste haste) {
  if (haste == Haste::patient) lower_priority();
  Lock lock(mutex_);
  while (!stopping_) {
    if (haste == Haste::urgent) {
      // It looks for itself, too: who is behind would wait for the thread that steps back.
      if (!take_candidate(lock, haste) && !(look_wanted_ && look_round(lock, haste))) changed_.wait(lock);
      continue;
    }
    if (take_request(lock) || take_candidate(lock, haste) || look_round(lock, haste)) continue;
    const std::int64_t wait_ns = std::max(look_at_ns_ - parts_.clock.monotonic_ns(), kWaitMinNs);
    changed_.wait_for(lock, std::chrono::nanoseconds(wait_ns));
  }
}

// ---- what to do next; each returns true when it did something, with the lock held again

bool CompactionThreads::take_request(Lock& lock) {
  for (auto it = requests_.begin(); it != requests_.end(); ++it) {
    const std::shared_ptr<Request> request = *it;
    const std::shared_ptr<Entry> entry = entry_of(request->partition);
    if (entry && entry->busy) continue;
    requests_.erase(it);
    if (entry) entry->busy = true;
    lock.unlock();
    if (entry) {
      serve(*request, *entry);
    } else {
      request->fail(Error{Errc::partition_offline, "this partition cannot be compacted: it is not open"});
    }
    lock.lock();
    if (entry) {
      entry->busy = false;
      entry->not_before_ns = 0;
      look_wanted_ = true;
    }
    open_requests_.erase(request->id);
    changed_.notify_all();
    return true;
  }
  return false;
}

// Those that are behind wait for the thread that is not slowed down, unless that has another one.
bool CompactionThreads::takes(const Candidate& candidate, Haste haste) const {
  return candidate.behind == (haste == Haste::urgent) || (haste == Haste::patient && urgent_busy_);
}

bool CompactionThreads::take_candidate(Lock& lock, Haste haste) {
  for (auto it = candidates_.begin(); it != candidates_.end(); ++it) {
    const std::shared_ptr<Entry> entry = it->entry;
    if (entry->busy || entry->released || !takes(*it, haste)) continue;
    const Haste how = it->behind ? Haste::urgent : haste;
    candidates_.erase(it);
    entry->busy = true;
    if (haste == Haste::urgent) urgent_busy_ = true;
    lock.unlock();
    const bool look_again = compact_step(*entry, how);
    lock.lock();
    if (haste == Haste::urgent) urgent_busy_ = false;
    // Not before: a look passes over who is busy.
    entry->busy = false;
    if (look_again) look_wanted_ = true;
    changed_.notify_all();
    return true;
  }
  return false;
}

// Asks every partition what is due, once the last answers are used up: by the thread in haste, those that are its own.
bool CompactionThreads::look_round(Lock& lock, Haste haste) {
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  const bool answers_left = std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& candidate) {
    return haste == Haste::patient || candidate.behind;
  });
  if (looking_ || answers_left || (!look_wanted_ && now_ns < look_at_ns_)) return false;
  look_wanted_ = false;
  looking_ = true;
  look_at_ns_ = now_ns + next_interval_ms() * 1'000'000;
  lock.unlock();
  const Partitions partitions = parts_.partitions();
  lock.lock();
  std::vector<std::shared_ptr<Entry>> idle;
  for (const auto& partition : partitions) {
    const std::shared_ptr<Entry> entry = entry_of(partition);
    if (!entry || entry->busy || entry->not_before_ns > now_ns) continue;
    entry->busy = true;
    idle.push_back(entry);
  }
  std::erase_if(entries_, [](const auto& item) { return !item.second->busy && item.second->runner.expired(); });
  lock.unlock();
  std::vector<Candidate> found = look_at(idle);
  lock.lock();
  for (const auto& entry : idle) entry->busy = false;
  std::erase_if(candidates_,
                [&](const Candidate& older) { return std::find(idle.begin(), idle.end(), older.entry) != idle.end(); });
  for (Candidate& candidate : found)
    if (!candidate.entry->released) candidates_.push_back(std::move(candidate));
  looking_ = false;
  changed_.notify_all();
  // Also with nothing found: a stop or a wish to look may have come while the lock was given up.
  return true;
}

std::shared_ptr<CompactionThreads::Entry> CompactionThreads::entry_of(
    const std::shared_ptr<PartitionRunner>& partition) {
  const auto found = entries_.find(partition.get());
  if (found != entries_.end() && !found->second->runner.expired()) return found->second;
  auto* port = dynamic_cast<CompactionPort*>(partition.get());
  if (!port) return nullptr;
  auto entry = std::make_shared<Entry>(partition, *port, options_.compactor);
  entries_[partition.get()] = entry;
  return entry;
}

std::vector<CompactionThreads::Candidate> CompactionThreads::look_at(
    const std::vector<std::shared_ptr<Entry>>& entries) {
  std::vector<Candidate> candidates;
  for (const auto& entry : entries) {
    const auto runner = entry->runner.lock();
    if (!runner || stopping_ || entry->port.stopping()) continue;
    const Decision decision = entry->compactor.decide(CompactionMode::background);
    entry->port.note_look(look_of(decision));
    if (decision.plan || !decision.clean.empty())
      candidates.push_back({entry, decision.plan ? decision.plan->garbage_bytes : 0, decision.behind});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.garbage_bytes > b.garbage_bytes; });
  return candidates;
}

std::int64_t CompactionThreads::next_interval_ms() {
  Random random(++jitter_state_);
  const auto interval = static_cast<std::uint64_t>(std::max<std::int64_t>(options_.interval_ms, 1));
  return static_cast<std::int64_t>(interval * 3 / 4 + random.below(interval / 2 + 1));
}

// ---- doing it; without the lock

Pace CompactionThreads::pace_of(Entry& entry, Haste haste,
                                const std::function<void(std::uint64_t, std::uint64_t)>& count) {
  return [this, &entry, haste, count](std::uint64_t bytes_read, std::uint64_t bytes_written) -> Status {
    if (count) count(bytes_read, bytes_written);
    const auto closing = [&entry] { return entry.port.stopping(); };
    if (!pace_.spend(bytes_read + bytes_written, closing)) return kShuttingDown;
    const auto runner = entry.runner.lock();
    if (!runner || entry.port.stopping()) return Error{Errc::cancelled, "the partition is closing"};
    if (haste != Haste::urgent && runner->congested()) {
      if (!pace_.step_aside(kAsideMs)) return kShuttingDown;
      if (haste == Haste::patient && fell_behind(entry))
        return Error{Errc::cancelled, "the partition fell behind: begun anew, in haste"};
    }
    if (stopping_) return kShuttingDown;
    return {};
  };
}

bool CompactionThreads::fell_behind(Entry& entry) {
  const std::int64_t now_ns = parts_.clock.monotonic_ns();
  if (now_ns - entry.behind_checked_ns < kBehindCheckNs) return false;
  entry.behind_checked_ns = now_ns;
  entry.fell_behind = is_behind(entry.port.state());
  return entry.fell_behind;
}

// True when there may be more to do.
bool CompactionThreads::compact_step(Entry& entry, Haste haste) {
  const auto runner = entry.runner.lock();
  if (!runner) return false;
  const auto done = entry.compactor.step(CompactionMode::background, pace_of(entry, haste, {}));
  if (std::exchange(entry.fell_behind, false) && done.code() == Errc::cancelled) return true;
  if (!done.ok()) {
    failed(entry, done.error());
    return false;
  }
  entry.backoff_ms = 0;
  entry.last_failure.clear();
  if (done->stats.rewrites > 0 && parts_.note)
    parts_.note("compacted " + entry.port.directory()->path() + " (" + due_rule_name(done->rule) + ": " + done->why +
                "): " + summary(done->stats));
  return done->worked;
}

// Left alone for a while; said once per kind of failure.
void CompactionThreads::failed(Entry& entry, const Error& error) {
  if (error.code == Errc::shutting_down) return;
  if (passing(error.code)) {
    const Lock lock(mutex_);
    entry.not_before_ns = parts_.clock.monotonic_ns() + 1'000'000'000;
    return;
  }
  entry.backoff_ms =
      entry.backoff_ms == 0 ? options_.backoff_ms : std::min(entry.backoff_ms * 2, options_.backoff_max_ms);
  const std::string what = std::string(errc_name(error.code));
  if (std::exchange(entry.last_failure, what) != what && parts_.alarm)
    parts_.alarm("compaction of " + entry.port.directory()->path() + " failed and is tried again in " +
                 std::to_string(entry.backoff_ms / 1000) + " s: " + error.to_string());
  const Lock lock(mutex_);
  entry.not_before_ns = parts_.clock.monotonic_ns() + entry.backoff_ms * 1'000'000;
}

void CompactionThreads::serve(Request& request, Entry& entry) {
  if (!request.wait) request.report({}, true);
  if (const Status settled = settle_roll(entry); !settled.ok()) {
    if (request.wait) request.fail(settled.error());
    return;
  }
  CompactionStats sum;
  std::uint64_t read = 0, written = 0;
  const std::int64_t start_ns = parts_.clock.monotonic_ns();
  std::int64_t reported_ns = start_ns;
  const auto report = [&](bool finished) {
    CompactionProgress progress = progress_of(sum);
    progress.bytes_read = std::max(read, sum.bytes_read);
    progress.bytes_written = std::max(written, sum.bytes_written);
    progress.seconds = static_cast<double>(parts_.clock.monotonic_ns() - start_ns) * 1e-9;
    request.report(progress, finished);
  };
  const Pace pace = pace_of(entry, Haste::asked, [&](std::uint64_t bytes_read, std::uint64_t bytes_written) {
    read += bytes_read;
    written += bytes_written;
    const std::int64_t now_ns = parts_.clock.monotonic_ns();
    if (now_ns - reported_ns < kReportMs * 1'000'000) return;
    reported_ns = now_ns;
    report(false);
  });
  const auto done = entry.compactor.run_due(CompactionMode::forced, pace, [&](const CompactionStats& so_far) {
    sum = so_far;
    report(false);
  });
  if (!done.ok()) {
    request.fail(done.error());
    if (!request.wait) failed(entry, done.error());
    return;
  }
  sum = *done;
  const Decision left = entry.compactor.decide(CompactionMode::forced);
  if (!left.waits_for.empty() && left.waits_code != Errc::ok) {
    request.fail(Error{left.waits_code, "not everything could be compacted: " + left.waits_for});
    return;
  }
  if (sum.rewrites > 0 && parts_.note)
    parts_.note("compacted " + entry.port.directory()->path() + " (asked for): " + summary(sum));
  report(true);
}

// Rolls, and waits until everything in front of the new segment is listed, committed and known to the keydir.
Status CompactionThreads::settle_roll(Entry& entry) {
  LOGCASK_TRY(entry.port.roll());
  const std::int64_t deadline_ns = parts_.clock.monotonic_ns() + options_.settle_ms * 1'000'000;
  while (true) {
    const CompactionState state = entry.port.state();
    if (state.quarantined || state.damaged) return {};  // the run says so
    const Offset listed = state.closed.empty() ? state.log_start : state.closed.back().end_offset;
    const bool listed_all = listed >= state.active_base || (state.closed.empty() && state.active_base == Offset(0));
    const bool lagging = state.config.min_compaction_lag_ms > 0;
    if (state.keydir_complete && listed_all && (lagging || state.bound == state.active_base)) return {};
    if (entry.port.stopping()) return Error{Errc::cancelled, "the partition is closing"};
    if (parts_.clock.monotonic_ns() >= deadline_ns)
      return state.keydir_complete
                 ? Error{Errc::timed_out, "the rolled segment was not written to the manifest in time; try again"}
                 : Error{Errc::loading, "the keydir is still loading; try again"};
    if (!pace_.step_aside(kPollMs)) return kShuttingDown;
  }
}

}  // namespace logcask
