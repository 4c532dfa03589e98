#include "tests/golden/golden.h"

#include <set>
#include <sstream>
#include <thread>

#include "broker/log.h"
#include "broker/settings/config_sources.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"
#include "logcask/replay.h"
#include "logcask/table.h"
#include "segment/digest.h"
#include "tests/broker/native/native_client.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

std::string in_words(std::optional<ByteView> value) {
  if (!value) return "deleted";
  // Long ones by their digest.
  return value->size() <= 40 ? "'" + std::string(*value) + "'"
                             : std::to_string(value->size()) + " bytes " + std::to_string(xxh3_64(*value));
}

template <class Headers>
std::string headers_in_words(const Headers& headers) {
  std::string words;
  for (const auto& header : headers)
    words += " [" + std::string(header.name) + "=" +
             in_words(header.value ? std::optional<ByteView>(*header.value) : std::nullopt) + "]";
  return words;
}

std::string record_in_words(const client::ReadRecord& record) {
  std::ostringstream out;
  out << record.partition.value() << ":" << record.offset.value() << " at " << record.timestamp.value() << " "
      << (record.key ? std::string(*record.key) : "no key") << " = " << in_words(record.value)
      << headers_in_words(record.headers());
  return out.str();
}

std::uint16_t port_of(const Broker& broker) { return broker.native_address().port; }

void describe_topic(client::Admin& admin, const std::string& name, std::ostream& out) {
  const auto topic = admin.describe_topic(name);
  REQUIRE_OK(topic);
  out << "topic " << name << " " << topic->id.to_hex() << "\n";
  for (const auto& setting : topic->settings)
    if (!setting.is_default) out << "  setting " << setting.name << " = " << setting.value << "\n";
  for (const auto& p : topic->partitions) {
    out << "  partition " << p.partition.value() << " " << p.state << p.reason << ", log start " << p.log_start.value();
    if (topic->internal) {
      out << "\n";
      continue;  // they go on by themselves: reserved producer ids, compaction, rolls
    }
    out << ", high watermark " << p.committed_end.value();
    out << ", next offset " << p.next_offset.value() << ", tombstone horizon " << p.tombstone_horizon.value()
        << ", leader epoch " << p.leader_epoch << ", live keys " << p.live_keys << ", deleted keys " << p.deleted_keys
        << "\n";
  }
  if (topic->internal) return;
  const auto segments = admin.segments(name);
  REQUIRE_OK(segments);
  for (const auto& s : *segments)
    out << "  segment " << s.partition.value() << ":" << s.base_offset.value() << "." << s.generation.value() << " "
        << s.state << ", next offset " << s.next_offset.value() << ", records " << s.records << ", live values "
        << s.live_values << ", live tombstones " << s.live_tombstones << ", bytes " << s.size_bytes
        << ", compacted through " << s.compacted_through.value() << ", appended " << s.first_append.value() << " to "
        << s.last_append.value() << "\n";
}

std::set<std::string> describe_records(const client::Client& client, const std::string& topic, std::ostream& out) {
  auto consumer = client::Consumer::open(client, topic, client::StartAt::earliest());
  REQUIRE_OK(consumer);
  std::map<std::pair<int, std::int64_t>, std::string> records;
  std::set<std::string> keys;
  while (true) {
    const auto polled = consumer->poll(10'000);
    REQUIRE_OK(polled);
    for (const auto& record : polled->records) {
      records[{record.partition.value(), record.offset.value()}] = record_in_words(record);
      if (record.key) keys.insert(std::string(*record.key));
    }
    if (consumer->at_end()) break;
  }
  for (const auto& [place, words] : records) out << "record " << topic << " " << words << "\n";
  return keys;
}

// Keys that compaction has left nothing of, and one that never was.
const char* const kGoneKeys[] = {"gone-0", "gone-1", "never"};

void describe_replay(const client::Client& client, std::ostream& out) {
  client::ReplayOptions options;
  options.stop_at_caught_up = true;
  auto replay = client::Replay::open(client, kGoldenTopic, options);
  REQUIRE_OK(replay);
  while (true) {
    const auto event = replay->poll(10'000);
    REQUIRE_OK(event);
    for (const auto& record : event->records) out << "live " << record_in_words(record) << "\n";
    if (event->kind == client::ReplayEvent::Kind::caught_up)
      out << "caught up at " << event->caught_up_offset.value() << "\n";
    if (event->kind == client::ReplayEvent::Kind::finished) return;
    REQUIRE(event->kind != client::ReplayEvent::Kind::none);
    REQUIRE(event->kind != client::ReplayEvent::Kind::horizon_passed);
  }
}

void describe_groups(client::Admin& admin, std::ostream& out) {
  const auto groups = admin.list_groups();
  REQUIRE_OK(groups);
  for (const auto& group : *groups) {
    const auto described = admin.describe_group(group.name);
    REQUIRE_OK(described);
    for (const auto& o : described->offsets) {
      if (o.offset == kNoOffset) continue;
      out << "group " << group.name << " " << o.topic << "-" << o.partition.value() << " offset " << o.offset.value()
          << " '" << o.metadata << "' committed at " << o.committed_at.value() << " of " << o.committed_end.value()
          << "\n";
    }
  }
}

}  // namespace

GoldenBroker::GoldenBroker(const std::string& data_directory) {
  ConfigSources sources;
  sources.flags = {{"data.dir", data_directory}, {"listen", "127.0.0.1:0"}, {"log.level", "warn"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  set_log_level(config->log_level);
  auto started = Broker::start(*config, "test");
  REQUIRE_OK(started);
  broker_ = *std::move(started);
  auto connected = client::Client::connect("127.0.0.1:" + std::to_string(port_of(*broker_)));
  REQUIRE_OK(connected);
  client_ = *std::move(connected);
  wait_until_loaded();
}

GoldenBroker::~GoldenBroker() = default;

void GoldenBroker::wait_until_loaded() {
  client::Admin admin(*client_);
  while (true) {
    const auto described = admin.describe_broker();
    REQUIRE_OK(described);
    if (described->partitions_loading == 0) return;
    std::this_thread::yield();
  }
}

GoldenBroker::Produced GoldenBroker::produce(const std::string& topic, PartitionId partition,
                                             const std::string& batch) {
  NativeClient native(port_of(*broker_));
  v1::RequestHeader request;
  auto& produce = *request.mutable_produce();
  produce.set_acks(v1::ProduceRequest::ACKS_ALL);
  auto& entry = *produce.add_entries();
  entry.set_topic(topic);
  entry.set_partition(static_cast<std::uint32_t>(partition.value()));
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  const NativeAnswer answer = native.call(request, batch);
  INFO(answer.header.error_message());
  REQUIRE(answer.header.error_code() == 0);
  const auto& result = answer.header.produce().results(0);
  INFO(result.error().message());
  REQUIRE(result.error().code() == 0);
  return {result.base_offset(), result.duplicate()};
}

std::int64_t GoldenBroker::init_producer() {
  NativeClient native(port_of(*broker_));
  v1::RequestHeader request;
  request.mutable_init_producer_id()->set_producer_id(-1);
  const NativeAnswer answer = native.call(request);
  REQUIRE(answer.header.error_code() == 0);
  return answer.header.init_producer_id().producer_id();
}

void GoldenBroker::compact(const std::string& topic) {
  const auto done = client::Admin(*client_).compact(topic, client::kAllPartitions, true);
  REQUIRE_OK(done);
  for (const auto& partition : *done) {
    INFO(partition.error.message);
    REQUIRE(partition.error.code == Errc::ok);
  }
}

std::string GoldenBroker::describe() {
  client::Admin admin(*client_);
  std::ostringstream out;
  const auto broker = admin.describe_broker();
  REQUIRE_OK(broker);
  out << "cluster " << broker->cluster_id << "\n";
  const auto topics = admin.list_topics(true);
  REQUIRE_OK(topics);
  for (const auto& topic : *topics) describe_topic(admin, topic.name, out);
  std::set<std::string> keys = describe_records(*client_, kGoldenTopic, out);
  describe_records(*client_, kGoldenEvents, out);
  keys.insert(std::begin(kGoneKeys), std::end(kGoneKeys));
  auto table = client::Table::open(*client_, kGoldenTopic);
  REQUIRE_OK(table);
  for (const std::string& key : keys) {
    const auto got = table->get(key);
    REQUIRE_OK(got);
    REQUIRE(got->status != client::Lookup::Status::failed);
    out << "get " << key << ": ";
    if (got->status == client::Lookup::Status::absent) {
      out << "absent\n";
      continue;
    }
    out << in_words(got->found() ? std::optional<ByteView>(got->value) : std::nullopt) << " offset "
        << got->offset.value();
    if (got->found()) out << " at " << got->timestamp.value() << headers_in_words(got->headers);
    out << "\n";
  }
  describe_replay(*client_, out);
  describe_groups(admin, out);
  return out.str();
}

std::map<std::string, std::optional<std::string>> GoldenBroker::lookups() {
  std::ostringstream ignored;
  std::set<std::string> keys = describe_records(*client_, kGoldenTopic, ignored);
  keys.insert(std::begin(kGoneKeys), std::end(kGoneKeys));
  auto table = client::Table::open(*client_, kGoldenTopic);
  REQUIRE_OK(table);
  std::map<std::string, std::optional<std::string>> answers;
  for (const std::string& key : keys) {
    const auto got = table->get(key);
    REQUIRE_OK(got);
    REQUIRE(got->status != client::Lookup::Status::failed);
    answers[key] = got->found() ? std::optional<std::string>(got->value) : std::nullopt;
  }
  return answers;
}

void GoldenBroker::stop() {
  client_->close();
  client_.reset();
  CHECK(broker_->stop());
  broker_.reset();
}

std::string golden_producer_batch(std::int64_t producer_id, std::int32_t sequence) {
  return make_batch({{kGoldenProducerKey, "sequence " + std::to_string(sequence), {}}},
                    {Compression::none, ProducerId(producer_id), 0, sequence}, TimestampMs(1'700'000'009'000));
}

}  // namespace logcask::testing
