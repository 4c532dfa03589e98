#include "broker/services/fetch_service.h"

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "broker/services/authorized_topic.h"
#include "broker/services/credit_stream.h"

namespace logcask {
namespace {

constexpr std::size_t kFollowChunkBytes = 512u << 10;

// A position whose partition has been found, or the reason why not.
struct Source {
  FetchPosition position;
  std::shared_ptr<PartitionRunner> runner;
  Status error;
};

std::vector<Source> find_sources(const ServiceParts& parts, const CallContext& context,
                                 std::vector<FetchPosition> positions) {
  std::vector<Source> sources(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    Source& source = sources[i];
    source.position = std::move(positions[i]);
    const auto topic = authorized_topic(parts, context, Operation::read, source.position.topic);
    if (!topic.ok()) {
      source.error = topic.error();
    } else if (Status same = check_same_topic(**topic, source.position.topic_id); !same.ok()) {
      source.error = std::move(same);
    } else if (!(*topic)->partition(source.position.partition)) {
      source.error = unknown_partition(**topic, source.position.partition);
    } else {
      source.runner = (*topic)->partitions[static_cast<std::size_t>(source.position.partition.value())];
      if (source.position.run != kNoRun)
        source.error = source.runner->check_position(source.position.run, source.position.offset);
    }
  }
  return sources;
}

FetchedPartition read_source(const Source& source, Offset offset, std::size_t max_bytes) {
  FetchedPartition part;
  if (!source.runner) {
    part.error = source.error;
    part.data.next_fetch_offset = offset;
    return part;
  }
  auto fetched =
      source.error.ok() ? source.runner->fetch(offset, max_bytes) : Result<FetchedBatches>(source.error.error());
  if (fetched.ok()) {
    part.data = std::move(fetched).value();
  } else {
    const PartitionMarks state = source.runner->marks();
    part.error = std::move(fetched).error();
    part.data.next_fetch_offset = offset;
    part.data.visible_end = state.committed_end;
    part.data.log_start_offset = state.log_start_offset;
    part.data.tombstone_horizon = state.tombstone_horizon;
    part.data.leader_epoch = state.leader_epoch;
  }
  return part;
}

}  // namespace

// A fetch that waits. Owned by the listener's table of open calls and by the callbacks' weak references.
class FetchService::LongPoll final : public OpenCall, public std::enable_shared_from_this<LongPoll> {
 public:
  LongPoll(const ServiceParts& parts, EventLoop& loop, std::vector<Source> sources, Options options,
           std::unique_ptr<FetchCall> call)
      : parts_(parts),
        loop_(loop),
        started_ns_(parts.clock.monotonic_ns()),
        sources_(std::move(sources)),
        options_(options),
        waits_(sources_.size()),
        call_(std::move(call)) {}
  ~LongPoll() override {
    if (timer_) loop_.cancel(timer_);
  }

  // True when it has been answered.
  bool try_now(bool last_chance) {
    std::vector<FetchedPartition> parts;
    parts.reserve(sources_.size());
    std::size_t bytes = 0;
    bool failed = false;
    for (const Source& source : sources_) {
      const std::size_t wanted = source.position.max_bytes ? source.position.max_bytes : options_.max_bytes;
      const std::size_t left = options_.max_bytes - std::min(options_.max_bytes, bytes);
      // With the answer full, the rest is only told where it stands.
      if (bytes > 0 && left == 0) {
        parts.push_back(standing(source));
        continue;
      }
      parts.push_back(read_source(source, source.position.offset, std::min(wanted, left)));
      bytes += parts.back().data.bytes;
      failed = failed || !parts.back().error.ok();
    }
    if (bytes < options_.min_bytes && !failed && !last_chance) {
      wait_for(parts);
      return false;
    }
    parts_.metrics.bytes_fetched.add(bytes);
    finish({}, std::move(parts));
    return true;
  }

  void start() {
    timer_ = loop_.call_after(options_.max_wait_ms, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->timer_ = 0;
        if (self->call_) self->try_now(true);
      }
    });
  }

  void cancel(const Error& reason) override {
    if (call_) finish(reason, {});
  }

 private:
  static FetchedPartition standing(const Source& source) {
    FetchedPartition part;
    part.error = source.error;
    part.data.next_fetch_offset = source.position.offset;
    if (!source.runner) return part;
    const PartitionMarks state = source.runner->marks();
    part.data.visible_end = state.committed_end;
    part.data.log_start_offset = state.log_start_offset;
    part.data.tombstone_horizon = state.tombstone_horizon;
    part.data.leader_epoch = state.leader_epoch;
    return part;
  }

  void wait_for(const std::vector<FetchedPartition>& parts) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      if (waits_[i].waiting()) continue;
      // News is whatever comes above what was visible just now.
      const Offset above = std::max(parts[i].data.visible_end, sources_[i].position.offset);
      waits_[i].start(loop_, sources_[i].runner, above, [this](Status status) {
        if (!call_) return;
        // Nothing more will come; what there is was not enough, so the deadline answers.
        if (status.code() == Errc::read_only) return;
        // A close is news too: the read then tells what happened.
        something_ended_ = something_ended_ || !status.ok();
        look_soon();
      });
    }
  }

  // One look for all that a turn of the loop brings: each costs a read of every partition.
  void look_soon() {
    if (sources_.size() == 1) {
      try_now(something_ended_);
      return;
    }
    if (std::exchange(look_posted_, true)) return;
    loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || !self->call_) return;
      self->look_posted_ = false;
      self->try_now(self->something_ended_);
    });
  }

  void finish(Status status, std::vector<FetchedPartition> parts) {
    const auto call = std::exchange(call_, nullptr);
    for (VisibleWait& wait : waits_) wait.stop();
    if (timer_) loop_.cancel(std::exchange(timer_, 0));
    parts_.metrics.service(ServiceName::fetch).finished(started_ns_, parts_.clock.monotonic_ns(), status.ok());
    call->completed(std::move(status), std::move(parts));
  }

  const ServiceParts& parts_;
  EventLoop& loop_;
  const std::int64_t started_ns_;
  std::vector<Source> sources_;
  const Options options_;
  std::deque<VisibleWait> waits_;
  std::unique_ptr<FetchCall> call_;  // null once answered
  EventLoop::TimerId timer_ = 0;
  bool look_posted_ = false, something_ended_ = false;
};

class FetchService::Follow final : public CreditStream {
 public:
  Follow(const ServiceParts& parts, EventLoop& loop, std::vector<Source> sources, std::uint64_t credit,
         std::unique_ptr<FollowSink> sink)
      : CreditStream(parts, loop, credit, sources.size()), sources_(std::move(sources)), sink_(std::move(sink)) {}

  void cancel(const Error& reason) override {
    if (!sink_) return;
    const auto sink = std::exchange(sink_, nullptr);
    stop_waits();
    sink->ended(reason);
  }

 private:
  bool ended() const override { return !sink_; }
  // The next read says what has become of it.
  void wait_failed(std::size_t, Error) override { schedule(); }

  // Sends from one partition after the other.
  void pump() override {
    bool sent_some = false;
    for (std::size_t i = 0; i < sources_.size() && sink_ && has_credit(); ++i) {
      if (idle(i) || sources_[i].position.offset < Offset(0)) continue;
      sent_some = advance(i) || sent_some;
    }
    if (sent_some && has_credit()) schedule();
  }

  bool advance(std::size_t i) {
    Source& source = sources_[i];
    FetchedPartition part = read_source(source, source.position.offset, credit(kFollowChunkBytes));
    if (!part.error.ok()) {
      // This partition is finished; the others go on.
      source.position.offset = kNoOffset;
      sink_->news(i, std::move(part));
      return false;
    }
    const Offset position = source.position.offset;
    source.position.offset = std::max(position, part.data.next_fetch_offset);
    if (part.data.bytes > 0) {
      sent(part.data.bytes);
      sink_->news(i, std::move(part));
      return true;
    }
    if (source.position.offset > position) return true;
    wait(i, source.runner, std::max(part.data.visible_end, source.position.offset));
    return false;
  }

  std::vector<Source> sources_;
  std::unique_ptr<FollowSink> sink_;  // null once ended
};

FetchService::FetchService(const ServiceParts& parts, std::size_t answer_bytes_max, std::int64_t wait_max_ms)
    : parts_(parts), answer_bytes_max_(answer_bytes_max), wait_max_ms_(wait_max_ms) {}

Status FetchService::check(std::span<const FetchPosition> positions) {
  if (positions.size() < 2) return {};
  const auto place = [](const FetchPosition& p) {
    return std::tuple<const std::string&, PartitionId, const std::optional<TopicId>&>(p.topic, p.partition, p.topic_id);
  };
  std::vector<const FetchPosition*> sorted;
  sorted.reserve(positions.size());
  for (const FetchPosition& position : positions) sorted.push_back(&position);
  std::sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) { return place(*a) < place(*b); });
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(),
                                        [&](const auto* a, const auto* b) { return place(*a) == place(*b); });
  if (twice == sorted.end()) return {};
  return Error{Errc::invalid_argument, "the fetch names " + (*twice)->topic + "-" +
                                           std::to_string((*twice)->partition.value()) +
                                           " more than once; name each partition once"};
}

std::shared_ptr<OpenCall> FetchService::fetch(const CallContext& context, std::vector<FetchPosition> positions,
                                              Options options, std::unique_ptr<FetchCall> call) {
  options.max_bytes = options.max_bytes == 0 ? answer_bytes_max_ : std::min(options.max_bytes, answer_bytes_max_);
  options.min_bytes = std::min(options.min_bytes, options.max_bytes);
  // A connection with an open call is never idle: without a bound a silent peer would keep it for weeks.
  options.max_wait_ms = std::min(options.max_wait_ms, wait_max_ms_);
  auto poll = std::make_shared<LongPoll>(parts_, context.loop, find_sources(parts_, context, std::move(positions)),
                                         options, std::move(call));
  if (poll->try_now(options.max_wait_ms <= 0)) return nullptr;
  poll->start();
  return poll;
}

std::shared_ptr<OpenCall> FetchService::follow(const CallContext& context, std::vector<FetchPosition> positions,
                                               std::uint64_t credit_bytes, std::unique_ptr<FollowSink> sink) {
  auto follow = std::make_shared<Follow>(parts_, context.loop, find_sources(parts_, context, std::move(positions)),
                                         credit_bytes, std::move(sink));
  parts_.metrics.service(ServiceName::fetch).requests.add();
  follow->schedule();
  return follow;
}

}  // namespace logcask
