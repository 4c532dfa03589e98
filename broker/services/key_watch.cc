#include "broker/services/key_watch.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"

namespace logcask {
namespace {

// Changes that wait for credit, of all partitions; beyond them only the newest version of each key is sent.
constexpr std::size_t kQueuedChangesMax = 4096;
// Events of one partition before the next has its turn.
constexpr std::size_t kEventsOfOneSource = 64;

bool watched_everywhere(const Topic& topic, PartitionId partition) {
  return partition.value() < 0 && topic.partitions.size() > 1 && topic.config.partitioner == Partitioner::any;
}

std::size_t event_bytes(const LookupResult& event) {
  return kLookupResultFixedBytes + event.value.size() + event.raw_headers.size();
}

// The one key's result, sent on when somebody wants it.
class OneResult final : public LookupCall {
 public:
  void result(const LookupResult& result) override { kept.keep(result); }
  void completed(Status) override {}
  KeptResult kept;
};

}  // namespace

KeyWatch::KeyWatch(const ServiceParts& parts, WatchQueues& queues, EventLoop& loop, TopicPtr topic,
                   std::span<const ByteView> keys, WatchOptions options, std::unique_ptr<WatchSink> sink)
    : parts_(parts),
      queues_(queues),
      loop_(loop),
      topic_(std::move(topic)),
      partition_(options.partition),
      keys_(keys.begin(), keys.end()),
      last_seen_(std::move(options.last_seen)),
      positions_(std::move(options.positions)),
      everywhere_(watched_everywhere(*topic_, partition_)),
      credit_(static_cast<std::int64_t>(options.credit_bytes)),
      sink_(std::move(sink)),
      told_(topic_->partitions.size()) {
  parts_.metrics.streams_open.add();
  distribute(partition_);
}

KeyWatch::~KeyWatch() {
  unregister();
  changes_left(queued_changes_);
  parts_.metrics.streams_open.sub();
}

std::size_t KeyWatch::registrations(const Topic& topic, PartitionId partition, std::size_t keys) {
  return watched_everywhere(topic, partition) ? keys * topic.partitions.size() : keys;
}

// ---- registration

// Which partition watches which keys. A key's place there is its number where all of them watch all keys.
void KeyWatch::distribute(PartitionId partition) {
  const int count = static_cast<int>(topic_->partitions.size());
  std::vector<std::int32_t> source_of(topic_->partitions.size(), -1);
  const auto source_for = [&](PartitionId id) -> Source& {
    std::int32_t& s = source_of[static_cast<std::size_t>(id.value())];
    if (s < 0) {
      s = static_cast<std::int32_t>(sources_.size());
      sources_.push_back({id, topic_->partitions[static_cast<std::size_t>(id.value())], {}, {}, {}, {}, false});
    }
    return sources_[static_cast<std::size_t>(s)];
  };
  const auto add = [this](Source& source, std::size_t k) {
    source.keys.push_back({kNoOffset, kNoOffset, static_cast<std::uint32_t>(k), false, false});
  };
  if (everywhere_) {
    for (int p = 0; p < count; ++p) {
      Source& source = source_for(PartitionId(p));
      source.keys.reserve(keys_.size());
      for (std::size_t k = 0; k < keys_.size(); ++k) add(source, k);
    }
    return;
  }
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    const PartitionId home =
        partition.value() >= 0 ? partition : partition_for_key(topic_->config.partitioner, keys_[k], count);
    add(source_for(home), k);
  }
}

Status KeyWatch::start() {
  LOGCASK_TRY(register_some());
  schedule();
  return {};
}

// Everywhere: chunk by chunk of the keys, each with every partition, so that a key is hashed once and its current value
// known to be the newest of all. Else partition by partition.
Status KeyWatch::register_some() {
  for (std::size_t done = 0; done < kRegistrationsPerTurn && !registered();) {
    const Source& source = sources_[next_source_];
    const std::size_t count = std::min(PartitionRunner::kWatchKeysMax, source.keys.size() - next_key_);
    if (!everywhere_ || next_source_ == 0) hash_chunk(source, next_key_, count);
    LOGCASK_TRY(register_chunk(next_source_, next_key_, count));
    done += count;
    if (!everywhere_) {
      next_key_ += count;
      if (next_key_ < source.keys.size()) continue;
      ++next_source_;
      next_key_ = 0;
      continue;
    }
    if (++next_source_ < sources_.size()) continue;
    for (Merged& merged : chunk_holders_) merged_.push_back(std::move(merged));
    next_key_ += count;
    if (next_key_ < source.keys.size()) next_source_ = 0;
  }
  if (registered()) {
    chunk_ = {};
    identities_ = {};
    chunk_holders_ = {};
  }
  return {};
}

void KeyWatch::hash_chunk(const Source& source, std::size_t first, std::size_t count) {
  chunk_.clear();
  identities_.clear();
  chunk_holders_.clear();
  for (std::size_t i = first; i < first + count; ++i) {
    const std::uint32_t key = source.keys[i].key_index;
    chunk_.push_back(keys_[key]);
    identities_.push_back(parts_.hasher.identity(keys_[key]));
    if (everywhere_) chunk_holders_.push_back({key, {}});
  }
}

Status KeyWatch::register_chunk(std::uint32_t s, std::size_t first, std::size_t count) {
  Source& source = sources_[s];
  auto started = source.runner->watch({chunk_, identities_}, [&loop = loop_, weak = weak_from_this(), s,
                                                              first](Result<std::vector<KeyChange>> changes) {
    loop.post([weak, s, first, changes = std::move(changes)] {
      if (const auto self = weak.lock()) self->changed(s, first, changes);
    });
  });
  if (!started.ok()) return std::move(started).error();
  source.ids.push_back(started->id);
  if (Told& told = told_[static_cast<std::size_t>(source.partition.value())]; !told.runs)
    told.runs = source.runner->runs();
  for (std::size_t i = 0; i < count; ++i) note_current(s, first + i, started->current[i]);
  return {};
}

// What a key's watcher does not know yet is its newest version, unless it has seen exactly that.
void KeyWatch::note_current(std::uint32_t s, std::size_t i, const PartitionRunner::WatchStart::Key& current) {
  WatchedKey& watched = sources_[s].keys[i];
  if (everywhere_) {
    watched.last_sent = current.offset;
    if (current.offset != kNoOffset || mutant(Mutant::merged_watch_asks_every_partition))
      chunk_holders_[i - next_key_].holders.push_back(s);
    return;
  }
  const Offset seen = last_seen(watched.key_index);
  if (seen != kNoOffset && seen == current.offset)
    watched.last_sent = current.offset;
  else
    make_stale(s, i);
}

// ---- changes

void KeyWatch::changed(std::uint32_t s, std::size_t first, const Result<std::vector<KeyChange>>& changes) {
  if (!sink_) return;
  if (!changes.ok()) return end(changes.error());
  Source& source = sources_[s];
  for (KeyChange change : *changes) {
    change.watch_index += first;
    if (change.watch_index >= source.keys.size()) continue;
    WatchedKey& watched = source.keys[change.watch_index];
    watched.last_heard = std::max(watched.last_heard, change.offset);
    watched.expired = change.expired;
    if (watched.stale) continue;  // its newest version is on its way
    source.changes.push_back(change);
    changes_queued(1);
  }
  if (too_many_queued()) fall_behind(source);
  make_ready(s);
  send_some();
}

void KeyWatch::changes_queued(std::size_t count) {
  queued_changes_ += count;
  queues_.queued.fetch_add(count, std::memory_order_relaxed);
}

void KeyWatch::changes_left(std::size_t count) {
  queued_changes_ -= count;
  queues_.queued.fetch_sub(count, std::memory_order_relaxed);
}

// Where all watches together keep too many, those give way that could not send them now: a watcher that takes its
// events has every version, whatever others do.
bool KeyWatch::too_many_queued() const {
  if (queued_changes_ > kQueuedChangesMax) return true;
  const bool waits = credit_ <= 0 || !registered();
  return waits && !mutant(Mutant::stuck_watches_pile_up) &&
         queues_.queued.load(std::memory_order_relaxed) > queues_.most;
}

void KeyWatch::fall_behind(Source& source) {
  const auto s = static_cast<std::uint32_t>(&source - sources_.data());
  for (const KeyChange& change : source.changes) make_stale(s, change.watch_index);
  changes_left(source.changes.size());
  source.changes.clear();
}

void KeyWatch::make_stale(std::uint32_t s, std::size_t i) {
  Source& source = sources_[s];
  if (std::exchange(source.keys[i].stale, true)) return;
  source.stale.push_back(static_cast<std::uint32_t>(i));
  make_ready(s);
}

void KeyWatch::make_ready(std::uint32_t s) {
  Source& source = sources_[s];
  if (source.queued || (source.stale.empty() && source.changes.empty())) return;
  source.queued = true;
  ready_.push_back(s);
}

// ---- turns

void KeyWatch::add_credit(std::uint64_t bytes) {
  credit_ += static_cast<std::int64_t>(bytes);
  schedule();
}

void KeyWatch::schedule() {
  if (!sink_ || std::exchange(scheduled_, true)) return;
  loop_.post_large([self = shared_from_this()] {
    self->scheduled_ = false;
    self->turn();
  });
}

void KeyWatch::turn() {
  if (!sink_) return;
  if (registered()) return send_some();
  if (auto done = register_some(); !done.ok()) return end(std::move(done).error());
  schedule();
}

// While keys are still being registered, the turns are for that.
void KeyWatch::send_some() {
  if (!registered()) return;
  const auto self = shared_from_this();
  std::size_t events = 0;
  while (sink_ && credit_ > 0 && events < kEventsPerTurn && !(merged_.empty() && ready_.empty())) {
    if (!merged_.empty()) {
      const Merged merged = std::move(merged_.front());
      merged_.pop_front();
      events += 1 + merged.holders.size();
      send_merged(merged, events);
    } else {
      const std::uint32_t s = ready_.front();
      ready_.pop_front();
      sources_[s].queued = false;
      pump_source(s, events);
      make_ready(s);
    }
  }
  if (!sink_) return;
  if (events > 0) sink_->flush();
  if (credit_ > 0 && !(merged_.empty() && ready_.empty())) schedule();
}

void KeyWatch::pump_source(std::uint32_t s, std::size_t& events) {
  Source& source = sources_[s];
  const std::size_t most = events + kEventsOfOneSource;
  PointReader reader(*source.runner);
  while (sink_ && credit_ > 0 && events < most && !source.stale.empty()) {
    const std::size_t i = source.stale.front();
    source.stale.pop_front();
    source.keys[i].stale = false;
    send_newest(source, i);
    ++events;
  }
  while (sink_ && credit_ > 0 && events < most && source.stale.empty() && !source.changes.empty()) {
    const KeyChange change = source.changes.front();
    source.changes.pop_front();
    changes_left(1);
    send_change(source, reader, change);
    ++events;
  }
}

// ---- events

// False when the watch has ended.
bool KeyWatch::look(PartitionRunner& runner, const LookupKeys& key, BestAnswers& best, PartitionId partition) {
  std::optional<Error> loading;
  runner.get(key, false, [&](std::size_t, const LookupAnswer& answer) {
    if (answer.status == LookupAnswer::Status::failed && answer.error.code == Errc::loading) loading = answer.error;
    best.take(0, partition, answer);
  });
  if (loading) end(*std::move(loading));
  return !loading;
}

// The current value of a key that may be in any partition.
bool KeyWatch::send_merged(const Merged& merged, std::size_t& events) {
  const ByteView view = keys_[merged.key_index];
  const KeyIdentity identity = parts_.hasher.identity(view);
  BestAnswers best;
  best.start(merged.key_index, 1);
  for (const std::uint32_t s : merged.holders)
    if (!look(*sources_[s].runner, {std::span(&view, 1), std::span(&identity, 1)}, best, sources_[s].partition))
      return false;
  OneResult one;
  best.send(one);
  LookupResult event = one.kept.view();
  const Offset seen = last_seen(merged.key_index);
  if (event.status == LookupStatus::absent && seen != kNoOffset) {
    // Which partition it was in nobody has said, so the event names none: another's positions must not follow it.
    if (!mutant(Mutant::gone_key_in_partition_0)) event.partition = PartitionId(-1);
    event.status = LookupStatus::expired;
    for (const Source& source : sources_) {
      ++events;
      if (seen < source.runner->marks().log_start_offset) continue;
      event.status = LookupStatus::deleted;
      break;
    }
    event.offset = seen;
    return emit(event);
  }
  for (const std::uint32_t s : merged.holders) {
    WatchedKey& watched = sources_[s].keys[merged.key_index];
    if (sources_[s].partition == event.partition) watched.last_sent = std::max(watched.last_sent, event.offset);
  }
  if (has_seen(event)) return false;
  return emit(event);
}

// What was seen last of a key says its offset only. Where that was in another partition it says nothing of this one: no
// more of a partition has been seen than the positions tell, when they tell of any.
bool KeyWatch::has_seen(const LookupResult& event) const {
  const Offset seen = last_seen(event.key_index);
  if (seen == kNoOffset || seen != event.offset) return false;
  if (positions_.empty() || mutant(Mutant::offsets_of_two_partitions)) return true;
  return std::any_of(positions_.begin(), positions_.end(), [&](const SeenPosition& position) {
    return position.partition == event.partition && event.offset < position.offset;
  });
}

bool KeyWatch::send_newest(Source& source, std::size_t i) {
  WatchedKey& watched = source.keys[i];
  const ByteView view = keys_[watched.key_index];
  BestAnswers best;
  best.start(watched.key_index, 1);
  if (!look(*source.runner, std::span(&view, 1), best, source.partition)) return false;
  OneResult one;
  best.send(one);
  LookupResult event = one.kept.view();
  const Offset known = std::max({watched.last_sent, watched.last_heard, last_seen(watched.key_index)});
  if (event.status == LookupStatus::absent && known != kNoOffset) {
    // It was there, and nothing of it is left: retention took it, or its tombstone has been cleaned away too.
    const bool expired = watched.expired || known < source.runner->marks().log_start_offset;
    event.status = expired ? LookupStatus::expired : LookupStatus::deleted;
    event.offset = known;
    if (mutant(Mutant::foreign_offset_of_a_delete)) {
      event.status = LookupStatus::deleted;
      event.offset = source.runner->marks().committed_end - 1;
    }
  } else if (event.offset != kNoOffset && event.offset <= watched.last_sent) {
    return false;
  }
  if (event.status != LookupStatus::failed) watched.last_sent = std::max(watched.last_sent, event.offset);
  return emit(event);
}

bool KeyWatch::send_change(Source& source, PointReader& reader, const KeyChange& change) {
  WatchedKey& watched = source.keys[change.watch_index];
  LookupResult event;
  event.key_index = watched.key_index;
  event.partition = source.partition;
  event.offset = change.offset;
  event.timestamp = TimestampMs(-1);
  if (watched.stale) return false;
  if (change.expired) {
    // Retention and commits tell their news side by side: a newer version may have been sent already.
    if (change.offset < watched.last_sent) return false;
    event.status = LookupStatus::expired;
    watched.last_sent = change.offset;
    return emit(event);
  }
  if (change.offset <= watched.last_sent) return false;
  const auto record = reader.read(change.offset);
  if (record) {
    event.timestamp = record->timestamp;
    event.status = record->tombstone() ? LookupStatus::deleted : LookupStatus::found;
    event.value = record->value.value_or(ByteView());
    event.header_count = static_cast<std::uint32_t>(record->header_count);
    event.raw_headers = record->raw_headers;
  } else if (change.deleted) {
    event.status = LookupStatus::deleted;
  } else {
    // Compaction was quicker: there is a newer version, send that.
    return send_newest(source, change.watch_index);
  }
  watched.last_sent = change.offset;
  return emit(event);
}

void KeyWatch::tell_run(const LookupResult& event) {
  const auto partition = static_cast<std::size_t>(event.partition.value());
  if (event.partition.value() < 0 || partition >= told_.size()) return;
  Told& told = told_[partition];
  if (!told.runs || event.offset < told.seen_to) return;
  told.seen_to = event.offset + 1;
  const RunId run = told.runs->of(told.seen_to);
  if (run != told.run) sink_->run(event.partition, told.run = run);
}

bool KeyWatch::emit(const LookupResult& event) {
  tell_run(event);
  credit_ -= static_cast<std::int64_t>(event_bytes(event));
  sink_->event(event);
  return true;
}

// ---- the end

// Many registrations are taken back elsewhere: each costs a hold of its partition's lock.
void KeyWatch::unregister() {
  std::vector<std::pair<std::shared_ptr<PartitionRunner>, PartitionRunner::WaitId>> all;
  for (Source& source : sources_)
    for (const auto id : std::exchange(source.ids, {})) all.emplace_back(source.runner, id);
  const auto cancel = [](const auto& registrations) {
    for (const auto& [runner, id] : registrations) runner->cancel_wait(id);
  };
  if (all.size() * PartitionRunner::kWatchKeysMax <= kRegistrationsPerTurn) return cancel(all);
  parts_.background.post([all = std::move(all), cancel] { cancel(all); });
}

void KeyWatch::end(Error reason) {
  if (!sink_) return;
  const auto sink = std::exchange(sink_, nullptr);
  unregister();
  sink->flush();
  sink->ended(std::move(reason));
}

}  // namespace logcask
