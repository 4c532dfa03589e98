#include "broker/services/replay_service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/services/authorized_topic.h"
#include "broker/services/credit_stream.h"
#include "broker/services/replay_advance.h"

namespace logcask {
namespace {

constexpr std::size_t kWalkStepBytes = 1u << 20;
constexpr std::size_t kTailStepBytes = 256u << 10;
// Tokens of many partitions are long: then only every so many chunks carry one, and markers always.
constexpr std::size_t kPartitionsPerTokenAlways = 16;
constexpr std::uint64_t kChunksPerToken = 64;
// Steps that found nothing to send still report progress now and then.
constexpr std::uint64_t kSilentSteps = 64;

}  // namespace

class ReplayService::Replay final : public CreditStream {
 public:
  Replay(const ServiceParts& parts, EventLoop& loop, TopicPtr topic, ReplayOptions options, ReplayToken token,
         std::unique_ptr<ReplaySink> sink)
      : CreditStream(parts, loop, options.credit_bytes, token.partitions.size()),
        topic_(std::move(topic)),
        options_(std::move(options)),
        token_(std::move(token)),
        unfinished_(token_.partitions.size()),
        sink_(std::move(sink)) {
    for (std::size_t i = 0; i < token_.partitions.size(); ++i) runs_.push_back(runner(i).runs());
  }

  void cancel(const Error& reason) override { end(reason); }

 private:
  std::shared_ptr<Replay> shared() { return std::static_pointer_cast<Replay>(shared_from_this()); }
  bool ended() const override { return !sink_; }
  void wait_failed(std::size_t, Error error) override { end(std::move(error)); }

  PartitionRunner& runner(std::size_t i) {
    return *topic_->partitions[static_cast<std::size_t>(token_.partitions[i].partition.value())];
  }
  bool finished(std::size_t i) const {
    return options_.stop_at_caught_up && token_.partitions[i].phase == ReplayPhase::tail;
  }

  // Starts the next step, of the next partition in turn that has something to read.
  void pump() override {
    if (stepping_ || !has_credit()) return;
    for (std::size_t n = 0; n < token_.partitions.size(); ++n) {
      const std::size_t i = turn_;
      turn_ = (turn_ + 1) % token_.partitions.size();
      if (finished(i) || idle(i)) continue;
      return start_step(i);
    }
  }

  void start_step(std::size_t i) {
    stepping_ = true;
    const ReplayPosition position = token_.partitions[i];
    const std::size_t most = position.phase == ReplayPhase::walk ? kWalkStepBytes : kTailStepBytes;
    const std::size_t max_bytes = credit(most);
    if (position.phase == ReplayPhase::tail)
      return stepped(i, advance_replay(runner(i), position, options_.filter, max_bytes));
    parts_.background.post([self = shared(), i, position, max_bytes]() mutable {
      auto result = std::make_shared<Result<ReplayAdvance>>(
          advance_replay(self->runner(i), position, self->options_.filter, max_bytes));
      // Moved, so that the replay ends on its loop.
      EventLoop& loop = self->loop_;
      loop.post([self = std::move(self), i, result] { self->stepped(i, std::move(*result)); });
    });
  }

  void stepped(std::size_t i, Result<ReplayAdvance> result) {
    stepping_ = false;
    if (!sink_) return;
    if (!result.ok()) return end(std::move(result).error().in("replay of '" + topic_->record.name + "'"));
    ReplayAdvance& step = *result;
    token_.partitions[i] = step.position;
    if (step.bytes > 0 || ++silent_steps_ >= kSilentSteps) send(i, step);
    if (step.marker && sink_) send_marker(i, step);
    if (!sink_) return;
    if (step.at_end && !finished(i))
      wait(i, topic_->partitions[static_cast<std::size_t>(step.position.partition.value())], step.position.position);
    if (step.marker && options_.stop_at_caught_up && --unfinished_ == 0) return end({});
    schedule();
  }

  ReplayChunk chunk_of(const ReplayAdvance& step) const {
    ReplayChunk chunk;
    chunk.partition = step.position.partition;
    chunk.position = step.position.position;
    chunk.snapshot_end = step.position.phase == ReplayPhase::walk ? step.position.walk_end : step.position.tail_mark;
    chunk.tombstone_horizon = step.tombstone_horizon;
    return chunk;
  }

  void send(std::size_t i, ReplayAdvance& step) {
    silent_steps_ = 0;
    ReplayChunk chunk = chunk_of(step);
    chunk.bytes = step.bytes;
    chunk.pieces = std::move(step.pieces);
    chunk.owners = std::move(step.owners);
    if (token_.partitions.size() <= kPartitionsPerTokenAlways || ++chunks_ % kChunksPerToken == 0)
      chunk.token = token_before_marker(i, step);
    sent(chunk.bytes);
    sink_->chunk(std::move(chunk));
  }

  // A marker that follows in a frame of its own must not be lost when the connection breaks in between.
  std::string token_before_marker(std::size_t i, const ReplayAdvance& step) const {
    ReplayToken before = token_;
    if (step.marker) before.partitions[i].phase = ReplayPhase::catch_up;
    return encoded(std::move(before));
  }

  std::string encoded(ReplayToken token) const {
    for (std::size_t i = 0; i < token.partitions.size(); ++i)
      if (runs_[i]) token.partitions[i].run = runs_[i]->of(token.partitions[i].reach());
    return encode_replay_token(token);
  }

  void send_marker(std::size_t, const ReplayAdvance& step) {
    ReplayChunk chunk = chunk_of(step);
    chunk.caught_up = true;
    chunk.caught_up_offset = step.position.tail_mark;
    chunk.token = encoded(token_);
    sink_->chunk(std::move(chunk));
  }

  void end(Status status) {
    if (!sink_) return;
    const auto sink = std::exchange(sink_, nullptr);
    stop_waits();
    sink->ended(std::move(status));
  }

  const TopicPtr topic_;
  const ReplayOptions options_;
  ReplayToken token_;                                    // the live state
  std::vector<std::shared_ptr<const RunHistory>> runs_;  // of the token's partitions
  std::size_t unfinished_;
  std::unique_ptr<ReplaySink> sink_;  // null once ended
  std::size_t turn_ = 0;
  std::uint64_t chunks_ = 0;
  std::uint64_t silent_steps_ = 0;
  bool stepping_ = false;
};

namespace {

Result<ReplayPosition> first_position(const Topic& topic, PartitionId partition) {
  PartitionRunner* runner = topic.partition(partition);
  if (!runner) return unknown_partition(topic, partition);
  if (runner->marks().state == PartitionMarks::State::offline) return offline_error(*runner, partition);
  return first_replay_position(*runner, partition);
}

Result<ReplayToken> fresh_token(const Topic& topic, const ReplayOptions& options) {
  ReplayToken token;
  token.topic_id = topic.record.id;
  token.live_only = options.filter.live_only;
  std::vector<PartitionId> wanted = options.partitions;
  if (wanted.empty())
    for (std::size_t p = 0; p < topic.partitions.size(); ++p)
      wanted.push_back(PartitionId(static_cast<std::int32_t>(p)));
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const PartitionId partition : wanted) {
    LOGCASK_ASSIGN(const ReplayPosition first, first_position(topic, partition));
    token.partitions.push_back(first);
  }
  return token;
}

Result<ReplayToken> resumed_token(const Topic& topic, const ReplayOptions& options) {
  LOGCASK_ASSIGN(ReplayToken token, decode_replay_token(options.resume_token));
  if (token.topic_id != topic.record.id)
    return Error{Errc::topic_changed, "the resume token belongs to another topic than '" + topic.record.name +
                                          "' as it is now (was it deleted and made again?); start a new replay"};
  if (token.live_only != options.filter.live_only)
    return Error{Errc::invalid_argument, "the resume token was made with live_only " +
                                             std::string(token.live_only ? "set" : "unset") + "; ask the same way"};
  if (token.partitions.empty()) return Error{Errc::stale_token, "the resume token names no partition"};
  std::set<PartitionId> known;
  for (ReplayPosition& position : token.partitions) {
    PartitionRunner* runner = topic.partition(position.partition);
    if (!runner) return unknown_partition(topic, position.partition);
    LOGCASK_TRY(runner->check_position(position.run, position.reach()));
    LOGCASK_TRY(resume_replay_position(*runner, token.live_only, position));
    known.insert(position.partition);
  }
  if (!options.partitions.empty()) return token;
  // Of all partitions, those too that the topic has been given since.
  for (std::int32_t p = 0; p < static_cast<std::int32_t>(topic.partitions.size()); ++p) {
    if (known.contains(PartitionId(p))) continue;
    LOGCASK_ASSIGN(const ReplayPosition first, first_position(topic, PartitionId(p)));
    token.partitions.push_back(first);
  }
  return token;
}

}  // namespace

Result<std::shared_ptr<OpenCall>> ReplayService::replay(const CallContext& context, std::string_view topic_name,
                                                        ReplayOptions options, std::unique_ptr<ReplaySink> sink) {
  const auto prepare = [&]() -> Result<std::shared_ptr<Replay>> {
    LOGCASK_ASSIGN(const TopicPtr topic, authorized_topic(parts_, context, Operation::read, topic_name));
    if (options.filter.live_only && !topic->config.partition.compacted)
      return Error{Errc::unsupported, "live records need cleanup.policy compact; topic '" + topic->record.name +
                                          "' has no keydir. Ask for every record instead"};
    LOGCASK_ASSIGN(ReplayToken token,
                   options.resume_token.empty() ? fresh_token(*topic, options) : resumed_token(*topic, options));
    return std::make_shared<Replay>(parts_, context.loop, topic, std::move(options), std::move(token), std::move(sink));
  };
  auto prepared = prepare();
  parts_.metrics.service(ServiceName::replay).requests.add();
  if (!prepared.ok()) {
    parts_.metrics.service(ServiceName::replay).errors.add();
    return std::move(prepared).error();
  }
  (*prepared)->schedule();
  return std::shared_ptr<OpenCall>(std::move(prepared).value());
}

}  // namespace logcask
