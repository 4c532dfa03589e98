// Reads a topic from the start through the client library, with several consumers at once, each a client of its own.
// Latency: of one poll() that returned records.
//   fetch_load --broker H:P --topic T --records N (of one consumer) --consumers N
#include <thread>

#include "bench/figures.h"
#include "bench/flags.h"
#include "logcask/consumer.h"

namespace logcask::bench {
namespace {

struct Read {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  LatencyHistogram latency;
};

Read read_topic(const std::string& broker, const std::string& topic, std::uint64_t records) {
  const client::Client client = take(client::Client::connect(broker));
  auto consumer = take(client::Consumer::open(client, topic, client::StartAt::earliest()));
  Read read;
  while (read.records < records) {
    const std::uint64_t asked = now_ns();
    const auto polled = take(consumer.poll(10'000));
    if (polled.records.empty()) die("nothing came in 10 s; the topic holds fewer than --records");
    read.latency.add(now_ns() - asked);
    read.records += polled.records.size();
    for (const auto& record : polled.records) read.bytes += record.value ? record.value->size() : 0;
  }
  return read;
}

void run(int argc, char** argv) {
  Flags flags(argc, argv);
  const std::string broker = flags.text("broker", "127.0.0.1:7440");
  const std::string topic = flags.text("topic", "bench");
  const std::uint64_t records = flags.number("records", 1'000'000);
  std::vector<Read> reads(flags.number("consumers", 1));
  flags.done();
  const Measurement measurement;
  std::vector<std::thread> threads;
  for (Read& read : reads)
    threads.emplace_back([&read, &broker, &topic, records] { read = read_topic(broker, topic, records); });
  for (auto& thread : threads) thread.join();
  Read all;
  for (const Read& read : reads) {
    all.records += read.records;
    all.bytes += read.bytes;
    all.latency.merge(read.latency);
  }
  measurement.stop(all.records, all.bytes);
  print_latency(all.latency);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { logcask::bench::run(argc, argv); }
