#include "tests/broker/services/service_fixture.h"

#include <algorithm>
#include <utility>

#include "tests/support/forwarding_runner.h"

namespace logcask::testing {
namespace {

// Counts the questions of lookups and watches.
class AskedRunner final : public ForwardingRunner {
 public:
  AskedRunner(std::shared_ptr<PartitionRunner> inner, FixtureFactory::Asked& asked)
      : ForwardingRunner(std::move(inner)), asked_(asked) {}
  void get(const LookupKeys& keys, bool keys_only, const LookupSink& sink) override {
    asked_.keys_looked_up += keys.size();
    note(keys);
    ForwardingRunner::get(keys, keys_only, sink);
  }
  Result<WatchStart> watch(const LookupKeys& keys,
                           std::function<void(Result<std::vector<KeyChange>>)> on_change) override {
    asked_.keys_watched += keys.size();
    note(keys);
    return ForwardingRunner::watch(keys, std::move(on_change));
  }

  PartitionMarks marks() const override {
    ++asked_.marks_asked;
    return ForwardingRunner::marks();
  }
  Result<std::string> reopen() override {
    if (asked_.never_opened) return Error{Errc::partition_offline, "it never opened"};
    return ForwardingRunner::reopen();
  }
  bool place_if_empty(std::uint32_t placement) override {
    ++asked_.placed;
    if (asked_.before_placing) asked_.before_placing();
    return ForwardingRunner::place_if_empty(placement);
  }

 private:
  void note(const LookupKeys& keys) {
    asked_.most_at_once = std::max(asked_.most_at_once, keys.size());
    if (keys.identities.empty()) return;
    REQUIRE(keys.identities.size() == keys.size());
    for (const ByteView key : keys.keys) asked_.hashed.emplace(key);
  }
  FixtureFactory::Asked& asked_;
};

// What runs in the background runs while somebody waits for it.
class LoadingRunner final : public ForwardingRunner {
 public:
  LoadingRunner(PartitionFixture& partition, const std::function<void()>& before)
      : ForwardingRunner(partition.shared()), partition_(partition), before_(before) {}
  void wait_loaded(std::int64_t) override {
    if (before_) before_();
    partition_.run_all();
  }

 private:
  PartitionFixture& partition_;
  const std::function<void()>& before_;
};

}  // namespace

Result<std::vector<TopicRecord>> MemoryMetadata::load_topics() {
  std::vector<TopicRecord> list;
  for (const auto& [name, record] : topics) list.push_back(record);
  return list;
}

Status MemoryMetadata::put_topic(const TopicRecord& record) {
  if (before_put) before_put();
  if (fail_writes) return Error{write_error, "the metadata disk is gone"};
  topics[record.name] = record;
  return {};
}

Status MemoryMetadata::remove_topic(const std::string& name) {
  if (fail_writes) return Error{write_error, "the metadata disk is gone"};
  topics.erase(name);
  return {};
}

Result<std::int64_t> MemoryMetadata::reserve_producer_ids(std::int64_t count) {
  return std::exchange(next_id_, next_id_ + count);
}

Result<std::shared_ptr<PartitionRunner>> FixtureFactory::open(const PartitionSpec& spec) {
  opened_under = spec.config.partition.placement;
  auto& partition = partitions[spec.label()];
  if (spec.create || !partition) partition = std::make_unique<PartitionFixture>(spec.config.partition);
  partition->run_all();
  if (loads_when_waited_for)
    return std::shared_ptr<PartitionRunner>(std::make_shared<LoadingRunner>(*partition, before_loading));
  if (asked) return std::shared_ptr<PartitionRunner>(std::make_shared<AskedRunner>(partition->shared(), *asked));
  return std::shared_ptr<PartitionRunner>(partition->shared());
}

Status FixtureFactory::mark_deleted(const PartitionSpec& spec) {
  marked.push_back(spec.label());
  return {};
}

Status FixtureFactory::remove(const PartitionSpec& spec) {
  removed.push_back(spec.label());
  return {};
}

ServiceFixture::ServiceFixture()
    : hasher(KeyHasher::Secret{}),
      topics(metadata, factory, clock, Topics::Limits()),
      view(topics),
      parts{authorizer, metrics, clock, hasher, topics, background},
      produce(parts, 30'000, background),
      fetch(parts, 8u << 20, 300'000),
      offsets(parts),
      lookup(parts, 5'000),
      watch(parts),
      replay(parts) {}

ServiceFixture::~ServiceFixture() { run(); }

TopicPtr ServiceFixture::create(const std::string& name, int count, const SettingMap& settings) {
  auto created = topics.create(name, count, settings, false);
  REQUIRE_OK(created);
  run();
  return created->topic;
}

PartitionFixture& ServiceFixture::partition(const std::string& topic, int number) {
  return *factory.partitions.at(topic + "-" + std::to_string(number));
}

void ServiceFixture::run() {
  bool busy = true;
  while (busy) {
    busy = false;
    while (loop.turn()) busy = true;
    while (background.run_one()) busy = true;
    for (auto& [label, partition] : factory.partitions) {
      while (partition->flush().run_one()) busy = true;
      while (partition->background().run_one()) busy = true;
    }
  }
}

AppendResult ServiceFixture::put(const std::string& topic, const std::string& key,
                                 const std::optional<std::string>& value, int number) {
  if (const TopicPtr known = topics.find(topic)) partition(topic, number).send_under(known->config.partition.placement);
  return partition(topic, number).append({{key, value, {}}});
}

void ServiceFixture::make_read_only(const std::string& topic) {
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  partition(topic).disk().fail(fault);
  CHECK(put(topic, "lost", "1").error.code() == Errc::read_only);
  partition(topic).disk().clear_faults();
}

}  // namespace logcask::testing
