// End to end: records are sent at a fixed rate, a consumer of another client reads them as they come. Latency: from the
// moment the record was due to be sent (not from when it was) to the return of the poll that showed it.
//   e2e_load --broker H:P --topic T --records N --rate N --value-bytes N --acks 0|1|all --partitions N --config k=v,...
#include <cstring>
#include <thread>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/load_topic.h"
#include "bench/workload.h"
#include "logcask/consumer.h"
#include "logcask/producer.h"

namespace logcask::bench {
namespace {

struct Load {
  TopicFlags topic;
  std::uint64_t records, rate, value_bytes;
  client::Acks acks;
};

// The value begins with the time it was due.
LatencyHistogram receive(const Load& load, client::Consumer consumer) {
  LatencyHistogram latency;
  while (latency.count() < load.records) {
    const auto polled = take(consumer.poll(10'000));
    const std::uint64_t now = now_ns();
    if (polled.records.empty()) die("nothing came in 10 s");
    for (const auto& record : polled.records) {
      std::uint64_t due = 0;
      std::memcpy(&due, record.value->data(), sizeof due);
      latency.add(now > due ? now - due : 0);
    }
  }
  return latency;
}

void send(const Load& load, client::Producer& producer) {
  std::string value(load.value_bytes, 'v');
  char key[kKeyBytes];
  Random random(1);
  const std::uint64_t start = now_ns() + 10'000'000;
  for (std::uint64_t i = 0; i < load.records; ++i) {
    const std::uint64_t due = start + i * 1'000'000'000 / load.rate;
    if (due > now_ns()) sleep_until(due);
    std::memcpy(value.data(), &due, sizeof due);
    write_key(key, random.below(100'000));
    client::OutRecord record;
    record.key = ByteView(key, kKeyBytes);
    record.value = value;
    take(producer.send(record));
  }
  take(producer.flush());
}

void run(const Load& load) {
  const client::Client sender = take(client::Client::connect(load.topic.broker));
  create_topic(sender, load.topic);
  const client::Client receiver = take(client::Client::connect(load.topic.broker));
  client::ConsumerOptions reading;
  auto consumer = take(client::Consumer::open(receiver, load.topic.name, client::StartAt::latest(), {}, reading));
  client::ProducerOptions writing;
  writing.acks = load.acks;
  writing.linger_ms = 0;
  auto producer = take(client::Producer::open(sender, load.topic.name, writing));
  const Measurement measurement;
  LatencyHistogram latency;
  std::thread reader([&] { latency = receive(load, std::move(consumer)); });
  send(load, producer);
  reader.join();
  measurement.stop(load.records, load.records * load.value_bytes);
  print_latency(latency);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) {
  using namespace logcask::bench;
  Flags flags(argc, argv);
  Load load{};
  load.topic = read_topic_flags(flags);
  load.records = flags.number("records", 100'000);
  load.rate = flags.number("rate", 20'000);
  load.value_bytes = flags.number("value-bytes", 1024);
  load.acks = read_acks(flags);
  flags.done();
  if (load.value_bytes < 8 || load.rate == 0) die("--value-bytes is at least 8, --rate at least 1");
  run(load);
}
