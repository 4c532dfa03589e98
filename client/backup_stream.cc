#include "client/backup_stream.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "client/ask.h"

namespace logcask::client {
namespace {

constexpr std::chrono::seconds kBackupSilence(120);
constexpr std::int64_t kBackupOutageMs = 5000;

}  // namespace

struct BackupStream::Impl : std::enable_shared_from_this<BackupStream::Impl> {
  explicit Impl(std::shared_ptr<Core> shared_core) : core(std::move(shared_core)) {}

  void ask(v1::RequestHeader& request) {
    CallSpec spec;
    spec.lane = Lane::bulk;
    spec.on_lost = OnLost::fail;
    spec.stream = true;
    spec.timeout_ms = kNoTimeout;
    stream_id = core->call(request, {}, spec, [weak = weak_from_this()](Result<Response> response) {
      if (const auto self = weak.lock()) self->take(std::move(response));
    });
  }

  // I/O thread.
  void take(Result<Response> response) {
    {
      const std::lock_guard lock(mutex);
      queue.push_back(std::move(response));
    }
    news.notify_all();
  }

  // Nothing at the stream's end.
  Result<std::optional<Response>> next() {
    Result<Response> taken = Error{Errc::timed_out, {}};
    {
      std::unique_lock lock(mutex);
      if (ended) return std::optional<Response>();
      LOGCASK_TRY(wait(lock));
      taken = std::move(queue.front());
      queue.pop_front();
      ended = !taken.ok() || taken->header.end();
    }
    if (!taken.ok()) return std::move(taken).error();
    if (ended) return std::optional<Response>();
    core->grant_credit(Lane::bulk, stream_id, taken->attachment.size());
    return std::optional<Response>(std::move(taken).value());
  }

  // Until there is an answer. A broker that is gone is told early: nothing of a stream is taken up again.
  Status wait(std::unique_lock<std::mutex>& lock) {
    for (std::chrono::seconds waited(0); waited < kBackupSilence; ++waited) {
      if (news.wait_for(lock, std::chrono::seconds(1), [this] { return !queue.empty(); })) return {};
      const Contact contact = core->contact(Lane::bulk);
      if (contact.lost_for_ms < kBackupOutageMs) continue;
      return Error{Errc::connection_lost, "there has been no connection to the broker for " +
                                              std::to_string(contact.lost_for_ms / 1000) + " seconds (" +
                                              contact.trouble.message + ")"};
    }
    return Error{Errc::timed_out,
                 "the broker has sent nothing for " + std::to_string(kBackupSilence.count()) + " seconds"};
  }

  void stop() {
    const std::lock_guard lock(mutex);
    if (!std::exchange(ended, true)) core->cancel(Lane::bulk, stream_id);
  }

  const std::shared_ptr<Core> core;
  std::uint64_t stream_id = 0;  // of the thread that reads
  std::mutex mutex;
  std::condition_variable news;
  std::deque<Result<Response>> queue;  // guarded
  bool ended = false;                  // guarded
};

BackupStream::BackupStream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupStream::BackupStream(BackupStream&&) noexcept = default;
BackupStream::~BackupStream() {
  if (impl_) impl_->stop();
}

Result<BackupStream> BackupStream::open(const Client& client, const std::string& topic, PartitionId partition,
                                        const std::vector<BackupHave>& have, std::uint32_t credit_bytes) {
  v1::RequestHeader request;
  v1::BackupRequest& backup = *request.mutable_backup();
  backup.set_topic(topic);
  backup.set_partition(static_cast<std::uint32_t>(partition.value()));
  backup.set_credit_bytes(credit_bytes);
  for (const BackupHave& file : have) {
    v1::BackupRequest::Segment& out = *backup.add_have();
    out.set_base_offset(file.base.value());
    out.set_generation(file.generation.value());
    out.set_size_bytes(file.size_bytes);
    out.set_digest(file.digest);
  }
  BackupStream stream(std::make_shared<Impl>(client.core()));
  stream.impl_->ask(request);
  LOGCASK_ASSIGN(std::optional<Response> first, stream.impl_->next());
  if (!first || !first->header.has_backup() || !first->header.backup().has_topic())
    return Error{Errc::malformed_frame, "the broker's answer to a backup does not begin with what the topic is"};
  const v1::BackupResponse::Topic& from = first->header.backup().topic();
  stream.start_.topic_id = topic_id_of(from.topic_id());
  stream.start_.partitions = from.partitions();
  stream.start_.settings.insert(from.settings().begin(), from.settings().end());
  stream.start_.created = TimestampMs(from.created_ms());
  stream.start_.internal = from.internal();
  stream.start_.manifest = std::move(first->attachment);
  return stream;
}

Result<std::optional<BackupChunk>> BackupStream::next() {
  LOGCASK_ASSIGN(std::optional<Response> response, impl_->next());
  if (!response) return std::optional<BackupChunk>();
  if (!response->header.has_backup())
    return Error{Errc::malformed_frame, "the broker's answer to a backup is something else"};
  BackupChunk chunk;
  chunk.segment = response->header.backup().segment();
  chunk.position = response->header.backup().position();
  chunk.bytes = std::move(response->attachment);
  return std::optional<BackupChunk>(std::move(chunk));
}

}  // namespace logcask::client
