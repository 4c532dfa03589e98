#include "logcask/replay.h"

#include "client/replay_impl.h"
#include "logcask/admin.h"

namespace logcask::client {

Result<Replay> Replay::open(const Client& client, std::string topic, ReplayOptions options) {
  if (options.credit_bytes == 0) return Error{Errc::invalid_argument, "credit_bytes must be above 0"};
  if (options.metadata_max_age_ms < 0) return Error{Errc::invalid_argument, "metadata_max_age_ms must not be below 0"};
  LOGCASK_ASSIGN(const TopicInfo info, Admin(client).topic(topic));
  for (const PartitionId partition : options.partitions)
    if (partition.value() < 0 || partition.value() >= static_cast<std::int32_t>(info.partitions))
      return Error{Errc::unknown_partition, "topic '" + topic + "' has partitions 0 to " +
                                                std::to_string(info.partitions - 1) + ", not " +
                                                std::to_string(partition.value())};
  const std::size_t markers = options.partitions.empty() ? info.partitions : options.partitions.size();
  auto impl = std::make_shared<Impl>(client.core(), std::move(topic), markers, std::move(options));
  if (impl->options.partitions.empty() && !impl->options.stop_at_caught_up) impl->follow_growth(info);
  impl->subscribe();
  return Replay(std::move(impl));
}

Replay::Replay(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->stop();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Replay::~Replay() {
  if (impl_) impl_->stop();
}

Result<ReplayEvent> Replay::poll(std::int64_t max_wait_ms) { return impl_->poll(max_wait_ms); }
void Replay::wake_up() { impl_->wake_up(); }
Contact Replay::contact() const { return impl_->contact(); }
const std::string& Replay::resume_token() const { return impl_->shown_token; }
bool Replay::caught_up() const { return impl_->markers_shown.size() >= impl_->marker_count; }
void Replay::restart() { impl_->restart(); }
const std::string& Replay::topic() const { return impl_->topic; }

}  // namespace logcask::client
