#include "broker/services/lookup_service.h"

#include <deque>
#include <optional>
#include <string>

#include "broker/services/authorized_topic.h"
#include "broker/services/lookup.h"
#include "broker/services/visible_wait.h"

namespace logcask {
namespace {

Status check_partition(const Topic& topic, PartitionId partition) {
  if (partition.value() == -1 || topic.partition(partition)) return {};
  return unknown_partition(topic, partition);
}

// Offsets that nobody was given yet may never come.
Status check_min_offsets(const Topic& topic, const LookupOptions& options) {
  for (const auto& [partition, offset] : options.min_offsets) {
    PartitionRunner* runner = topic.partition(partition);
    if (!runner) return unknown_partition(topic, partition);
    const Offset next = runner->marks().next_offset;
    if (offset >= next)
      return Error{Errc::offset_not_yet, "partition " + std::to_string(partition.value()) + " of '" +
                                             topic.record.name + "' has given out offsets below " +
                                             std::to_string(next.value()) + ", not yet " +
                                             std::to_string(offset.value())};
  }
  return {};
}

}  // namespace

// A lookup that waits for its min_offsets or takes several slices. Owned by the listener's table of open calls.
class LookupService::Open final : public OpenCall, public std::enable_shared_from_this<Open> {
 public:
  Open(LookupService& service, EventLoop& loop, TopicPtr topic, std::span<const ByteView> keys, LookupOptions options,
       std::unique_ptr<LookupCall> call, std::int64_t started_ns)
      : service_(service),
        loop_(loop),
        topic_(std::move(topic)),
        key_bytes_(keys.begin(), keys.end()),
        keys_(key_bytes_.begin(), key_bytes_.end()),
        options_(std::move(options)),
        waits_(options_.min_offsets.size()),
        open_(options_.min_offsets.size()),
        call_(std::move(call)),
        started_ns_(started_ns) {}
  ~Open() override {
    if (timer_) loop_.cancel(timer_);
  }

  // What such a call keeps for its keys.
  static std::size_t memory_bytes(std::span<const ByteView> keys) {
    std::size_t bytes = keys.size() * (sizeof(std::string) + sizeof(ByteView));
    for (const ByteView key : keys) bytes += key.size();
    return bytes;
  }

  void start(std::int64_t timeout_ms) {
    if (waits_.empty()) return step_later();
    timer_ = loop_.call_after(timeout_ms, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->timer_ = 0;
      self->finish(Error{Errc::timed_out, "the records asked for by min_offset did not become visible in time"});
    });
    for (std::size_t i = 0; i < waits_.size(); ++i) {
      const auto& [partition, offset] = options_.min_offsets[i];
      waits_[i].start(loop_, topic_->partitions[static_cast<std::size_t>(partition.value())], offset,
                      [this](Status status) { arrived(std::move(status)); });
    }
  }

  void cancel(const Error& reason) override { finish(reason); }

 private:
  void arrived(Status status) {
    if (!call_) return;
    if (!status.ok()) return finish(std::move(status));
    if (--open_ > 0) return;
    if (timer_) loop_.cancel(std::exchange(timer_, 0));
    step();
  }

  void step_later() {
    loop_.post_large([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->step();
    });
  }

  void step() {
    if (!call_) return;
    if (!lookup_) lookup_.emplace(topic_, options_.partition, keys_, options_.keys_only, service_.parts_.hasher);
    if (!lookup_->step(*call_)) return step_later();
    finish(lookup_->status());
  }

  void finish(Status status) {
    if (!call_) return;
    const auto call = std::exchange(call_, nullptr);
    for (VisibleWait& wait : waits_) wait.stop();
    if (timer_) loop_.cancel(std::exchange(timer_, 0));
    service_.finish(*call, std::move(status), started_ns_, keys_.size());
  }

  LookupService& service_;
  EventLoop& loop_;
  const TopicPtr topic_;
  const std::vector<std::string> key_bytes_;
  const std::vector<ByteView> keys_;
  const LookupOptions options_;
  std::deque<VisibleWait> waits_;
  std::size_t open_;
  std::optional<Lookup> lookup_;
  std::unique_ptr<LookupCall> call_;  // null once answered
  const std::int64_t started_ns_;
  EventLoop::TimerId timer_ = 0;
};

LookupService::LookupService(const ServiceParts& parts, std::int64_t default_timeout_ms)
    : parts_(parts), default_timeout_ms_(default_timeout_ms) {}

void LookupService::finish(LookupCall& call, Status status, std::int64_t started_ns, std::size_t keys) {
  parts_.metrics.keys_looked_up.add(keys);
  if (status.ok()) parts_.metrics.keys_found.add(call.found());
  parts_.metrics.service(ServiceName::lookup).finished(started_ns, parts_.clock.monotonic_ns(), status.ok());
  call.completed(std::move(status));
}

Result<TopicPtr> LookupService::check(const CallContext& context, std::string_view topic_name, std::size_t keys,
                                      const LookupOptions& options) const {
  LOGCASK_ASSIGN(TopicPtr topic, authorized_topic(parts_, context, Operation::read, topic_name));
  LOGCASK_TRY(check_compacted(*topic, "lookups need"));
  LOGCASK_TRY(check_same_topic(*topic, options.topic_id));
  LOGCASK_TRY(check_partition(*topic, options.partition));
  LOGCASK_TRY(check_min_offsets(*topic, options));
  if (Lookup::questions(*topic, options.partition, keys) > kQuestionsMax)
    return Error{Errc::invalid_argument, std::to_string(keys) + " keys in each of " +
                                             std::to_string(topic->partitions.size()) + " partitions are more than " +
                                             std::to_string(kQuestionsMax) + " lookups; ask for at most " +
                                             std::to_string(kQuestionsMax / topic->partitions.size()) +
                                             " keys at a time, name the partition, or give the topic a partitioner"};
  return topic;
}

std::shared_ptr<OpenCall> LookupService::get(const CallContext& context, std::string_view topic_name,
                                             std::span<const ByteView> keys, LookupOptions options,
                                             std::unique_ptr<LookupCall> call) {
  const std::int64_t started_ns = parts_.clock.monotonic_ns();
  const auto answer = [&](Status status) {
    finish(*call, std::move(status), started_ns, keys.size());
    return nullptr;
  };
  auto topic = check(context, topic_name, keys.size(), options);
  if (!topic.ok()) return answer(std::move(topic).error());
  const bool at_once = Lookup::questions(**topic, options.partition, keys.size()) <= Lookup::kSliceQuestions;
  if (at_once && options.min_offsets.empty())
    return answer(look_up(*std::move(topic), options.partition, keys, options.keys_only, parts_.hasher, *call));
  if (!context.hold_memory(Open::memory_bytes(keys)))
    return answer(Error{Errc::limit_exceeded,
                        "open streams and waiting requests take all the memory that requests.inflight.max.bytes "
                        "leaves them; ask for fewer keys at a time, or try again later"});
  const std::int64_t timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : default_timeout_ms_;
  auto open = std::make_shared<Open>(*this, context.loop, *std::move(topic), keys, std::move(options), std::move(call),
                                     started_ns);
  open->start(timeout_ms);
  return open;
}

}  // namespace logcask
