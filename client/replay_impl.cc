#include "client/replay_impl.h"

#include <chrono>

#include "client/ask.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kReplayRetryMs = 100;

}  // namespace

Replay::Impl::Impl(std::shared_ptr<Core> shared_core, std::string topic_name, std::size_t partition_count,
                   ReplayOptions given)
    : core(std::move(shared_core)),
      topic(std::move(topic_name)),
      marker_count(partition_count),
      options(std::move(given)),
      progress(options.resume_token),
      decoder(options.max_batch_bytes),
      shown_token(options.resume_token) {}

// ---- the stream ---------------------------------------------------------------------------------------------------

void Replay::Impl::subscribe() {
  v1::RequestHeader request;
  auto* replay = request.mutable_replay();
  replay->set_topic(topic);
  for (const PartitionId partition : options.partitions)
    replay->add_partitions(static_cast<std::uint32_t>(partition.value()));
  replay->set_live_only(options.live_only);
  replay->set_keys_only(options.keys_only);
  replay->set_key_prefix(options.key_prefix);
  replay->set_stop_at_caught_up(options.stop_at_caught_up);
  CallSpec spec;
  spec.lane = Lane::bulk;
  spec.on_lost = OnLost::fail;
  spec.stream = true;
  spec.timeout_ms = kNoTimeout;
  const std::lock_guard lock(mutex);
  if (stopped || ended) return;
  if (const std::uint64_t earlier = std::exchange(stream_id, 0); earlier != 0) core->cancel(Lane::bulk, earlier);
  trouble = Error{Errc::ok, {}};
  // What waits to be polled counts against the credit already.
  std::size_t queued_bytes = 0;
  for (const Item& item : queue) queued_bytes += item.credit_bytes;
  replay->set_credit_bytes(static_cast<std::uint32_t>(
      std::max<std::size_t>(options.credit_bytes - std::min<std::size_t>(queued_bytes, options.credit_bytes), 1)));
  replay->set_resume_token(progress.token());
  const std::uint64_t for_generation = ++generation;
  stream_id = core->call(request, {}, spec, [weak = weak_from_this(), for_generation](Result<Response> response) {
    if (const auto self = weak.lock()) self->on_response(for_generation, std::move(response));
  });
}

void Replay::Impl::subscribe_later() {
  core->after_ms(kReplayRetryMs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->subscribe();
  });
}

void Replay::Impl::follow_growth(const TopicInfo& info) {
  streamed = info.partitions;
  count = std::make_shared<PartitionCount>(core, info, options.metadata_max_age_ms,
                                           [weak = weak_from_this()](std::size_t partitions_there) {
                                             if (const auto self = weak.lock()) self->counted(partitions_there);
                                           });
  count->watch();
}

// Asked anew, the broker goes on where the last token says, and begins with the partitions that this does not know.
void Replay::Impl::counted(std::size_t partitions_there) {
  if (partitions_there <= std::exchange(streamed, std::max(streamed, partitions_there))) return;
  {
    const std::lock_guard lock(mutex);
    // The stream that is about to be taken up covers them.
    if (stream_id == 0 || stopped || ended) return;
  }
  core->log(LogLevel::info,
            "replay of '" + topic + "' goes on with " + std::to_string(partitions_there) + " partitions");
  subscribe();
}

void Replay::Impl::on_response(std::uint64_t for_generation, Result<Response> response) {
  bool again = false;
  bool cancel = false;
  std::string why;
  {
    const std::lock_guard lock(mutex);
    if (for_generation != generation || stopped || ended) return;
    Status status = response.ok() ? Status() : Status(response.error());
    const bool stream_over = !response.ok() || response->header.end();
    if (response.ok() && response->header.has_replay())
      status = take(response->header.replay(), std::move(response->attachment));
    cancel = !status.ok() && !stream_over;
    if (stream_over) stream_id = 0;
    trouble = Error{Errc::ok, {}};
    if (!status.ok()) {
      again = errc_retriable(status.code());
      if (again) {
        trouble = status.error();
        why = ": " + trouble.to_string();
      }
      if (!again) end(status.error());
    } else if (stream_over) {
      again = !options.stop_at_caught_up;
      if (!again) end_finished();
    }
  }
  news.notify_all();
  if (cancel) cut(false);
  if (!again) return;
  core->log(LogLevel::info, "replay of '" + topic + "' is taken up again" + why);
  subscribe_later();
}

Status Replay::Impl::take(const v1::ReplayResponse& answer, Buffer attachment) {
  const PartitionId partition(static_cast<std::int32_t>(answer.partition()));
  if (answer.error().code() != 0) return error_of(answer.error(), topic, answer.partition());
  const auto fresh = progress.take(partition, Offset(answer.position()), answer.caught_up(), answer.resume_token());
  Item item;
  item.event.kind = !attachment.empty() ? ReplayEvent::Kind::records : ReplayEvent::Kind::progress;
  item.event.partition = partition;
  item.event.position = Offset(answer.position());
  item.event.snapshot_end = Offset(answer.snapshot_end());
  item.from = fresh.from;
  item.token = answer.resume_token();
  item.credit_bytes = attachment.size();
  if (!attachment.empty()) item.bytes = std::make_shared<const Buffer>(std::move(attachment));
  if (item.bytes || !answer.caught_up()) queue.push_back(item);
  if (!fresh.caught_up) return {};
  // A token kept between the two must lead to the marker again.
  if (item.bytes) queue.back().token.clear();
  item.event.kind = ReplayEvent::Kind::caught_up;
  item.event.caught_up_offset = Offset(answer.caught_up_offset());
  item.bytes = nullptr;
  item.credit_bytes = 0;
  queue.push_back(std::move(item));
  return {};
}

void Replay::Impl::end(const Error& error) {
  ended = true;
  trouble = error;
  Item item;
  item.broken = error;
  if (error.code == Errc::tombstone_horizon_passed) {
    item.event.kind = ReplayEvent::Kind::horizon_passed;
    item.event.error = error;
  }
  queue.push_back(std::move(item));
}

void Replay::Impl::end_finished() {
  ended = true;
  Item item;
  item.event.kind = ReplayEvent::Kind::finished;
  queue.push_back(std::move(item));
}

void Replay::Impl::cut(bool for_good) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    stopped = stopped || for_good;
    ++generation;
    id = std::exchange(stream_id, 0);
  }
  if (id != 0) core->cancel(Lane::bulk, id);
}

void Replay::Impl::stop() { cut(true); }

void Replay::Impl::wake_up() {
  {
    const std::lock_guard lock(mutex);
    woken = true;
  }
  news.notify_all();
}

Contact Replay::Impl::contact() const {
  Contact now = core->contact(Lane::bulk);
  const std::lock_guard lock(mutex);
  if (now.trouble.code == Errc::ok) now.trouble = trouble;
  return now;
}

void Replay::Impl::restart() {
  cut(false);
  {
    const std::lock_guard lock(mutex);
    queue.clear();
    progress.restart();
    ended = false;
  }
  decoder.forget(true);
  records.clear();
  shown_token.clear();
  markers_shown.clear();
  shown_credit_bytes = 0;
  last.reset();
  subscribe();
}

// ---- polling ------------------------------------------------------------------------------------------------------

void Replay::Impl::give_back_credit() {
  const std::size_t bytes = std::exchange(shown_credit_bytes, 0);
  if (bytes == 0) return;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    id = stream_id;
  }
  if (id != 0) core->grant_credit(Lane::bulk, id, bytes);
}

Result<ReplayEvent> Replay::Impl::show(Item item) {
  if (!item.token.empty()) shown_token = item.token;
  shown_credit_bytes = item.credit_bytes;
  ReplayEvent event = item.event;
  const bool later = count && static_cast<std::size_t>(event.partition.value()) >= marker_count;
  if (event.kind == ReplayEvent::Kind::caught_up && !later) markers_shown.insert(event.partition);
  if (item.bytes) {
    decoder.begin(event.partition, item.bytes, item.bytes->view(), item.from);
    const Result<bool> more = decoder.decode(records, std::numeric_limits<std::size_t>::max());
    if (!more.ok()) {
      item.broken = Error{more.error()}.in(topic + "-" + std::to_string(event.partition.value()));
      item.event.kind = ReplayEvent::Kind::none;
      decoder.forget(true);
      records.clear();
      cut(false);
      const std::lock_guard lock(mutex);
      trouble = item.broken;
    }
    event.records = records;
    if (records.empty()) event.kind = ReplayEvent::Kind::progress;
  }
  const bool ends = item.broken.code != Errc::ok || event.kind == ReplayEvent::Kind::finished;
  const Error broken = item.broken;
  item.bytes = nullptr;
  if (ends) last = std::move(item);
  if (broken.code != Errc::ok && event.kind != ReplayEvent::Kind::horizon_passed) return broken;
  return event;
}

Result<ReplayEvent> Replay::Impl::poll(std::int64_t max_wait_ms) {
  records.clear();
  decoder.forget();
  give_back_credit();
  auto event = next_event(max_wait_ms);
  if (!event.ok()) return event;
  {
    // Also of a poll that brings something: where there always is something, no other would tell.
    const std::lock_guard lock(mutex);
    event->woken = std::exchange(woken, false);
  }
  if (event->kind == ReplayEvent::Kind::none) event->no_contact = !contact().ok();
  return event;
}

Result<ReplayEvent> Replay::Impl::next_event(std::int64_t max_wait_ms) {
  if (last) return show(*last);
  Item item;
  {
    std::unique_lock lock(mutex);
    news.wait_for(lock, std::chrono::milliseconds(max_wait_ms), [&] { return !queue.empty() || woken; });
    if (queue.empty()) return ReplayEvent();
    item = std::move(queue.front());
    queue.pop_front();
  }
  return show(std::move(item));
}

}  // namespace logcask::client
