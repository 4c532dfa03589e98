#include "logcask/producer.h"

#include <future>

#include "base/random.h"
#include "client/blocking.h"
#include "client/producer_impl.h"
#include "logcask/admin.h"

namespace logcask::client {
namespace {

Status check(const ProducerOptions& options) {
  const auto refuse = [](const char* why) { return Error{Errc::invalid_argument, why}; };
  if (options.max_in_flight < 1 || options.max_in_flight > 5)
    return refuse("max_in_flight must be 1 to 5: the broker remembers five batches per producer");
  if (options.batch_bytes == 0 || options.buffer_bytes == 0)
    return refuse("batch_bytes and buffer_bytes must be above 0");
  if (options.linger_ms < 0 || options.delivery_timeout_ms <= 0 || options.retry_backoff_ms <= 0)
    return refuse("linger_ms must not be negative, delivery_timeout_ms and retry_backoff_ms must be above 0");
  return {};
}

struct Identity {
  ProducerId id = kNoProducer;
  std::int16_t epoch = -1;
};

Result<Identity> new_identity(Core& core) {
  return wait_for<Identity>(core, [&](Callback<Identity> done) {
    v1::RequestHeader request;
    request.mutable_init_producer_id()->set_producer_id(-1);
    request.mutable_init_producer_id()->set_producer_epoch(-1);
    CallSpec spec;
    spec.on_lost = OnLost::resend;
    core.call(request, {}, spec, [done](Result<Response> response) {
      if (!response.ok()) return done(std::move(response).error());
      const auto& answer = response->header.init_producer_id();
      done(Identity{ProducerId(answer.producer_id()), static_cast<std::int16_t>(answer.producer_epoch())});
    });
  });
}

}  // namespace

Result<Producer> Producer::open(const Client& client, std::string topic, ProducerOptions options) {
  return make(client, std::move(topic), std::move(options), false);
}

Result<Producer> Producer::make(const Client& client, std::string topic, ProducerOptions options,
                                bool id_at_first_send) {
  LOGCASK_TRY(check(options));
  if (options.acks == Acks::none) options.idempotent = false;  // nobody would tell it what was taken
  LOGCASK_ASSIGN(const TopicInfo info, Admin(client).topic(topic));
  if (info.partitions == 0) return Error{Errc::internal, "the broker says topic '" + topic + "' has no partitions"};
  LOGCASK_ASSIGN(const Partitioner partitioner,
                 partitioner_from_name(info.partitioner.empty() ? "any" : info.partitioner));
  Identity identity;
  if (options.idempotent && !id_at_first_send) {
    LOGCASK_ASSIGN(identity, new_identity(*client.core()));
  }
  return Producer(std::make_shared<Impl>(client.core(), std::move(topic), info.id, static_cast<int>(info.partitions),
                                         partitioner, options, identity.id, identity.epoch));
}

Producer::Producer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->close(0);
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Producer::~Producer() {
  if (impl_) impl_->close(0);
}

Status Producer::send(const OutRecord& record, DeliveryCallback callback) {
  return impl_->send(record, std::move(callback), false);
}
Status Producer::send_all(std::span<const OutRecord> records, std::size_t* taken) {
  return impl_->send_all(records, taken);
}

Delivery Producer::send_and_wait(const OutRecord& record) {
  Delivery refused;
  if (impl_->core->on_io_thread()) {
    refused.status = blocked_in_callback();
    return refused;
  }
  std::promise<Delivery> promise;
  auto future = promise.get_future();
  refused.status = impl_->send(
      record, [&promise](const Delivery& delivery) { promise.set_value(delivery); }, true);
  return refused.status.ok() ? future.get() : refused;
}

Status Producer::flush(std::int64_t timeout_ms) { return impl_->flush(timeout_ms); }

Status Producer::close(std::int64_t timeout_ms) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closed = true;
  }
  const Status status = impl_->flush(timeout_ms);
  impl_->close(1);
  return status;
}

const std::string& Producer::topic() const { return impl_->topic; }
int Producer::partition_count() const { return impl_->partitions; }
const std::string& Producer::topic_id() const { return impl_->topic_id; }

PartitionId Producer::partition_of(ByteView key) const {
  return partition_for_key(impl_->partitioner, key, impl_->partitions);
}
std::size_t Producer::buffered_bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->accumulator.buffered_bytes();
}

}  // namespace logcask::client
