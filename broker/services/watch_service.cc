#include "broker/services/watch_service.h"

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "broker/services/lookup_service.h"
#include "broker/services/point_reader.h"

namespace logcask {
namespace {

constexpr std::size_t kQueuedChangesMax = 4096;

std::size_t event_bytes(const LookupResult& event) {
  return kLookupResultFixedBytes + event.value.size() + event.raw_headers.size();
}

// One looked-up key, kept.
class OneResult final : public LookupCall {
 public:
  void result(const LookupResult& result) override {
    kept = result;
    value.assign(result.value);
    headers.assign(result.raw_headers);
    kept.value = value;
    kept.raw_headers = headers;
  }
  void completed(Status) override {}

  LookupResult kept;
  std::string value, headers;
};

}  // namespace

class WatchService::Watch final : public OpenCall, public std::enable_shared_from_this<Watch> {
 public:
  Watch(const ServiceParts& parts, EventLoop& loop, TopicPtr topic, std::span<const ByteView> keys,
        WatchOptions options, std::unique_ptr<WatchSink> sink)
      : parts_(parts),
        loop_(loop),
        topic_(std::move(topic)),
        keys_(keys.begin(), keys.end()),
        last_seen_(std::move(options.last_seen)),
        credit_(static_cast<std::int64_t>(options.credit_bytes)),
        sink_(std::move(sink)) {
    parts_.metrics.streams_open.add();
  }
  ~Watch() override {
    unregister();
    parts_.metrics.streams_open.sub();
  }

  Status start(PartitionId partition) {
    distribute(partition);
    for (std::size_t s = 0; s < sources_.size(); ++s) LOGCASK_TRY(register_source(s));
    if (sources_.size() == 1 || topic_->config.partitioner != Partitioner::any || partition.value() >= 0) {
      for (std::size_t s = 0; s < sources_.size(); ++s) queue_current(s);
    } else {
      for (std::size_t k = 0; k < keys_.size(); ++k) everywhere_.push_back(k);
    }
    schedule();
    return {};
  }

  void add_credit(std::uint64_t bytes) override {
    credit_ += static_cast<std::int64_t>(bytes);
    schedule();
  }
  void cancel(const Error& reason) override { end(reason); }

 private:
  // A key as one partition sees it.
  struct WatchedKey {
    std::size_t key_index = 0;
    Offset last_sent = kNoOffset;
    bool stale = false;  // in the source's stale list: the newest version is to be sent
  };
  struct Source {
    PartitionId partition;
    std::shared_ptr<PartitionRunner> runner;
    std::vector<WatchedKey> keys;
    PartitionRunner::WaitId id = 0;
    Offset registered_at;  // committed end at registration
    std::vector<PartitionRunner::WatchStart::Key> current;
    std::deque<KeyChange> changes;
    std::deque<std::size_t> stale;
    std::shared_ptr<const RunHistory> runs;
    Offset seen_to;           // one past the highest offset sent
    RunId told_run = kNoRun;  // the run of that, as the watcher was told
  };

  void distribute(PartitionId partition) {
    const std::size_t count = topic_->partitions.size();
    std::vector<Source> all(count);
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      for (std::size_t p = 0; p < count; ++p) {
        const PartitionId id(static_cast<std::int32_t>(p));
        const bool here = partition.value() >= 0 ? id == partition
                          : topic_->config.partitioner == Partitioner::any
                              ? true
                              : partition_for_key(topic_->config.partitioner, keys_[k], static_cast<int>(count)) == id;
        if (here) all[p].keys.push_back({k, kNoOffset, false});
      }
    }
    for (std::size_t p = 0; p < count; ++p) {
      if (all[p].keys.empty()) continue;
      all[p].partition = PartitionId(static_cast<std::int32_t>(p));
      all[p].runner = topic_->partitions[p];
      sources_.push_back(std::move(all[p]));
    }
  }

  Status register_source(std::size_t s) {
    Source& source = sources_[s];
    std::vector<ByteView> keys;
    for (const WatchedKey& key : source.keys) keys.push_back(keys_[key.key_index]);
    auto started =
        source.runner->watch(keys, [&loop = loop_, weak = weak_from_this(), s](Result<std::vector<KeyChange>> changes) {
          loop.post([weak, s, changes = std::move(changes)] {
            if (const auto self = weak.lock()) self->changed(s, changes);
          });
        });
    if (!started.ok()) return std::move(started).error();
    source.id = started->id;
    source.runs = source.runner->runs();
    source.registered_at = started->committed_end;
    source.current = std::move(started->current);
    for (std::size_t i = 0; i < source.keys.size(); ++i) source.keys[i].last_sent = source.current[i].offset;
    return {};
  }

  // What a key's watcher does not know yet is its newest version, unless it has seen exactly that.
  void queue_current(std::size_t s) {
    Source& source = sources_[s];
    for (std::size_t i = 0; i < source.keys.size(); ++i) {
      const Offset seen = last_seen_.empty() ? kNoOffset : last_seen_[source.keys[i].key_index];
      if (seen != kNoOffset && seen == source.current[i].offset) continue;
      source.keys[i].last_sent = kNoOffset;
      make_stale(source, i);
    }
  }

  static void make_stale(Source& source, std::size_t i) {
    if (std::exchange(source.keys[i].stale, true)) return;
    source.stale.push_back(i);
  }

  void changed(std::size_t s, const Result<std::vector<KeyChange>>& changes) {
    if (!sink_) return;
    if (!changes.ok()) return end(changes.error());
    Source& source = sources_[s];
    for (const KeyChange& change : *changes)
      if (change.watch_index < source.keys.size()) source.changes.push_back(change);
    if (source.changes.size() > kQueuedChangesMax) fall_behind(source);
    pump();
  }

  static void fall_behind(Source& source) {
    for (const KeyChange& change : source.changes) make_stale(source, change.watch_index);
    source.changes.clear();
  }

  void schedule() {
    if (!sink_ || std::exchange(scheduled_, true)) return;
    loop_.post_large([self = shared_from_this()] {
      self->scheduled_ = false;
      self->pump();
    });
  }

  void pump() {
    const auto self = shared_from_this();
    bool sent = false;
    while (sink_ && credit_ > 0 && !everywhere_.empty()) {
      const std::size_t key = everywhere_.front();
      everywhere_.pop_front();
      sent = send_merged(key) || sent;
    }
    for (std::size_t s = 0; s < sources_.size() && sink_; ++s) sent = pump_source(sources_[s]) || sent;
    if (sent && sink_) sink_->flush();
  }

  bool pump_source(Source& source) {
    bool sent = false;
    PointReader reader(*source.runner);
    while (sink_ && credit_ > 0 && !source.stale.empty()) {
      const std::size_t i = source.stale.front();
      source.stale.pop_front();
      source.keys[i].stale = false;
      sent = send_newest(source, i) || sent;
    }
    while (sink_ && credit_ > 0 && !source.changes.empty()) {
      const KeyChange change = source.changes.front();
      source.changes.pop_front();
      sent = send_change(source, reader, change) || sent;
    }
    return sent;
  }

  // The current value of a key that may be in any partition.
  bool send_merged(std::size_t key) {
    OneResult one;
    const ByteView view = keys_[key];
    if (auto looked = look_up(*topic_, PartitionId(-1), std::span(&view, 1), false, one); !looked.ok()) {
      end(std::move(looked).error());
      return false;
    }
    one.kept.key_index = static_cast<std::uint32_t>(key);
    for (Source& source : sources_)
      for (WatchedKey& watched : source.keys)
        if (watched.key_index == key && source.partition == one.kept.partition)
          watched.last_sent = std::max(watched.last_sent, one.kept.offset);
    if (!last_seen_.empty() && last_seen_[key] != kNoOffset && last_seen_[key] == one.kept.offset) return false;
    return emit(one.kept);
  }

  bool send_newest(Source& source, std::size_t i) {
    WatchedKey& watched = source.keys[i];
    OneResult one;
    const ByteView view = keys_[watched.key_index];
    if (auto looked = look_up(*topic_, source.partition, std::span(&view, 1), false, one); !looked.ok()) {
      end(std::move(looked).error());
      return false;
    }
    LookupResult& event = one.kept;
    event.key_index = static_cast<std::uint32_t>(watched.key_index);
    const bool known = !last_seen_.empty() && last_seen_[watched.key_index] != kNoOffset;
    if (event.status == LookupStatus::absent && (known || watched.last_sent != kNoOffset)) {
      // It was seen, and nothing of it is left: its tombstone has been cleaned away too.
      event.status = LookupStatus::deleted;
      event.offset = source.registered_at - 1;
    } else if (event.offset != kNoOffset && event.offset <= watched.last_sent) {
      return false;
    }
    if (event.status != LookupStatus::failed) watched.last_sent = std::max(watched.last_sent, event.offset);
    return emit(event);
  }

  bool send_change(Source& source, PointReader& reader, const KeyChange& change) {
    WatchedKey& watched = source.keys[change.watch_index];
    LookupResult event;
    event.key_index = static_cast<std::uint32_t>(watched.key_index);
    event.partition = source.partition;
    event.offset = change.offset;
    event.timestamp = TimestampMs(-1);
    if (change.expired) {
      // Retention and commits tell their news side by side: a newer version may have been sent already.
      if (change.offset < watched.last_sent) return false;
      event.status = LookupStatus::expired;
      return emit(event);
    }
    if (change.offset <= watched.last_sent || watched.stale) return false;
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

  // So that whoever comes back can tell whether it is to the same log.
  void tell_run(const LookupResult& event) {
    for (Source& source : sources_) {
      if (source.partition != event.partition || event.offset < source.seen_to || !source.runs) continue;
      source.seen_to = event.offset + 1;
      const RunId run = source.runs->of(source.seen_to);
      if (run != source.told_run) sink_->run(source.partition, source.told_run = run);
    }
  }

  bool emit(const LookupResult& event) {
    tell_run(event);
    credit_ -= static_cast<std::int64_t>(event_bytes(event));
    sink_->event(event);
    return true;
  }

  void unregister() {
    for (Source& source : sources_)
      if (source.id) source.runner->cancel_wait(std::exchange(source.id, 0));
  }

  void end(Error reason) {
    if (!sink_) return;
    const auto sink = std::exchange(sink_, nullptr);
    unregister();
    sink->flush();
    sink->ended(std::move(reason));
  }

  const ServiceParts& parts_;
  EventLoop& loop_;
  const TopicPtr topic_;
  const std::vector<std::string> keys_;
  const std::vector<Offset> last_seen_;
  std::int64_t credit_;              // may go below zero by one event
  std::unique_ptr<WatchSink> sink_;  // null once ended
  std::vector<Source> sources_;
  std::deque<std::size_t> everywhere_;  // keys whose current value is the newest of all partitions
  bool scheduled_ = false;
};

Result<std::shared_ptr<OpenCall>> WatchService::watch(const CallContext& context, std::string_view topic_name,
                                                      std::span<const ByteView> keys, WatchOptions options,
                                                      std::unique_ptr<WatchSink> sink) {
  const auto refuse = [this](Error error) -> Error {
    parts_.metrics.service(ServiceName::watch).requests.add();
    parts_.metrics.service(ServiceName::watch).errors.add();
    return error;
  };
  const TopicPtr topic = context.topics.find(topic_name);
  if (!topic) return refuse(unknown_topic(topic_name));
  if (auto allowed = parts_.authorizer.authorize(context.principal, Operation::read, {ResourceKind::topic, topic_name});
      !allowed.ok())
    return refuse(std::move(allowed).error());
  if (!topic->config.partition.compacted)
    return refuse(Error{Errc::unsupported,
                        "Watch needs cleanup.policy compact; topic '" + topic->record.name + "' has no keydir"});
  if (keys.empty()) return refuse(prefix_lookup_unsupported());
  if (options.partition.value() != -1 && !topic->partition(options.partition))
    return refuse(unknown_partition(*topic, options.partition.value()));
  if (!options.last_seen.empty() && options.last_seen.size() != keys.size())
    return refuse(Error{Errc::invalid_argument, "last seen offsets: one per key, or none"});
  for (const SeenPosition& seen : options.positions) {
    PartitionRunner* runner = topic->partition(seen.partition);
    if (!runner) return refuse(unknown_partition(*topic, seen.partition.value()));
    if (auto same = runner->check_position(seen.run, seen.offset); !same.ok()) return refuse(std::move(same).error());
  }
  const PartitionId partition = options.partition;
  auto watch = std::make_shared<Watch>(parts_, context.loop, topic, keys, std::move(options), std::move(sink));
  if (auto started = watch->start(partition); !started.ok()) return refuse(std::move(started).error());
  parts_.metrics.service(ServiceName::watch).requests.add();
  return std::shared_ptr<OpenCall>(std::move(watch));
}

}  // namespace logcask
