#include "broker/services/offsets_service.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutant.h"
#include "broker/services/authorized_topic.h"
#include "broker/services/counted.h"
#include "broker/services/visible_wait.h"

namespace logcask {
namespace {

// The highest timestamp is the largest time at or after which there is a record: found by asking for times. Above what
// the segments know no disk is read.
Result<std::optional<PartitionRunner::TimedOffset>> newest_by_time(PartitionRunner& runner) {
  LOGCASK_ASSIGN(auto newest, runner.offset_for_time(TimestampMs(INT64_MIN)));
  if (!newest) return newest;
  for (std::int64_t none_from = INT64_MAX; newest->timestamp.value() < none_from - 1;) {
    // Without the overflow of a difference.
    const std::int64_t low = newest->timestamp.value();
    const std::int64_t middle = (low >> 1) + (none_from >> 1) + (low & none_from & 1);
    LOGCASK_ASSIGN(const auto found, runner.offset_for_time(TimestampMs(std::max(middle, low + 1))));
    if (found)
      newest = found;
    else
      none_from = std::max(middle, low + 1);
  }
  return newest;
}

// Where what readers are shown ends.
Offset shown_end(const Topic& topic, const PartitionMarks& marks) {
  const bool written = topic.config.partition.read_visibility == ReadVisibility::written;
  return written ? marks.written_end : marks.committed_end;
}

}  // namespace

// Waits until several partitions show what was written. Owned by the listener's table of open calls.
class OffsetsService::Showing final : public OpenCall, public std::enable_shared_from_this<Showing> {
 public:
  Showing(EventLoop& loop, std::function<void()> ready) : loop_(loop), ready_(std::move(ready)) {}
  ~Showing() override {
    if (timer_) loop_.cancel(timer_);
  }

  void start(std::vector<std::pair<std::shared_ptr<PartitionRunner>, Offset>> ends) {
    timer_ = loop_.call_after(kShowWaitMs, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->timer_ = 0;
      self->finish();
    });
    open_ = ends.size();
    if (ends.empty()) {
      loop_.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->finish();
      });
    }
    for (auto& [runner, end] : ends)
      waits_.emplace_back().start(loop_, std::move(runner), Offset(end.value() - 1), [this](const Status& status) {
        if (!status.ok() || --open_ == 0) finish();
      });
  }

  void cancel(const Error&) override { finish(); }

 private:
  void finish() {
    const auto self = shared_from_this();
    for (VisibleWait& wait : waits_) wait.stop();
    if (timer_) loop_.cancel(std::exchange(timer_, 0));
    if (const auto ready = std::exchange(ready_, nullptr)) ready();
  }

  EventLoop& loop_;
  std::deque<VisibleWait> waits_;
  std::size_t open_ = 0;
  std::function<void()> ready_;  // empty once it has run
  EventLoop::TimerId timer_ = 0;
};

std::vector<OffsetQuery> OffsetsService::not_shown_yet(const Principal& principal,
                                                       const std::vector<OffsetQuery>& queries) const {
  std::vector<OffsetQuery> behind;
  if (mutant(Mutant::end_before_shown)) return behind;
  for (const OffsetQuery& query : queries) {
    if (query.timestamp_ms == kEarliestTimestamp) continue;
    const auto topic = authorized_topic(parts_, principal, Operation::describe, query.topic);
    PartitionRunner* runner = topic.ok() ? (*topic)->partition(query.partition) : nullptr;
    if (!runner) continue;
    const PartitionMarks marks = runner->marks();
    if (marks.state != PartitionMarks::State::offline && shown_end(**topic, marks) < marks.written_end)
      behind.push_back(query);
  }
  return behind;
}

std::shared_ptr<OpenCall> OffsetsService::when_shown(const CallContext& context,
                                                     const std::vector<OffsetQuery>& queries,
                                                     std::function<void()> ready) const {
  std::vector<std::pair<std::shared_ptr<PartitionRunner>, Offset>> ends;
  for (const OffsetQuery& query : queries) {
    const auto topic = authorized_topic(parts_, context, Operation::describe, query.topic);
    if (!topic.ok() || !(*topic)->partition(query.partition)) continue;
    const auto& runner = (*topic)->partitions[static_cast<std::size_t>(query.partition.value())];
    const PartitionMarks marks = runner->marks();
    if (marks.state != PartitionMarks::State::offline && shown_end(**topic, marks) < marks.written_end)
      ends.emplace_back(runner, marks.written_end);
  }
  auto showing = std::make_shared<Showing>(context.loop, std::move(ready));
  showing->start(std::move(ends));
  return showing;
}

Result<OffsetAnswer> OffsetsService::find(const Principal& principal, const OffsetQuery& query) const {
  return counted(parts_, ServiceName::list_offsets, [&] { return find_now(principal, query); });
}

Result<OffsetAnswer> OffsetsService::find_now(const Principal& principal, const OffsetQuery& query) const {
  LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, principal, Operation::describe, query.topic));
  PartitionRunner* runner = topic->partition(query.partition);
  if (!runner) return unknown_partition(*topic, query.partition);
  const PartitionMarks state = runner->marks();
  if (state.state == PartitionMarks::State::offline) return Error{Errc::partition_offline, runner->snapshot().reason};
  OffsetAnswer answer;
  answer.leader_epoch = state.leader_epoch;
  if (query.timestamp_ms == kLatestTimestamp) {
    answer.offset = shown_end(*topic, state);
  } else if (query.timestamp_ms == kEarliestTimestamp) {
    answer.offset = state.log_start_offset;
  } else if (query.timestamp_ms < 0 && query.timestamp_ms != kNewestTimestamp) {
    return Error{Errc::invalid_argument,
                 "timestamp " + std::to_string(query.timestamp_ms) +
                     " is neither a time nor -1 (latest), -2 (earliest) or -3 (newest by time)"};
  } else {
    LOGCASK_ASSIGN(const auto found, query.timestamp_ms == kNewestTimestamp
                                         ? newest_by_time(*runner)
                                         : runner->offset_for_time(TimestampMs(query.timestamp_ms)));
    if (found) {
      answer.offset = found->offset;
      answer.timestamp = found->timestamp;
    }
  }
  return answer;
}

Result<OffsetsService::EpochEnd> OffsetsService::end_of_epoch(const Principal& principal, const std::string& topic,
                                                              PartitionId partition, LeaderEpoch epoch) const {
  return counted(parts_, ServiceName::list_offsets,
                 [&] { return end_of_epoch_now(principal, topic, partition, epoch); });
}

Result<OffsetsService::EpochEnd> OffsetsService::end_of_epoch_now(const Principal& principal, const std::string& topic,
                                                                  PartitionId partition, LeaderEpoch epoch) const {
  LOGCASK_ASSIGN(const TopicPtr known, authorized_topic(parts_, principal, Operation::describe, topic));
  PartitionRunner* runner = known->partition(partition);
  if (!runner) return unknown_partition(*known, partition);
  const PartitionMarks marks = runner->marks();
  if (marks.state == PartitionMarks::State::offline) return Error{Errc::partition_offline, runner->snapshot().reason};
  if (epoch > marks.leader_epoch || epoch < LeaderEpoch(0)) return EpochEnd();
  const std::vector<EpochStart> epochs = runner->epochs();
  const auto newer = std::find_if(epochs.begin(), epochs.end(), [&](const EpochStart& e) { return e.epoch > epoch; });
  if (newer == epochs.end()) return EpochEnd{epoch, shown_end(*known, marks)};
  return EpochEnd{newer == epochs.begin() ? epoch : (newer - 1)->epoch, newer->start_offset};
}

}  // namespace logcask
