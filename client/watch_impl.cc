#include "client/watch_impl.h"

#include "client/lookup_answer.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kWatchRetryMs = 100;

}  // namespace

Watch::Impl::Impl(std::shared_ptr<Core> shared_core, Request what)
    : core(shared_core), request(std::move(what)), progress(request.keys.size()) {}

void Watch::Impl::subscribe() {
  const auto client = core.lock();
  if (!client) return;
  v1::RequestHeader header;
  auto* watch = header.mutable_watch();
  watch->set_topic(request.topic);
  watch->set_partition(request.partition.value());
  watch->set_key_count(static_cast<std::uint32_t>(request.keys.size()));
  watch->set_credit_bytes(request.credit_bytes);
  Attachment keys;
  for (const std::string& key : request.keys) append_key(keys.copied, key);
  for (const Offset offset : progress.last_seen()) watch->add_last_seen_offsets(offset.value());
  for (const auto& [partition, position] : progress.positions()) {
    auto* seen = watch->add_positions();
    seen->set_partition(static_cast<std::uint32_t>(partition.value()));
    seen->set_offset(position.offset.value());
    seen->set_run(position.run.value());
  }
  progress.subscribed();
  CallSpec spec;
  spec.lane = Lane::bulk;
  spec.on_lost = OnLost::fail;
  spec.stream = true;
  spec.timeout_ms = kNoTimeout;
  const std::lock_guard lock(mutex);
  if (!active) return;
  trouble = Error{Errc::ok, {}};
  const std::uint64_t for_generation = ++generation;
  stream_id =
      client->call(header, std::move(keys), spec, [weak = weak_from_this(), for_generation](Result<Response> response) {
        if (const auto self = weak.lock()) self->on_response(for_generation, std::move(response));
      });
}

void Watch::Impl::on_response(std::uint64_t for_generation, Result<Response> response) {
  const std::lock_guard callbacks(calling);
  {
    const std::lock_guard lock(mutex);
    if (!active || for_generation != generation) return;
  }
  const bool over = !response.ok() || response->header.end();
  const Status status = response.ok() ? show(response.value()) : Status(response.error());
  {
    const std::lock_guard lock(mutex);
    trouble = status.ok() ? Error{Errc::ok, {}} : status.error();
  }
  if (status.ok() && !over) return;
  if (status.code() == Errc::topic_changed && !progress.positions().empty()) {
    progress.restart();
    began_anew = true;
  } else if (!status.ok() && !errc_retriable(status.code())) {
    return end(status.error());
  }
  const auto client = core.lock();
  if (!client) return;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    ++generation;
    id = std::exchange(stream_id, 0);
  }
  if (!over) client->cancel(Lane::bulk, id);
  client->log(LogLevel::info, "watch on '" + request.topic + "' is taken up again" +
                                  (status.ok() ? std::string() : ": " + status.error().to_string()));
  client->after_ms(kWatchRetryMs, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    const std::lock_guard again(self->calling);
    self->subscribe();
  });
}

Status Watch::Impl::show(const Response& response) {
  if (!response.header.has_watch()) return {};
  LOGCASK_ASSIGN(const auto results,
                 decode_lookup_results(response.attachment.view(), response.header.watch().event_count()));
  for (const auto& told : response.header.watch().runs())
    progress.told(PartitionId(static_cast<std::int32_t>(told.partition())), RunId(told.run()));
  for (const LookupResult& result : results) {
    if (result.key_index >= request.keys.size())
      return Error{Errc::malformed_frame, "the broker named watched key " + std::to_string(result.key_index)};
    WatchEvent event;
    event.key_index = result.key_index;
    event.key = request.keys[result.key_index];
    event.lookup = lookup_of(result, request.topic);
    if (event.lookup.status == Lookup::Status::failed) return event.lookup.error;
    event.topic_changed = began_anew && !progress.seen(event.key_index);
    progress.at(result.partition, result.offset);
    if (!progress.take(event.key_index, event.lookup.status, result.partition, event.lookup.offset)) continue;
    request.on_event(event);
    const std::lock_guard lock(mutex);
    if (!active) return {};
  }
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    id = stream_id;
  }
  if (const auto client = core.lock(); client && id != 0)
    client->grant_credit(Lane::bulk, id, response.attachment.size());
  return {};
}

void Watch::Impl::end(const Error& error) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    active = false;
    id = std::exchange(stream_id, 0);
  }
  if (const auto client = core.lock(); client && id != 0) client->cancel(Lane::bulk, id);
  if (request.ended) request.ended(error);
}

void Watch::Impl::cancel() {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex);
    if (active) trouble = Error{Errc::cancelled, "the watch was cancelled"};
    active = false;
    id = std::exchange(stream_id, 0);
  }
  const auto client = core.lock();
  if (!client) return;
  if (id != 0) client->cancel(Lane::bulk, id);
  // A callback that is running now has ended when this returns, unless it is the one calling.
  if (!client->on_io_thread()) {
    const std::lock_guard wait(calling);
  }
}

Contact Watch::Impl::contact() const {
  Contact now;
  now.trouble = Error{Errc::cancelled, "the client was closed"};
  if (const auto client = core.lock()) now = client->contact(Lane::bulk);
  const std::lock_guard lock(mutex);
  if (trouble.code != Errc::ok && now.connected) now.trouble = trouble;
  return now;
}

Watch::Watch(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Watch::~Watch() { cancel(); }

void Watch::cancel() {
  if (impl_) impl_->cancel();
}

Contact Watch::contact() const {
  if (impl_) return impl_->contact();
  Contact none;
  none.trouble = Error{Errc::cancelled, "nothing is watched"};
  return none;
}

bool Watch::active() const {
  if (!impl_) return false;
  const std::lock_guard lock(impl_->mutex);
  return impl_->active;
}

}  // namespace logcask::client
