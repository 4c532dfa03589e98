#include "broker/services/lookup_service.h"

#include <deque>
#include <string>

#include "broker/services/visible_wait.h"

namespace logcask {
namespace {

Status check_partition(const Topic& topic, PartitionId partition) {
  if (partition.value() == -1 || topic.partition(partition)) return {};
  return unknown_partition(topic, partition.value());
}

// Offsets that nobody was given yet may never come.
Status check_min_offsets(const Topic& topic, const LookupOptions& options) {
  for (const auto& [partition, offset] : options.min_offsets) {
    PartitionRunner* runner = topic.partition(partition);
    if (!runner) return unknown_partition(topic, partition.value());
    const Offset next = runner->snapshot().next_offset;
    if (offset >= next)
      return Error{Errc::offset_not_yet, "partition " + std::to_string(partition.value()) + " of '" +
                                             topic.record.name + "' has given out offsets below " +
                                             std::to_string(next.value()) + ", not yet " +
                                             std::to_string(offset.value())};
  }
  return {};
}

}  // namespace

// A lookup that waits for its min_offsets. Owned by the listener's table of open calls.
class LookupService::Waiting final : public OpenCall, public std::enable_shared_from_this<Waiting> {
 public:
  Waiting(LookupService& service, EventLoop& loop, TopicPtr topic, std::span<const ByteView> keys,
          LookupOptions options, std::unique_ptr<LookupCall> call, std::int64_t started_ns)
      : service_(service),
        loop_(loop),
        topic_(std::move(topic)),
        keys_(keys.begin(), keys.end()),
        options_(std::move(options)),
        waits_(options_.min_offsets.size()),
        open_(options_.min_offsets.size()),
        call_(std::move(call)),
        started_ns_(started_ns) {}
  ~Waiting() override {
    if (timer_) loop_.cancel(timer_);
  }

  void start(std::int64_t timeout_ms) {
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
    const std::vector<ByteView> keys(keys_.begin(), keys_.end());
    finish(look_up(*topic_, options_.partition, keys, options_.keys_only, *call_));
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
  const std::vector<std::string> keys_;
  const LookupOptions options_;
  std::deque<VisibleWait> waits_;
  std::size_t open_;
  std::unique_ptr<LookupCall> call_;  // null once answered
  const std::int64_t started_ns_;
  EventLoop::TimerId timer_ = 0;
};

LookupService::LookupService(const ServiceParts& parts, std::int64_t default_timeout_ms)
    : parts_(parts), default_timeout_ms_(default_timeout_ms) {}

void LookupService::finish(LookupCall& call, Status status, std::int64_t started_ns, std::size_t keys) {
  parts_.metrics.keys_looked_up.add(keys);
  parts_.metrics.service(ServiceName::lookup).finished(started_ns, parts_.clock.monotonic_ns(), status.ok());
  call.completed(std::move(status));
}

std::shared_ptr<OpenCall> LookupService::get(const CallContext& context, std::string_view topic_name,
                                             std::span<const ByteView> keys, LookupOptions options,
                                             std::unique_ptr<LookupCall> call) {
  const std::int64_t started_ns = parts_.clock.monotonic_ns();
  const TopicPtr topic = context.topics.find(topic_name);
  const auto check = [&]() -> Status {
    if (!topic) return unknown_topic(topic_name);
    LOGCASK_TRY(parts_.authorizer.authorize(context.principal, Operation::read, {ResourceKind::topic, topic_name}));
    if (!topic->config.partition.compacted)
      return Error{Errc::unsupported,
                   "lookups need cleanup.policy compact; topic '" + topic->record.name + "' has no keydir"};
    LOGCASK_TRY(check_partition(*topic, options.partition));
    return check_min_offsets(*topic, options);
  };
  Status refused = check();
  if (!refused.ok() || options.min_offsets.empty()) {
    if (refused.ok()) refused = look_up(*topic, options.partition, keys, options.keys_only, *call);
    finish(*call, std::move(refused), started_ns, keys.size());
    return nullptr;
  }
  const std::int64_t timeout_ms = options.timeout_ms > 0 ? options.timeout_ms : default_timeout_ms_;
  auto waiting =
      std::make_shared<Waiting>(*this, context.loop, topic, keys, std::move(options), std::move(call), started_ns);
  waiting->start(timeout_ms);
  return waiting;
}

}  // namespace logcask
