#include "client/consumer_impl.h"

#include <chrono>

#include "base/mutant.h"
#include "client/ask.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kFetchRetryMs = 100;

FetchedPart part_of(const v1::FetchResponse::Partition& from, ByteView bytes) {
  FetchedPart part;
  part.error = error_of(from.error());
  part.committed_end = Offset(from.committed_end());
  part.log_start = Offset(from.log_start_offset());
  part.next_fetch_offset = Offset(from.next_fetch_offset());
  part.tombstone_horizon = Offset(from.tombstone_horizon());
  part.run = RunId(from.run());
  part.bytes = bytes;
  return part;
}

}  // namespace

Consumer::Impl::Impl(std::shared_ptr<Core> shared_core, std::string topic_name, std::vector<PartitionId> ids,
                     ConsumerOptions given)
    : core(std::move(shared_core)),
      topic(std::move(topic_name)),
      partitions(std::move(ids)),
      options(std::move(given)),
      state(partitions, options.out_of_range),
      decoder(options.max_batch_bytes) {}

// ---- fetching -----------------------------------------------------------------------------------------------------

void Consumer::Impl::fetch_more() {
  std::vector<FetchState::Question> questions;
  v1::RequestHeader request;
  {
    const std::lock_guard lock(mutex);
    if (stopped || fetching || broken || state.queued_bytes() >= options.prefetch_bytes) return;
    questions = state.questions();
    if (questions.empty()) return;
    fetching = true;
    // Until every partition's end is known answers come at once: a caller may be waiting to learn it is at the end.
    request.mutable_fetch()->set_max_wait_ms(state.all_ends_known() ? static_cast<std::uint32_t>(options.fetch_wait_ms)
                                                                    : 0);
  }
  auto* fetch = request.mutable_fetch();
  fetch->set_min_bytes(1);
  fetch->set_max_bytes(static_cast<std::uint32_t>(options.fetch_bytes));
  for (const FetchState::Question& question : questions) {
    auto* partition = fetch->add_partitions();
    partition->set_topic(topic);
    partition->set_partition(static_cast<std::uint32_t>(question.partition.value()));
    partition->set_offset(question.offset.value());
    partition->set_run(question.run.value());
    partition->set_max_bytes(static_cast<std::uint32_t>(options.partition_bytes));
  }
  CallSpec spec;
  spec.lane = Lane::bulk;
  spec.on_lost = OnLost::resend;
  spec.timeout_ms = core->options().request_timeout_ms + options.fetch_wait_ms;
  const std::uint64_t id =
      core->call(request, {}, spec, [weak = weak_from_this(), questions](Result<Response> response) {
        if (const auto self = weak.lock()) self->on_response(questions, std::move(response));
      });
  const std::lock_guard lock(mutex);
  if (fetching) request_id = id;
}

void Consumer::Impl::on_response(const std::vector<FetchState::Question>& questions, Result<Response> response) {
  bool retry_later = false;
  std::string line;  // for the log
  {
    const std::lock_guard lock(mutex);
    fetching = false;
    const Errc before = std::exchange(trouble, Error{Errc::ok, {}}).code;
    if (!response.ok()) {
      retry_later = errc_retriable(response.code());
      if (retry_later) trouble = response.error();
      if (!retry_later) broken = response.error();
    } else {
      const auto owner = std::make_shared<const Buffer>(std::move(response->attachment));
      const auto& parts = response->header.fetch().partitions();
      std::size_t at = 0;
      bool news_came = false;
      for (std::size_t i = 0; i < questions.size() && i < static_cast<std::size_t>(parts.size()); ++i) {
        const auto& from = parts[static_cast<int>(i)];
        const ByteView all = owner->view();
        if (from.records_bytes() > all.size() - at) {
          broken = Error{Errc::malformed_frame, "the broker's answer to a fetch is shorter than it says"};
          break;
        }
        const ByteView bytes = all.substr(at, from.records_bytes());
        at += bytes.size();
        news_came = state.answered(questions[i], part_of(from, bytes), owner) || news_came;
        if (errc_retriable(errc_from_wire(from.error().code()))) {
          retry_later = true;
          trouble = error_of(from.error(), topic, from.partition());
        }
      }
      retry_later = retry_later && !news_came;
    }
    if (trouble.code != Errc::ok && trouble.code != before) line = "fetch of '" + topic + "': " + trouble.to_string();
  }
  news.notify_all();
  if (!line.empty()) core->log(LogLevel::info, line + "; asked again");
  if (retry_later) return pause_and_fetch();
  fetch_more();
}

void Consumer::Impl::pause_and_fetch() {
  core->after_ms(kFetchRetryMs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->fetch_more();
  });
}

void Consumer::Impl::stop() {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    stopped = true;
    if (fetching) id = request_id;
  }
  if (id != 0) core->cancel(Lane::bulk, id);
}

void Consumer::Impl::group_news() {
  {
    const std::lock_guard lock(mutex);
    group_calls = true;
  }
  news.notify_all();
}

void Consumer::Impl::counted(std::size_t partitions_there) {
  {
    const std::lock_guard lock(mutex);
    partition_count = partitions_there;
  }
  news.notify_all();
}

void Consumer::Impl::wake_up() {
  {
    const std::lock_guard lock(mutex);
    woken = true;
  }
  news.notify_all();
}

Contact Consumer::Impl::contact() const {
  Contact now = core->contact(Lane::bulk);
  if (membership && now.trouble.code == Errc::ok) now.trouble = membership->trouble();
  const std::lock_guard lock(mutex);
  if (now.trouble.code == Errc::ok) now.trouble = trouble;
  return now;
}

// ---- a member's share ---------------------------------------------------------------------------------------------

void Consumer::Impl::give_up_partitions() {
  item.reset();
  undecodable.reset();
  decoder.forget(true);
  partitions.clear();
  has_share = false;
  const std::lock_guard lock(mutex);
  state.assign({});
}

Result<bool> Consumer::Impl::follow_group(PollResult& result, std::int64_t max_wait_ms) {
  {
    const std::lock_guard lock(mutex);
    group_calls = false;
  }
  Membership::News said = membership->news();
  switch (said.kind) {
    case Membership::News::Kind::none:
      return false;
    case Membership::News::Kind::give_up:
      if (!partitions.empty() && !std::exchange(revoke_told, true)) {
        result.revoked = partitions;
        return true;
      }
      give_up_partitions();
      membership->join();
      return false;
    case Membership::News::Kind::lost:
      core->log(LogLevel::warning, "topic '" + topic + "': " + said.error.to_string() + "; joins anew");
      result.lost = partitions;
      give_up_partitions();
      membership->join();
      return !result.lost.empty();
    case Membership::News::Kind::failed:
      give_up_partitions();
      return std::move(said.error);
    case Membership::News::Kind::assigned:
      break;
  }
  LOGCASK_ASSIGN(result.assigned, take_share(said.partitions, max_wait_ms));
  return result.assigned;
}

Result<std::optional<MemberClaim>> Consumer::Impl::claim() const {
  if (!membership) return std::optional<MemberClaim>();
  LOGCASK_ASSIGN(MemberClaim claim, membership->claim());
  return std::optional(std::move(claim));
}

// ---- polling ------------------------------------------------------------------------------------------------------

// Takes the next item to the decoder. False when there is none, or when it is an error: then `error` is set.
bool Consumer::Impl::begin_next(PollResult& result, Error& error) {
  if (state.empty()) {
    if (broken && records.empty()) error = *std::exchange(broken, std::nullopt);
    return false;
  }
  if (state.front().error.code != Errc::ok) {
    if (!records.empty()) return false;  // first what came before it
    const auto failed = state.pop();
    error = of_partition(failed->error, topic, failed->partition.value());
    return false;
  }
  item = state.pop();
  if (item->behind_horizon) result.behind_tombstone_horizon.push_back(item->partition);
  decoder.begin(item->partition, item->owner, item->bytes, item->from);
  return true;
}

void Consumer::Impl::decode_current() {
  const Result<bool> more = decoder.decode(records, options.max_poll_records);
  const PartitionId partition = item->partition;
  const std::lock_guard lock(mutex);
  if (!more.ok()) {
    undecodable = Error{more.error()}.in(topic + "-" + std::to_string(partition.value()));
    decoder.abandon();
    state.stop(partition);
  }
  const bool finished = more.ok() && !*more;
  state.set_position(partition, finished ? std::max(item->next, decoder.position()) : decoder.position(), item->run);
  if (finished || undecodable) item.reset();
}

Result<PollResult> Consumer::Impl::poll(std::int64_t max_wait_ms) {
  if (!membership) return poll_records(max_wait_ms);
  membership->polling(true);
  auto polled = poll_records(max_wait_ms);
  membership->polling(false);
  return polled;
}

Result<PollResult> Consumer::Impl::poll_records(std::int64_t max_wait_ms) {
  PollResult result;
  records.clear();
  decoder.forget();
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(max_wait_ms);
  if (membership) {
    LOGCASK_ASSIGN(const bool told, follow_group(result, max_wait_ms));
    if (told) return result;
  }
  if (has_grown()) {
    LOGCASK_TRY(take_added(result, max_wait_ms));
    if (!result.added.empty()) return result;
  }
  fetch_more();
  while (records.size() < options.max_poll_records) {
    if (undecodable) {
      if (records.empty()) return *std::exchange(undecodable, std::nullopt);
      break;
    }
    if (!item) {
      std::unique_lock lock(mutex);
      Error error{Errc::ok, {}};
      if (!begin_next(result, error)) {
        if (error.code != Errc::ok) return error;
        if (!records.empty() || !result.behind_tombstone_horizon.empty()) break;
        news.wait_until(lock, deadline, [&] { return !state.empty() || broken || woken || group_calls || grown(); });
        if (!state.empty() || broken) continue;
        if (!woken && grown()) {
          lock.unlock();
          const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
          LOGCASK_TRY(take_added(result, left.count()));
          if (!result.added.empty()) return result;
          if (Clock::now() < deadline) continue;
          break;
        }
        if (!woken && group_calls) {
          lock.unlock();
          const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
          LOGCASK_ASSIGN(const bool told, follow_group(result, left.count()));
          if (told) return result;
          if (Clock::now() < deadline) continue;
        }
        break;
      }
    }
    decode_current();
    fetch_more();
  }
  result.records = records;
  {
    // Also of a poll that brings records: where they never end, no other would tell.
    const std::lock_guard lock(mutex);
    if (records.empty() || !mutant(Mutant::wake_up_told_without_records)) result.woken = std::exchange(woken, false);
  }
  if (records.empty()) result.no_contact = !contact().ok();
  return result;
}

Status Consumer::Impl::seek(PartitionId partition, Offset offset) {
  if (offset < Offset(0))
    return Error{Errc::invalid_argument, "offset " + std::to_string(offset.value()) + " is below 0"};
  {
    const std::lock_guard lock(mutex);
    if (!state.seek(partition, offset))
      return Error{Errc::unknown_partition, "partition " + std::to_string(partition.value()) + " is not assigned"};
  }
  records.clear();
  if (item && item->partition == partition) {
    item.reset();
    decoder.forget(true);
  }
  fetch_more();
  return {};
}

std::map<PartitionId, ReadPosition> Consumer::Impl::positions() const {
  const std::lock_guard lock(mutex);
  std::map<PartitionId, ReadPosition> positions;
  for (const PartitionId partition : partitions)
    positions[partition] = {state.position(partition), state.run(partition)};
  return positions;
}

}  // namespace logcask::client
