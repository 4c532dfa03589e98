// Fetch, lookup, watch and replay: everything that reads committed records.

#include <algorithm>

#include "base/check.h"
#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"
#include "partition/view_read.h"

namespace logcask {
namespace {

// Keys probed under one hold of the lock.
constexpr std::size_t kLookupKeys = SegmentLookup::kPlacesMax;

}  // namespace

// ---- fetch

Result<FetchedBatches> LocalPartitionRunner::fetch(Offset from, std::size_t max_bytes) {
  FetchedBatches fetched;
  LogView view;
  RunStart run;
  std::shared_ptr<const RunHistory> older;  // where the answer may end in a run before this one
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    view = partition_->view();
    run = partition_->run();
    if (from <= run.first) older = partition_->runs();
    fetched.run = older ? older->of(from) : run.id;
    if (mutant(Mutant::reads_beyond_committed)) view.visible_end = partition_->marks().written_end();
    fetched.visible_end = view.visible_end;
    fetched.log_start_offset = view.log_start;
    fetched.tombstone_horizon = partition_->tombstone_horizon();
    fetched.leader_epoch = partition_->epoch();
    fetched.next_fetch_offset = from;
    if (from < view.log_start || from > view.visible_end)
      return Error{Errc::offset_out_of_range, environment_.name + ": offset " + std::to_string(from.value()) +
                                                  " is outside " + std::to_string(view.log_start.value()) + ".." +
                                                  std::to_string(view.visible_end.value())};
    if (from == view.visible_end) return fetched;
    const TailBuffer& tail = partition_->tail();
    if (!tail.empty() && tail.first_offset() <= from) {
      TailBuffer::Slice slice = tail.slice(from, view.visible_end, max_bytes);
      fetched.pieces = std::move(slice.pieces);
      fetched.owners = std::move(slice.owners);
      fetched.bytes = slice.bytes;
      fetched.next_fetch_offset = slice.next_offset;
      if (older) fetched.run = older->of(fetched.next_fetch_offset);
      return fetched;
    }
  }
  auto bytes = std::make_shared<ByteBuffer>();
  bytes->reserve(std::min<std::size_t>(max_bytes, 1u << 20));
  LOGCASK_ASSIGN(fetched.next_fetch_offset, read_batches(view, from, max_bytes, *bytes));
  if (older) fetched.run = older->of(fetched.next_fetch_offset);
  fetched.bytes = bytes->size();
  if (!bytes->empty()) fetched.pieces.emplace_back(*bytes);
  fetched.owners.push_back(std::move(bytes));
  return fetched;
}

std::vector<EpochStart> LocalPartitionRunner::epochs() const {
  const Lock lock(mutex_);
  return partition_ ? partition_->epochs() : std::vector<EpochStart>();
}

std::shared_ptr<const RunHistory> LocalPartitionRunner::runs() const {
  const Lock lock(mutex_);
  return partition_ ? partition_->runs() : nullptr;
}

Status LocalPartitionRunner::check_position(RunId run, Offset position) const {
  const Lock lock(mutex_);
  if (!partition_) return {};
  const Status checked = partition_->runs()->check(run, position, partition_->marks().next_offset());
  return checked.ok() ? Status() : Status(Error{checked.error()}.in(environment_.name));
}

PartitionRunner::WaitId LocalPartitionRunner::wait_visible_above(Offset offset, std::function<void(Status)> ready) {
  Outbox out;
  WaitId id = 0;
  bool sync = false;
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) {
      out.push_back([ready = std::move(ready), error = *std::move(error)] { ready(error); });
    } else if (partition_->visible_end() > offset) {
      out.push_back([ready = std::move(ready)] { ready({}); });
    } else if (partition_->latched()) {
      out.push_back([ready = std::move(ready), error = *partition_->latched()] { ready(error); });
    } else {
      id = visible_waiters_.add(offset + 1, std::move(ready));
      if (somebody_waits_for_a_sync()) want_sync();
      sync = take_sync_request();
    }
  }
  run_outbox(out);
  if (sync) start_sync();
  return id;
}

void LocalPartitionRunner::cancel_wait(WaitId id) {
  const Lock lock(mutex_);
  visible_waiters_.cancel(id);
  watchers_.remove(id);
}

Result<std::optional<PartitionRunner::TimedOffset>> LocalPartitionRunner::offset_for_time(TimestampMs t) {
  LogView view;
  {
    const Lock lock(mutex_);
    if (auto error = unavailable()) return *std::move(error);
    view = partition_->view();
  }
  LOGCASK_ASSIGN(const auto found, find_time(view, t));
  if (!found) return std::optional<TimedOffset>();
  return std::optional<TimedOffset>(TimedOffset{found->offset, found->timestamp});
}

// ---- lookup

void LocalPartitionRunner::get(const LookupKeys& keys, bool keys_only, const LookupSink& sink) {
  if (keys.size() == 1) return get_chunk<1>(keys, 0, keys_only, sink);
  for (std::size_t start = 0; start < keys.size(); start += kLookupKeys)
    get_chunk<kLookupKeys>(keys.part(start, std::min(kLookupKeys, keys.size() - start)), start, keys_only, sink);
}

// At most `kMost` keys, of which the first is number `first` of the caller's.
template <std::size_t kMost>
void LocalPartitionRunner::get_chunk(const LookupKeys& keys, std::size_t first, bool keys_only,
                                     const LookupSink& sink) {
  KeyIdentity hashed[kMost];
  std::optional<KeydirEntry> entries[kMost];
  SegmentLookup::Place places[kMost];
  const std::size_t n = keys.size();
  if (keys.identities.empty())
    for (std::size_t i = 0; i < n; ++i) hashed[i] = environment_.partition.hasher->identity(keys.keys[i]);
  const std::span<const KeyIdentity> identities = keys.identities.empty() ? std::span(hashed, n) : keys.identities;
  std::optional<Error> error;
  std::vector<DamagedRange> damaged;
  LogView view;
  {
    const Lock lock(mutex_);
    error = lookup_error();
    if (!error) {
      probe_visible(identities, {entries, n});
      view = partition_->view();
      damaged = partition_->damaged();
    }
  }
  if (error) {
    LookupAnswer answer;
    answer.status = LookupAnswer::Status::failed;
    answer.error = *std::move(error);
    for (std::size_t i = 0; i < n; ++i) sink(first + i, answer);
    return;
  }
  ViewLookup log(view);
  for (std::size_t i = 0; i < n; ++i)
    if (entries[i] && entries[i]->offset >= view.log_start) places[i] = log.find(entries[i]->offset);
  SegmentLookup::find_blocks(environment_.partition.segments->records, {places, n});
  for (std::size_t i = 0; i < n; ++i) {
    LookupAnswer answer;
    const Offset best = entries[i] ? entries[i]->offset : kNoOffset;
    const auto hidden =
        std::find_if(damaged.begin(), damaged.end(), [&](const DamagedRange& d) { return best < d.to; });
    if (hidden != damaged.end()) {
      answer.status = LookupAnswer::Status::failed;
      answer.error = {Errc::corrupt_range,
                      environment_.name + ": the key's newest record may lie in a damaged range: " + hidden->reason +
                          "; 'logcask verify' shows it"};
      sink(first + i, answer);
    } else if (!entries[i] || entries[i]->offset < view.log_start) {
      sink(first + i, answer);
    } else {
      answer_lookup(keys.keys[i], identities[i], log, places[i], keys_only, first + i, sink);
    }
  }
}

std::optional<Error> LocalPartitionRunner::lookup_error() const {
  if (auto error = unavailable()) return error;
  if (!partition_->keys())
    return Error{Errc::unsupported,
                 environment_.name + ": lookups need a keydir; this topic's cleanup.policy is not compact"};
  if (!partition_->keys()->complete()) return Error{Errc::loading, environment_.name + ": the keydir is being loaded"};
  return std::nullopt;
}

// Damage is told to the operator as well as to the client that met it; once, where the start has found it already.
Error LocalPartitionRunner::noticed(Error error, const PartitionTroubles::Read& read) {
  const bool damage = error.code == Errc::corrupt_range || error.code == Errc::corrupt_file;
  if (!damage && error.code != Errc::io_error) return error;
  bool news = false;
  {
    const Lock lock(mutex_);
    const auto holds = [&](const DamagedRange& range) { return range.from <= read.from && read.from < range.to; };
    if (damage && partition_ && std::any_of(partition_->damaged().begin(), partition_->damaged().end(), holds))
      return error;
    news = troubles_.damage(error.message, read);
  }
  if (news && environment_.alarm)
    environment_.alarm(environment_.name + ": damage met while reading: " + error.message);
  return error;
}

// What was a disk that failed once is no problem any more; what is damage meets the same error.
void LocalPartitionRunner::read_damage_again(const std::vector<PartitionTroubles::Read>& reads) {
  for (const PartitionTroubles::Read& read : reads) {
    std::optional<LogView> view;
    {
      const Lock lock(mutex_);
      if (unavailable()) return;
      view = partition_->view();
    }
    ByteBuffer batches;
    // What lies below log start by now is nobody's.
    const bool readable = read.from < view->log_start || read.from >= view->visible_end ||
                          read_batches(*view, read.from, read.max_bytes, batches).ok();
    if (!readable) continue;
    std::vector<std::string> mended;
    {
      const Lock lock(mutex_);
      mended = troubles_.mended(read);
    }
    for (const std::string& where : mended)
      if (environment_.alarm) environment_.alarm(environment_.name + ": can be read again: " + where);
  }
}

// read_view(), with what it meets told.
Result<Offset> LocalPartitionRunner::read_batches(const LogView& view, Offset from, std::size_t max_bytes,
                                                  ByteBuffer& batches) {
  auto read = read_view(view, from, max_bytes, batches);
  if (!read.ok()) return noticed(std::move(read).error(), {from, max_bytes});
  return read;
}

// The newest visible record of each key: committed ones, and on topics with read.visibility=written those that wait for
// the disk as well.
void LocalPartitionRunner::probe_visible(std::span<const KeyIdentity> identities,
                                         std::span<std::optional<KeydirEntry>> entries) {
  KeyIndex& keys = *partition_->keys();
  if (partition_->config().read_visibility == ReadVisibility::committed) {
    keys.keydir().find_batch(identities, entries);
    return;
  }
  const Offset end = partition_->visible_end();
  for (std::size_t i = 0; i < identities.size(); ++i) entries[i] = keys.newest_below(identities[i], end);
}

Status LocalPartitionRunner::newest(std::span<const KeyIdentity> identities, std::span<KeyState> out) {
  for (std::size_t start = 0; start < identities.size(); start += kLookupKeys) {
    const std::size_t n = std::min(kLookupKeys, identities.size() - start);
    const Lock lock(mutex_);
    if (auto error = lookup_error()) return *std::move(error);
    LOGCASK_TRY(partition_->newest(identities.subspan(start, n), out.subspan(start, n)));
  }
  return {};
}

bool LocalPartitionRunner::is_repeat(const BatchHeader& header) const {
  const Lock lock(mutex_);
  return partition_ && partition_->is_repeat(header);
}

void LocalPartitionRunner::answer_lookup(ByteView key, const KeyIdentity& identity, ViewLookup& log,
                                         SegmentLookup::Place& place, bool keys_only, std::size_t index,
                                         const LookupSink& sink) {
  thread_local RecordScratch scratch;
  LookupAnswer answer;
  const Result<RecordView> record = log.read(place, scratch);
  if (!record.ok()) {
    answer.status = LookupAnswer::Status::failed;
    answer.error = noticed(record.error(), {place.offset, 1});
    sink(index, answer);
    return;
  }
  if (!record->key || *record->key != key) {
    // Another key under the same identity: this one may exist, hidden. Its records stay from now on.
    const Lock lock(mutex_);
    ++collisions_;
    if (partition_ && partition_->keys()) partition_->keys()->keydir().mark_collided(identity);
  } else {
    answer.status = record->tombstone() ? LookupAnswer::Status::deleted : LookupAnswer::Status::found;
    answer.offset = record->offset;
    answer.timestamp = record->timestamp;
    if (!record->tombstone() && !keys_only) answer.value = *record->value;
    if (!keys_only) {
      answer.header_count = record->header_count;
      answer.raw_headers = record->raw_headers;
    }
  }
  sink(index, answer);
}

Result<PartitionRunner::WatchStart> LocalPartitionRunner::watch(
    const LookupKeys& keys, std::function<void(Result<std::vector<KeyChange>>)> on_change) {
  LOGCASK_CHECK(keys.size() <= kWatchKeysMax);
  std::vector<KeyIdentity> identities(keys.identities.begin(), keys.identities.end());
  if (identities.empty())
    for (const ByteView key : keys.keys) identities.push_back(environment_.partition.hasher->identity(key));
  const Lock lock(mutex_);
  if (auto error = lookup_error()) return *std::move(error);
  WatchStart start;
  for (const KeyIdentity& identity : identities) {
    if (const DamagedRange* damage = partition_->hidden_by_damage(best_known(identity)))
      return Error{Errc::corrupt_range,
                   environment_.name + ": the key's newest record may lie in a damaged range: " + damage->reason};
    const auto entry = partition_->keys()->keydir().find(identity);
    const bool visible = entry && entry->offset >= partition_->log_start();
    start.current.push_back(visible ? WatchStart::Key{entry->offset, entry->deleted} : WatchStart::Key{});
  }
  start.id = watchers_.add(identities, std::move(on_change));
  return start;
}

Offset LocalPartitionRunner::best_known(const KeyIdentity& identity) const {
  const auto entry = partition_->keys()->keydir().find(identity);
  return entry ? entry->offset : kNoOffset;
}

// ---- replay

Result<Offset> LocalPartitionRunner::replay_bound() const {
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  return partition_->marks().committed_end();
}

// Segments behind the old mark count when their judgement of others has moved it there: by base, in one go.
Result<Offset> LocalPartitionRunner::replay_mark(Offset from, Offset mark) const {
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  for (const ClosedSegment& closed : std::as_const(*partition_).closed())
    if (closed.segment->base() < mark && closed.end_offset > from) mark = std::max(mark, closed.judged_through);
  return mark;
}

// A record counts as live when the keydir names nothing newer. That holds for what the step has read only while the
// keydir keeps the tombstones that were newer then: once compaction drops one, or the log is opened anew, the step
// would show the value it deleted. Both are rare; the step is taken again.
Result<FilteredBatches> LocalPartitionRunner::fetch_filtered(Offset from, Offset end, const ReplayFilter& filter,
                                                             std::size_t max_bytes) {
  if (!filter.live_only) return fetch_filtered_once(from, end, filter, max_bytes);
  while (true) {
    const std::shared_ptr<LogStructure> log = current_structure();
    LOGCASK_ASSIGN(FilteredBatches step, fetch_filtered_once(from, end, filter, max_bytes));
    const Lock lock(mutex_);
    if (log && structure_ == log && partition_->tombstone_horizon() == step.tombstone_horizon) return step;
  }
}

Result<FilteredBatches> LocalPartitionRunner::fetch_filtered_once(Offset from, Offset end, const ReplayFilter& wanted,
                                                                  std::size_t max_bytes) {
  LogView view;
  ReplayFilter filter = wanted;
  FilteredBatches step;
  {
    const Lock lock(mutex_);
    if (auto error = filter.live_only ? lookup_error() : unavailable()) return *std::move(error);
    if (filter.live_only && !partition_->damaged().empty())
      return Error{Errc::corrupt_range, environment_.name + ": live records cannot be told: " +
                                            partition_->damaged().front().reason + "; 'logcask verify' shows it"};
    view = partition_->view();
    view.visible_end = std::min(view.visible_end, end);
    step.tombstone_horizon = partition_->tombstone_horizon();
    from = std::max(from, view.log_start);
    if (filter.live_only) from = skip_dead_segments(from, view);
    // Of an identity that has collided every value passes, so its tombstones must.
    if (filter.live_only && partition_->keys()->keydir().collided_count() > 0)
      filter.needs_tombstone = [this](const KeyIdentity& identity) { return collided(identity); };
  }
  step.position = from;
  if (from >= view.visible_end) {
    step.position = std::max(from, view.visible_end);
    return step;
  }
  ByteBuffer batches;
  LOGCASK_ASSIGN(step.position, read_batches(view, from, max_bytes, batches));
  // A walk ends inside a batch when `end` does; the rest of that batch belongs to the tail.
  if (batches.empty() && step.position < view.visible_end) {
    LogView whole = view;
    LOGCASK_ASSIGN(whole.visible_end, visible_end_now());
    LOGCASK_ASSIGN(step.position, read_batches(whole, from, 1, batches));
    step.position = std::min(step.position, end);
  }
  const auto probe = [this](std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                            std::vector<bool>& live) { probe_live(identities, offsets, live); };
  LOGCASK_TRY(filter_batches(batches, from, end, filter, *environment_.partition.hasher, probe,
                             environment_.partition.segments->max_decompressed_bytes, step.batches));
  return step;
}

// Segments whose every value is superseded have nothing to say to a live replay.
Offset LocalPartitionRunner::skip_dead_segments(Offset from, const LogView& view) const {
  const auto& segments = view.list->segments;
  for (std::size_t i = view.list->find(from); i + 1 < segments.size(); ++i) {
    const SegmentStats* stats = std::as_const(*partition_).keys()->stats().find(segments[i]->base());
    if (!stats || stats->live_values > 0 || partition_->keys()->keydir().collided_count() > 0) break;
    from = std::max(from, std::min(segments[i + 1]->base(), view.visible_end));
  }
  return from;
}

Result<Offset> LocalPartitionRunner::visible_end_now() const {
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  return partition_->visible_end();
}

bool LocalPartitionRunner::collided(const KeyIdentity& identity) const {
  const Lock lock(mutex_);
  return partition_ && partition_->keys() && partition_->keys()->keydir().is_collided(identity);
}

void LocalPartitionRunner::probe_live(std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                                      std::vector<bool>& live) const {
  std::optional<KeydirEntry> entries[kLookupKeys];
  LOGCASK_CHECK(identities.size() <= kLookupKeys);
  live.assign(identities.size(), true);
  const Lock lock(mutex_);
  if (!partition_ || !partition_->keys()) return;
  const Keydir& keydir = partition_->keys()->keydir();
  keydir.find_batch(identities, {entries, identities.size()});
  for (std::size_t i = 0; i < identities.size(); ++i)
    live[i] = !entries[i] || entries[i]->offset <= offsets[i] || keydir.is_collided(identities[i]);
}

}  // namespace logcask
