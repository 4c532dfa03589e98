// Writes records through the client library and waits for every ack. Latency: from the call of send() to the ack, of
// one record in 64, waiting in the batch included.
//   produce_load --broker H:P --records N --keys N --value-bytes N --acks 0|1|all --topic T --partitions N
//                --batch-bytes N --linger-ms N --in-flight N --buffer-bytes N --compression none|zstd|... --config
//                k=v,...
//                --seed N --depth N (records without an ack at a time; 0 = as many as fit buffer-bytes)
//                --pause-ms N (before each record; for --depth 1)
//                --from-callbacks 1 (each record is sent by the ack of the one before, on the client's thread)
#include <atomic>
#include <chrono>
#include <thread>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/load_topic.h"
#include "bench/workload.h"
#include "logcask/producer.h"

namespace logcask::bench {
namespace {

constexpr std::uint64_t kSampleEvery = 64;

struct Load {
  TopicFlags topic;
  std::uint64_t records, keys, seed, value_bytes, depth, pause_ms, from_callbacks;
  client::ProducerOptions producer;
};

Load read_flags(int argc, char** argv) {
  Flags flags(argc, argv);
  Load load{};
  load.topic = read_topic_flags(flags);
  load.records = flags.number("records", 1'000'000);
  load.keys = flags.number("keys", 100'000);
  load.seed = flags.number("seed", 1);
  load.value_bytes = flags.number("value-bytes", 1024);
  load.depth = flags.number("depth", 0);
  load.pause_ms = flags.number("pause-ms", 0);
  load.from_callbacks = flags.number("from-callbacks", 0);
  load.producer.acks = read_acks(flags);
  load.producer.batch_bytes = flags.number("batch-bytes", load.producer.batch_bytes);
  load.producer.linger_ms = static_cast<std::int64_t>(flags.number("linger-ms", 5));
  load.producer.max_in_flight = static_cast<int>(flags.number("in-flight", 5));
  load.producer.buffer_bytes = flags.number("buffer-bytes", load.producer.buffer_bytes);
  load.producer.compression = take(compression_from_name(flags.text("compression", "none")));
  flags.done();
  return load;
}

// What acks leave behind; the latency is touched by the client's thread only, until flush() has returned.
struct Acked {
  LatencyHistogram latency;
  std::atomic<std::uint64_t> records{0};
  std::atomic<bool> failed{false};
};

// One at a time as an event loop does it: no thread is woken between an ack and the next record.
class Chain {
 public:
  Chain(client::Producer& producer, const Load& load, LatencyHistogram& latency)
      : producer_(producer), load_(load), latency_(latency), keys_(load.keys, load.seed), values_(load.value_bytes) {}

  void run() {
    send();
    for (std::uint64_t done = acked_; done < load_.records; done = acked_) acked_.wait(done);
  }

 private:
  void send() {
    write_key(key_, keys_.next());
    const ByteView key(key_, kKeyBytes);
    client::OutRecord record;
    record.key = key;
    record.value = values_.make(key, acked_);
    take(producer_.send(record, [this, sent = now_ns()](const client::Delivery& delivery) {
      if (!delivery.ok()) die("a record was refused");
      latency_.add(now_ns() - sent);
      if (++acked_ < load_.records)
        send();
      else
        acked_.notify_one();
    }));
  }

  client::Producer& producer_;
  const Load& load_;
  LatencyHistogram& latency_;
  KeySequence keys_;
  Values values_;
  char key_[kKeyBytes];
  std::atomic<std::uint64_t> acked_{0};
};

void run(const Load& load) {
  const client::Client client = take(client::Client::connect(load.topic.broker));
  create_topic(client, load.topic);
  Acked acked;
  client::ProducerOptions options = load.producer;
  options.on_batch = [&acked](const client::BatchDelivery& batch) {
    if (!batch.status.ok()) acked.failed = true;
    acked.records.fetch_add(batch.records, std::memory_order_release);
    acked.records.notify_one();
  };
  auto producer = take(client::Producer::open(client, load.topic.name, options));
  if (load.from_callbacks > 0) {
    const Measurement measurement;
    Chain chain(producer, load, acked.latency);
    chain.run();
    measurement.stop(load.records, load.records * load.value_bytes);
    take(producer.flush());  // the last callback has returned
    return print_latency(acked.latency);
  }
  KeySequence keys(load.keys, load.seed);
  Values values(load.value_bytes);
  char key[kKeyBytes];
  const ByteView key_view(key, kKeyBytes);
  client::OutRecord record;
  record.key = key_view;
  const Measurement measurement;
  for (std::uint64_t i = 0; i < load.records && !acked.failed; ++i) {
    for (std::uint64_t done = acked.records; load.depth > 0 && i - done >= load.depth; done = acked.records)
      acked.records.wait(done);
    if (load.pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(load.pause_ms));
    write_key(key, keys.next());
    record.value = values.make(key_view, i);
    if (i % kSampleEvery != 0 && load.depth != 1) {
      take(producer.send(record));
      continue;
    }
    take(producer.send(record, [&acked, sent = now_ns()](const client::Delivery& delivery) {
      if (delivery.ok()) acked.latency.add(now_ns() - sent);
    }));
  }
  take(producer.flush());
  if (acked.records != load.records) die("only " + std::to_string(acked.records) + " records were acknowledged");
  measurement.stop(load.records, load.records * load.value_bytes);
  print_latency(acked.latency);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { logcask::bench::run(logcask::bench::read_flags(argc, argv)); }
