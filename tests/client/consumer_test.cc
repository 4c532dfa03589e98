#include "logcask/consumer.h"

#include <optional>
#include <thread>
#include <utility>

#include "logcask/producer.h"
#include "tests/client/memory_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

void fill(const Client& client, int from, int count, Compression codec = Compression::none) {
  ProducerOptions options;
  options.batch_bytes = 500;
  options.compression = codec;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  for (int i = from; i < from + count; ++i) {
    const std::string key = "k" + std::to_string(i);
    OutRecord record;
    record.key = key;
    record.value = key;
    record.partition = PartitionId(0);
    REQUIRE_OK(producer->send(record));
  }
  REQUIRE_OK(producer->flush());
}

// Polls until `count` records came; their keys in order.
std::vector<std::string> read(Consumer& consumer, std::size_t count) {
  std::vector<std::string> keys;
  for (int i = 0; i < 500 && keys.size() < count; ++i) {
    const auto polled = consumer.poll(100);
    REQUIRE_OK(polled);
    for (const ReadRecord& record : polled->records) keys.emplace_back(*record.key);
  }
  return keys;
}

std::vector<std::string> keys_from(int from, int count) {
  std::vector<std::string> keys;
  for (int i = from; i < from + count; ++i) keys.push_back("k" + std::to_string(i));
  return keys;
}

TEST_CASE("A consumer reads all there is and then what comes, in every codec") {
  for (const Compression codec : {Compression::none, Compression::snappy, Compression::zstd}) {
    MemoryBroker broker(2);
    const Client client = connect(broker.address());
    fill(client, 0, 300, codec);
    ConsumerOptions options;
    options.max_poll_records = 37;
    auto consumer = Consumer::open(client, "t", StartAt::earliest(), {}, options);
    REQUIRE_OK(consumer);
    CHECK(read(*consumer, 300) == keys_from(0, 300));
    CHECK(consumer->position(PartitionId(0)) == Offset(300));
    CHECK(consumer->end_offset(PartitionId(0)) == Offset(300));
    fill(client, 300, 50, codec);
    CHECK(read(*consumer, 50) == keys_from(300, 50));
  }
}

TEST_CASE("A consumer begins where it is told") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 100);
  auto middle = Consumer::open(client, "t", StartAt::offset(Offset(60)));
  REQUIRE_OK(middle);
  CHECK(read(*middle, 40) == keys_from(60, 40));
  auto latest = Consumer::open(client, "t", StartAt::latest());
  REQUIRE_OK(latest);
  CHECK(latest->poll(20)->records.empty());
  CHECK(latest->at_end());
  auto future = Consumer::open(client, "t", StartAt::timestamp(TimestampMs(99999999999999)));
  REQUIRE_OK(future);
  CHECK(future->position(PartitionId(0)) == Offset(100));
}

TEST_CASE("Reading goes on through lost connections without gap or repeat") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 500);
  ConsumerOptions options;
  options.max_poll_records = 50;
  auto consumer = Consumer::open(client, "t", StartAt::earliest(), {}, options);
  REQUIRE_OK(consumer);
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) {
    for (const std::string& key : read(*consumer, 50)) keys.push_back(key);
    broker.hang_up_all();
  }
  CHECK(keys == keys_from(0, 500));
}

TEST_CASE("A seek takes the consumer back") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 100);
  auto consumer = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(consumer);
  CHECK(read(*consumer, 100) == keys_from(0, 100));
  REQUIRE_OK(consumer->seek(PartitionId(0), Offset(90)));
  CHECK(consumer->position(PartitionId(0)) == Offset(90));
  CHECK(read(*consumer, 10) == keys_from(90, 10));
  CHECK(consumer->seek(PartitionId(5), Offset(0)).code() == Errc::unknown_partition);
}

TEST_CASE("Committed positions are where the group goes on") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 100);
  ConsumerOptions options;
  options.group = "g";
  options.max_poll_records = 30;
  {
    auto consumer = Consumer::open(client, "t", StartAt::committed(), {}, options);
    REQUIRE_OK(consumer);
    CHECK(consumer->committed(PartitionId(0)).value() == std::nullopt);
    CHECK(read(*consumer, 30) == keys_from(0, 30));
    REQUIRE_OK(consumer->commit());
  }
  auto consumer = Consumer::open(client, "t", StartAt::committed(), {}, options);
  REQUIRE_OK(consumer);
  CHECK(consumer->committed(PartitionId(0)).value() == Offset(30));
  CHECK(read(*consumer, 30) == keys_from(30, 30));
  auto without = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(without);
  CHECK(without->commit().code() == Errc::invalid_argument);
}

TEST_CASE("A start beyond the end is refused when the consumer is opened, or moved as out_of_range says") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 100);
  const auto refused = Consumer::open(client, "t", StartAt::offset(Offset(101)));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Errc::offset_out_of_range);
  CHECK(refused.error().message == "t-0: offset 101 is beyond the end, 100");
  REQUIRE_OK(Consumer::open(client, "t", StartAt::offset(Offset(100))));
  ConsumerOptions options;
  options.out_of_range = ConsumerOptions::OutOfRange::latest;
  auto latest = Consumer::open(client, "t", StartAt::offset(Offset(999)), {}, options);
  REQUIRE_OK(latest);
  CHECK(latest->position(PartitionId(0)) == Offset(100));
  options.out_of_range = ConsumerOptions::OutOfRange::earliest;
  auto earliest = Consumer::open(client, "t", StartAt::offset(Offset(999)), {}, options);
  REQUIRE_OK(earliest);
  CHECK(earliest->position(PartitionId(0)) == Offset(0));
}

TEST_CASE("A blocked poll is woken by another thread, once") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto consumer = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(consumer);
  std::thread waker([&] { consumer->wake_up(); });
  const auto polled = consumer->poll(600000);
  waker.join();
  REQUIRE_OK(polled);
  CHECK(polled->woken);
  CHECK(polled->records.empty());
  const auto next = consumer->poll(1);
  REQUIRE_OK(next);
  CHECK_FALSE(next->woken);
}

TEST_CASE("A wake-up is told by the next poll, also when that brings records") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  fill(client, 0, 3);
  ConsumerOptions options;
  options.max_poll_records = 1;
  auto consumer = Consumer::open(client, "t", StartAt::earliest(), {}, options);
  REQUIRE_OK(consumer);
  REQUIRE(consumer->poll(600000)->records.size() == 1);
  consumer->wake_up();
  // Fetched or not yet: the wake-up itself brings none.
  bool told = false;
  std::size_t records = 1;
  while (records < 3) {
    const auto polled = consumer->poll(600000);
    REQUIRE_OK(polled);
    CHECK(polled->woken == !std::exchange(told, true));
    records += polled->records.size();
  }
}

TEST_CASE("A poll without records tells no contact from no news") {
  std::optional<MemoryBroker> broker(std::in_place, 1);
  const Client client = connect(broker->address());
  auto consumer = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(consumer);
  bool heard = false;
  for (int i = 0; i < 1000 && !heard; ++i) {
    const auto no_news = consumer->poll(10);
    REQUIRE_OK(no_news);
    CHECK(no_news->records.empty());
    heard = consumer->contact().silent_ms >= 0;
  }
  REQUIRE(heard);
  broker.reset();
  bool told = false;
  for (int i = 0; i < 1000 && !told; ++i) {
    const auto polled = consumer->poll(10);
    REQUIRE_OK(polled);
    told = polled->no_contact;
  }
  CHECK(told);
  const Contact contact = consumer->contact();
  CHECK_FALSE(contact.connected);
  CHECK(contact.silent_ms >= 0);
  CHECK((contact.trouble.code == Errc::connection_lost || contact.trouble.code == Errc::connect_failed));
}

TEST_CASE("An owned record outlives the poll that showed it") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  const HeaderView headers[] = {{"name", "value"}, {"null", std::nullopt}};
  OutRecord out = record_of("key", "value");
  out.headers = headers;
  out.timestamp = TimestampMs(5);
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  REQUIRE(producer->send_and_wait(out).ok());
  OwnedRecord kept;
  {
    auto consumer = Consumer::open(client, "t", StartAt::earliest());
    REQUIRE_OK(consumer);
    const auto polled = consumer->poll(10000);
    REQUIRE_OK(polled);
    REQUIRE(polled->records.size() == 1);
    kept = OwnedRecord(polled->records[0]);
  }
  CHECK(kept.key == "key");
  CHECK(kept.value == "value");
  CHECK_FALSE(kept.tombstone());
  CHECK(kept.offset == Offset(0));
  CHECK(kept.timestamp == TimestampMs(5));
  REQUIRE(kept.headers.size() == 2);
  CHECK(kept.headers[0].name == "name");
  CHECK(kept.headers[0].value == "value");
  CHECK(kept.headers[1].value == std::nullopt);
}

TEST_CASE("A position beyond the end is told with the partition's name, once") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto consumer = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(consumer);
  REQUIRE_OK(consumer->seek(PartitionId(0), Offset(7)));
  const auto polled = consumer->poll(5000);
  REQUIRE_FALSE(polled.ok());
  CHECK(polled.code() == Errc::offset_out_of_range);
  CHECK(polled.error().message.find("t-0") != std::string::npos);
  CHECK(consumer->poll(5).ok());
}

TEST_CASE("Partitions and topics that are not there are refused when the consumer is opened") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  CHECK(Consumer::open(client, "nope", StartAt::earliest()).code() == Errc::unknown_topic);
  CHECK(Consumer::open(client, "t", StartAt::earliest(), {PartitionId(1)}).code() == Errc::unknown_partition);
}

}  // namespace
}  // namespace logcask::client
