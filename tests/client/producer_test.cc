#include "logcask/producer.h"

#include "tests/client/memory_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

std::size_t records_in(MemoryBroker& broker, int partitions) {
  std::size_t count = 0;
  for (int p = 0; p < partitions; ++p) count += broker.with(p, [](ModelPartition& m) { return m.records().size(); });
  return count;
}

TEST_CASE("A record sent alone comes back with its partition and offset") {
  MemoryBroker broker(3);
  const Client client = connect(broker.address());
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  const Delivery first = producer->send_and_wait(record_of("21", "v"));
  REQUIRE_OK(first.status);
  CHECK(first.partition == PartitionId((-973932308 & 0x7fffffff) % 3));  // as Kafka's Java client puts it
  CHECK(first.partition == producer->partition_of("21"));
  CHECK(first.offset == Offset(0));
  CHECK(first.timestamp.value() > 0);
  CHECK(producer->send_and_wait(record_of("21", "w")).offset == Offset(1));
}

TEST_CASE("Headers, tombstones and codecs reach the broker as they were given") {
  for (const Compression codec :
       {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
    MemoryBroker broker(1);
    const Client client = connect(broker.address());
    ProducerOptions options = quick();
    options.compression = codec;
    auto producer = Producer::open(client, "t", options);
    REQUIRE_OK(producer);
    const HeaderView headers[] = {{"a", "1"}, {"b", std::nullopt}};
    const std::string value(500, 'x');
    OutRecord record = record_of("k", value);
    record.headers = headers;
    REQUIRE_OK(producer->send(record));
    OutRecord tombstone;
    tombstone.key = "gone";
    REQUIRE_OK(producer->send(tombstone));
    REQUIRE_OK(producer->flush());
    broker.with(0, [&](ModelPartition& partition) {
      REQUIRE(partition.records().size() == 2);
      CHECK(partition.records()[0].value == std::string(500, 'x'));
      CHECK(partition.records()[0].headers == 2);
      CHECK_FALSE(partition.records()[1].value.has_value());
      return 0;
    });
  }
}

TEST_CASE("Every record arrives once and in order though the connection is cut again and again") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.batch_bytes = 2000;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  broker.cut_every(7);
  std::atomic<int> delivered{0};
  for (int i = 0; i < 5000; ++i)
    REQUIRE_OK(producer->send(record_of("k" + std::to_string(i), "v"), [&](const Delivery& delivery) {
      if (delivery.ok()) ++delivered;
    }));
  REQUIRE_OK(producer->flush());
  CHECK(delivered == 5000);
  CHECK(records_in(broker, 2) == 5000);
  CHECK(broker.server().connections_made() > 3);
  for (int p = 0; p < 2; ++p) {
    int last = -1;
    broker.with(p, [&](ModelPartition& partition) {
      for (const ModelRecord& record : partition.records()) {
        const int number = std::stoi(record.key.substr(1));
        CHECK(number > last);
        last = number;
      }
      return 0;
    });
  }
}

TEST_CASE("Conditions decide per record, and a failure tells where the key is") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  OutRecord create = record_of("k", "1");
  create.condition = Condition::absent();
  const Delivery created = producer->send_and_wait(create);
  REQUIRE_OK(created.status);
  const Delivery again = producer->send_and_wait(create);
  CHECK(again.status.code() == Errc::condition_failed);
  CHECK(again.current_offset == created.offset);
  OutRecord update = record_of("k", "2");
  update.condition = Condition::at(created.offset);
  CHECK(producer->send_and_wait(update).ok());
  CHECK(producer->send_and_wait(update).status.code() == Errc::condition_failed);
}

TEST_CASE("A full buffer fails at once or waits, as told") {
  FakeBroker silent([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    v1::ResponseHeader header;
    if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(1);
    if (request.has_init_producer_id()) header.mutable_init_producer_id()->set_producer_id(1);
    if (!request.has_produce()) peer->reply(request.correlation_id(), std::move(header));
  });
  auto client = Client::connect(silent.address());
  REQUIRE_OK(client);
  ProducerOptions options = quick();
  options.buffer_bytes = 2000;
  options.block_ms = 20;
  auto producer = Producer::open(*client, "t", options);
  REQUIRE_OK(producer);
  Status status;
  int taken = 0;
  for (; status.ok() && taken < 100; ++taken) status = producer->send(record_of("k", std::string(100, 'x')));
  CHECK(status.code() == Errc::limit_exceeded);
  CHECK(taken > 10);
  CHECK(producer->flush(20).code() == Errc::timed_out);
  CHECK(producer->close(20).code() == Errc::timed_out);
  CHECK(producer->send(record_of("k", "v")).code() == Errc::cancelled);
}

TEST_CASE("Without acks the records are handed over and reported without an offset") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.acks = Acks::none;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  for (int i = 0; i < 100; ++i) REQUIRE_OK(producer->send(record_of("k" + std::to_string(i), "v")));
  const Delivery delivery = producer->send_and_wait(record_of("last", "v"));
  REQUIRE_OK(delivery.status);
  CHECK(delivery.offset == kNoOffset);
  REQUIRE_OK(producer->flush());
}

TEST_CASE("Records without key stay together and move on with the batch") {
  MemoryBroker broker(4);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.linger_ms = 1000;
  options.batch_bytes = 1000;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  OutRecord record;
  record.value = "0123456789";
  for (int i = 0; i < 2000; ++i) REQUIRE_OK(producer->send(record));
  REQUIRE_OK(producer->flush());
  for (int p = 0; p < 4; ++p) CHECK(broker.with(p, [](ModelPartition& m) { return m.records().size(); }) > 300);
  CHECK(broker.produce_requests() < 100);
}

TEST_CASE("A topic that is not there is named when the producer is opened") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  CHECK(Producer::open(client, "nope").code() == Errc::unknown_topic);
}

TEST_CASE("A partition that is not there is refused by send") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  OutRecord record = record_of("k", "v");
  record.partition = PartitionId(2);
  CHECK(producer->send(record).code() == Errc::unknown_partition);
}

TEST_CASE("Several threads send through one producer") {
  MemoryBroker broker(3);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.batch_bytes = 4000;
  std::atomic<std::size_t> counted{0};
  options.on_batch = [&](const BatchDelivery& batch) {
    if (batch.status.ok()) counted += batch.records;
  };
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const Status status = producer->send(record_of(std::to_string(t) + "-" + std::to_string(i), "v"));
        if (!status.ok()) std::abort();
      }
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE_OK(producer->flush());
  CHECK(counted == 8000);
  CHECK(records_in(broker, 3) == 8000);
}

}  // namespace
}  // namespace logcask::client
