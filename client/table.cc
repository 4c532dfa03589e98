#include "logcask/table.h"

#include <map>
#include <mutex>
#include <set>

#include "base/mutant.h"
#include "client/blocking.h"
#include "client/lookup_answer.h"
#include "client/watch_impl.h"

namespace logcask::client {

struct Table::Impl {
  Impl(std::shared_ptr<Core> shared_core, std::string topic_name, TableOptions given, Producer made)
      : core(std::move(shared_core)),
        topic(std::move(topic_name)),
        options(std::move(given)),
        producer(std::move(made)) {}

  // What this table has written, shared with the callbacks of its writes, which may outlive it.
  struct Written {
    std::mutex mutex;
    std::map<PartitionId, Offset> offsets;
    bool outside = false;  // something was written to another partition than its key's own

    void note(const Delivery& delivery, PartitionId home) {
      if (!delivery.ok() || delivery.offset == kNoOffset) return;
      const std::lock_guard lock(mutex);
      outside = outside || delivery.partition != home;
      auto [at, fresh] = offsets.emplace(delivery.partition, delivery.offset);
      if (!fresh) at->second = std::max(at->second, delivery.offset);
    }
  };

  void add_min_offsets(v1::GetRequest& get, std::span<const ByteView> keys, const GetOptions& get_options);
  static void add(v1::GetRequest& get, PartitionId partition, Offset offset);
  Delivery write(OutRecord record);
  void write_async(OutRecord record, DeliveryCallback done);

  std::shared_ptr<Core> core;
  const std::string topic;
  const TableOptions options;
  Producer producer;
  std::shared_ptr<Written> written = std::make_shared<Written>();
};

ProducerOptions TableOptions::default_producer() {
  ProducerOptions options;
  options.linger_ms = 0;
  return options;
}

Result<Table> Table::open(const Client& client, std::string topic, TableOptions options) {
  LOGCASK_ASSIGN(Producer producer,
                 Producer::make(client, topic, options.producer, !mutant(Mutant::readers_ask_producer_id)));
  return Table(std::make_shared<Impl>(client.core(), std::move(topic), std::move(options), std::move(producer)));
}

Table::Table(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Table::~Table() = default;
Table::Table(Table&&) noexcept = default;
Table& Table::operator=(Table&&) noexcept = default;
const std::string& Table::topic() const { return impl_->topic; }

std::vector<MinOffset> Table::written() const {
  const std::lock_guard lock(impl_->written->mutex);
  std::vector<MinOffset> offsets;
  for (const auto& [partition, offset] : impl_->written->offsets) offsets.push_back({partition, offset});
  return offsets;
}

// ---- reading ------------------------------------------------------------------------------------------------------

void Table::Impl::add(v1::GetRequest& get, PartitionId partition, Offset offset) {
  auto* min_offset = get.add_min_offsets();
  min_offset->set_partition(static_cast<std::uint32_t>(partition.value()));
  min_offset->set_offset(offset.value());
}

// Only of the partitions where our own writes of these keys are.
void Table::Impl::add_min_offsets(v1::GetRequest& get, std::span<const ByteView> keys, const GetOptions& get_options) {
  std::map<PartitionId, Offset> wanted;
  for (const MinOffset& given : get_options.min_offsets) {
    auto [at, fresh] = wanted.emplace(given.partition, given.offset);
    if (!fresh) at->second = std::max(at->second, given.offset);
  }
  if (options.read_your_writes) {
    const std::lock_guard lock(written->mutex);
    std::set<PartitionId> concerned;
    for (const ByteView key : keys) concerned.insert(get_options.partition.value_or(producer.partition_of(key)));
    for (const auto& [partition, offset] : written->offsets) {
      if (!written->outside && !concerned.contains(partition)) continue;
      auto [at, fresh] = wanted.emplace(partition, offset);
      if (!fresh) at->second = std::max(at->second, offset);
    }
  }
  for (const auto& [partition, offset] : wanted) add(get, partition, offset);
  if (!wanted.empty()) get.set_topic_id(producer.topic_id());
}

void Table::multi_get_async(std::span<const ByteView> keys, const GetOptions& options,
                            Callback<std::vector<Lookup>> done) {
  v1::RequestHeader request;
  auto* get = request.mutable_get();
  get->set_topic(impl_->topic);
  get->set_partition(options.partition ? options.partition->value() : -1);
  get->set_key_count(static_cast<std::uint32_t>(keys.size()));
  get->set_timeout_ms(impl_->core->broker_timeout_ms(options.timeout_ms));
  get->set_keys_only(options.keys_only);
  impl_->add_min_offsets(*get, keys, options);
  Attachment attachment;
  for (const ByteView key : keys) append_key(attachment.copied, key);
  CallSpec spec;
  spec.timeout_ms = options.timeout_ms;
  spec.on_lost = OnLost::resend;
  impl_->core->call(request, std::move(attachment), spec,
                    [done = std::move(done), topic = impl_->topic, count = keys.size()](Result<Response> response) {
                      if (!response.ok()) return done(std::move(response).error());
                      const auto results =
                          decode_lookup_results(response->attachment.view(), static_cast<std::uint32_t>(count));
                      if (!results.ok()) return done(results.error());
                      std::vector<Lookup> lookups;
                      lookups.reserve(count);
                      for (const LookupResult& result : *results) lookups.push_back(lookup_of(result, topic));
                      done(std::move(lookups));
                    });
}

Result<std::vector<Lookup>> Table::multi_get(std::span<const ByteView> keys, const GetOptions& options) {
  return wait_for<std::vector<Lookup>>(*impl_->core, [&](auto done) { multi_get_async(keys, options, done); });
}

void Table::get_async(ByteView key, const GetOptions& options, Callback<Lookup> done) {
  multi_get_async({&key, 1}, options, [done = std::move(done)](Result<std::vector<Lookup>> lookups) {
    if (!lookups.ok()) return done(std::move(lookups).error());
    Lookup lookup = std::move(lookups->front());
    if (lookup.status == Lookup::Status::failed) return done(std::move(lookup.error));
    done(std::move(lookup));
  });
}

Result<Lookup> Table::get(ByteView key, const GetOptions& options) {
  return wait_for<Lookup>(*impl_->core, [&](auto done) { get_async(key, options, done); });
}

// ---- writing ------------------------------------------------------------------------------------------------------

namespace {

OutRecord record_of(ByteView key, std::optional<ByteView> value, Condition condition, const WriteOptions& options) {
  OutRecord record;
  record.key = key;
  record.value = value;
  record.headers = options.headers;
  record.timestamp = options.timestamp;
  record.partition = options.partition;
  record.condition = condition;
  return record;
}

Condition expecting(std::optional<Offset> expected) { return expected ? Condition::at(*expected) : Condition(); }

}  // namespace

Delivery Table::Impl::write(OutRecord record) {
  const Delivery delivery = producer.send_and_wait(record);
  written->note(delivery, producer.partition_of(*record.key));
  return delivery;
}

void Table::Impl::write_async(OutRecord record, DeliveryCallback done) {
  const Status status = producer.send(
      record, [shared = written, home = producer.partition_of(*record.key), done](const Delivery& delivery) {
        shared->note(delivery, home);
        if (done) done(delivery);
      });
  if (status.ok() || !done) return;
  Delivery refused;
  refused.status = status;
  core->post([done = std::move(done), refused] { done(refused); });
}

Delivery Table::put(ByteView key, ByteView value, const WriteOptions& options) {
  return impl_->write(record_of(key, value, Condition(), options));
}
void Table::put_async(ByteView key, ByteView value, const WriteOptions& options, DeliveryCallback done) {
  impl_->write_async(record_of(key, value, Condition(), options), std::move(done));
}
Delivery Table::create(ByteView key, ByteView value, const WriteOptions& options) {
  return impl_->write(record_of(key, value, Condition::absent(), options));
}
void Table::create_async(ByteView key, ByteView value, const WriteOptions& options, DeliveryCallback done) {
  impl_->write_async(record_of(key, value, Condition::absent(), options), std::move(done));
}
Delivery Table::update(ByteView key, ByteView value, Offset expected, const WriteOptions& options) {
  return impl_->write(record_of(key, value, Condition::at(expected), options));
}
void Table::update_async(ByteView key, ByteView value, Offset expected, const WriteOptions& options,
                         DeliveryCallback done) {
  impl_->write_async(record_of(key, value, Condition::at(expected), options), std::move(done));
}
Delivery Table::erase(ByteView key, std::optional<Offset> expected, const WriteOptions& options) {
  return impl_->write(record_of(key, std::nullopt, expecting(expected), options));
}
void Table::erase_async(ByteView key, std::optional<Offset> expected, const WriteOptions& options,
                        DeliveryCallback done) {
  impl_->write_async(record_of(key, std::nullopt, expecting(expected), options), std::move(done));
}

// ---- watching -----------------------------------------------------------------------------------------------------

Result<Watch> Table::watch(std::vector<std::string> keys, std::function<void(const WatchEvent&)> on_event,
                           std::function<void(const Error&)> ended, std::optional<PartitionId> partition) {
  if (keys.empty() || !on_event) return Error{Errc::invalid_argument, "a watch needs keys and a callback"};
  Watch::Impl::Request request;
  request.topic = impl_->topic;
  request.keys = std::move(keys);
  request.partition = partition.value_or(PartitionId(-1));
  request.credit_bytes = impl_->options.watch_credit_bytes;
  request.on_event = std::move(on_event);
  request.ended = std::move(ended);
  auto watch = std::make_shared<Watch::Impl>(impl_->core, std::move(request));
  watch->subscribe();
  return Watch(std::move(watch));
}

}  // namespace logcask::client
