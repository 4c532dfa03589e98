// Loads a broker that speaks Kafka's wire through librdkafka, ours and a real Kafka alike. Keys and values are those of
// the other load programs.
//   kafka_load --mode produce --broker H:P --topic T --records N --keys N --value-bytes N --acks 0|1|all
//              --batch-bytes N --linger-ms N --in-flight N (requests; 0 = librdkafka's default, a million: at linger 0
//              each record is a request of its own) Latency: from the call that queues a record to its delivery report,
//              one record in 64.
//   kafka_load --mode fetch ... --records N --partitions N    from offset 0, timed from the first records on
//   kafka_load --mode e2e   ... --records N --rate N --value-bytes N --acks ... --in-flight N, linger 0
//              Latency: from when a record was due to when another client of the same broker has it.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <thread>
#include <utility>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire_load.h"
#include "bench/workload.h"

namespace logcask::bench {
namespace {

constexpr std::uint64_t kSampleEvery = 64;
constexpr int kAnswerMs = 60'000;

struct KafkaLoad : WireLoad {
  std::uint64_t partitions = 0, keys = 0, linger_ms = 0, in_flight = 0, rate = 0;
};

KafkaLoad read_kafka_load(int argc, char** argv) {
  Flags flags(argc, argv);
  KafkaLoad load{read_wire_load(flags)};
  load.partitions = flags.number("partitions", 1);
  load.keys = flags.number("keys", 100'000);
  load.linger_ms = flags.number("linger-ms", 5);
  load.in_flight = flags.number("in-flight", 5);
  load.rate = flags.number("rate", 5'000);
  flags.done();
  return load;
}

// A conf until make() hands it to librdkafka.
class KafkaConf {
 public:
  explicit KafkaConf(const KafkaLoad& load) {
    set("bootstrap.servers", load.broker);
    set("socket.nagle.disable", "true");
  }
  void set(const char* name, const std::string& value) {
    char why[256];
    if (rd_kafka_conf_set(conf_, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) die(why);
  }
  rd_kafka_conf_t* get() { return conf_; }
  rd_kafka_t* make(rd_kafka_type_t type) {
    char why[256];
    rd_kafka_t* handle = rd_kafka_new(type, conf_, why, sizeof why);
    if (handle == nullptr) die(why);
    return handle;
  }

 private:
  rd_kafka_conf_t* conf_ = rd_kafka_conf_new();
};

void check(rd_kafka_resp_err_t error, const char* what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die(std::string(what) + ": " + rd_kafka_err2str(error));
}

// ---- produce

// What delivery reports leave behind; touched by the thread that polls.
struct Delivered {
  LatencyHistogram latency;
  std::uint64_t records = 0;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  check(message->err, "a record was refused");
  auto& delivered = *static_cast<Delivered*>(opaque);
  ++delivered.records;
  const auto sent = reinterpret_cast<std::uintptr_t>(message->_private);
  if (sent != 0) delivered.latency.add(now_ns() - sent);
}

class KafkaProducer {
 public:
  KafkaProducer(const KafkaLoad& load, std::uint64_t linger_ms) {
    KafkaConf conf(load);
    conf.set("acks", load.acks);
    conf.set("linger.ms", std::to_string(linger_ms));
    conf.set("batch.size", std::to_string(load.batch_bytes));
    conf.set("batch.num.messages", "1000000");
    conf.set("queue.buffering.max.messages", "1000000");
    conf.set("queue.buffering.max.kbytes", "65536");
    if (load.in_flight > 0) conf.set("max.in.flight.requests.per.connection", std::to_string(load.in_flight));
    conf.set("partitioner", "murmur2_random");
    rd_kafka_conf_set_opaque(conf.get(), &delivered_);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    handle_ = conf.make(RD_KAFKA_PRODUCER);
    topic_ = rd_kafka_topic_new(handle_, load.topic.c_str(), nullptr);
    const rd_kafka_metadata_t* metadata = nullptr;  // so that the first record finds its partition
    check(rd_kafka_metadata(handle_, 0, topic_, &metadata, kAnswerMs), "metadata");
    rd_kafka_metadata_destroy(metadata);
  }
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  ~KafkaProducer() {
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(handle_);
  }

  // sent_ns: what its delivery is counted from, 0 not at all.
  void send(ByteView key, ByteView value, std::uint64_t sent_ns) {
    while (rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                            value.size(), key.data(), key.size(), reinterpret_cast<void*>(sent_ns)) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(rd_kafka_last_error(), "produce");
      rd_kafka_poll(handle_, 10);
    }
  }
  void poll() { rd_kafka_poll(handle_, 0); }
  void finish(std::uint64_t records) {
    check(rd_kafka_flush(handle_, kAnswerMs), "flush");
    if (delivered_.records != records) die("only " + std::to_string(delivered_.records) + " records were acknowledged");
  }
  const LatencyHistogram& latency() const { return delivered_.latency; }

 private:
  Delivered delivered_;
  rd_kafka_t* handle_;
  rd_kafka_topic_t* topic_;
};

void produce(const KafkaLoad& load) {
  KafkaProducer producer(load, load.linger_ms);
  KeySequence keys(load.keys, 1);
  Values values(load.value_bytes);
  char key[kKeyBytes];
  const ByteView key_view(key, kKeyBytes);
  const Measurement measurement;
  for (std::uint64_t i = 0; i < load.records; ++i) {
    write_key(key, keys.next());
    producer.send(key_view, values.make(key_view, i), i % kSampleEvery == 0 ? now_ns() : 0);
    if (i % kSampleEvery == 0) producer.poll();
  }
  producer.finish(load.records);
  measurement.stop(load.records, load.records * load.value_bytes);
  print_latency(producer.latency());
}

// ---- fetch

class KafkaConsumer {
 public:
  KafkaConsumer(const KafkaLoad& load, std::int64_t from) {
    KafkaConf conf(load);
    conf.set("group.id", "kafka_load");
    conf.set("enable.auto.commit", "false");
    conf.set("enable.partition.eof", "true");
    conf.set("queued.min.messages", "1000000");
    // As much as there is: a full queue makes librdkafka 2.0 wait for a second.
    conf.set("queued.max.messages.kbytes", "2097151");
    conf.set("check.crcs", "true");
    handle_ = conf.make(RD_KAFKA_CONSUMER);
    rd_kafka_poll_set_consumer(handle_);
    auto* partitions = rd_kafka_topic_partition_list_new(static_cast<int>(load.partitions));
    for (std::uint64_t p = 0; p < load.partitions; ++p)
      rd_kafka_topic_partition_list_add(partitions, load.topic.c_str(), static_cast<int>(p))->offset = from;
    check(rd_kafka_assign(handle_, partitions), "assign");
    rd_kafka_topic_partition_list_destroy(partitions);
    queue_ = rd_kafka_queue_get_consumer(handle_);
  }

  // Waits for a record and takes what came with it: on_value for each; returns how many partitions have been read to
  // their end.
  template <class OnValue>
  std::uint64_t poll(const OnValue& on_value) {
    rd_kafka_message_t* messages[1000];
    messages[0] = rd_kafka_consumer_poll(handle_, 10'000);
    if (messages[0] == nullptr) die("nothing came in 10 s");
    // With a timeout it would wait for a thousand.
    const ssize_t more = rd_kafka_consume_batch_queue(queue_, 0, messages + 1, std::size(messages) - 1);
    std::uint64_t ends = 0;
    for (ssize_t i = 0; i <= std::max<ssize_t>(more, 0); ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        ++ends;
      else
        take_message(*messages[i], on_value);
      rd_kafka_message_destroy(messages[i]);
    }
    return ends;
  }

 private:
  template <class OnValue>
  static void take_message(const rd_kafka_message_t& message, const OnValue& on_value) {
    check(message.err, "consume");
    on_value(ByteView(static_cast<const char*>(message.payload), message.len));
  }

  rd_kafka_t* handle_;
  rd_kafka_queue_t* queue_;
};

void fetch(const KafkaLoad& load) {
  // By number: to find the beginning takes librdkafka half a second.
  KafkaConsumer consumer(load, 0);
  std::uint64_t records = 0, bytes = 0;
  const auto count = [&](ByteView value) {
    ++records;
    bytes += value.size();
  };
  consumer.poll(count);  // connected, and has begun
  const std::uint64_t first = std::exchange(records, 0);
  bytes = 0;
  const Measurement measurement;
  while (records + first < load.records) consumer.poll(count);
  measurement.stop(records, bytes);
}

// ---- end to end

void receive(KafkaConsumer& consumer, std::uint64_t records, LatencyHistogram& latency) {
  while (latency.count() < records)
    consumer.poll([&](ByteView value) {
      std::uint64_t due = 0;
      std::memcpy(&due, value.data(), sizeof due);
      latency.add(now_ns() - due);
    });
}

// The value begins with the time it was due.
void send_at_rate(const KafkaLoad& load, KafkaProducer& producer) {
  std::string value(load.value_bytes, 'v');
  char key[kKeyBytes];
  Random random(1);
  const std::uint64_t start = now_ns() + 10'000'000;
  for (std::uint64_t i = 0; i < load.records; ++i) {
    const std::uint64_t due = start + i * 1'000'000'000 / load.rate;
    producer.poll();
    if (due > now_ns()) sleep_until(due);
    std::memcpy(value.data(), &due, sizeof due);
    write_key(key, random.below(load.keys));
    producer.send(ByteView(key, kKeyBytes), value, 0);
  }
  producer.finish(load.records);
}

void end_to_end(const KafkaLoad& load) {
  KafkaConsumer consumer(load, RD_KAFKA_OFFSET_END);
  for (std::uint64_t ends = 0; ends < load.partitions;) ends += consumer.poll([](ByteView) {});
  KafkaProducer producer(load, 0);
  const Measurement measurement;
  LatencyHistogram latency;
  std::thread reader([&] { receive(consumer, load.records, latency); });
  send_at_rate(load, producer);
  reader.join();
  measurement.stop(load.records, load.records * load.value_bytes);
  print_latency(latency);
}

void run_kafka_load(const KafkaLoad& load) {
  if (load.value_bytes < kValueHeadBytes || load.rate == 0) die("--value-bytes is at least 30, --rate at least 1");
  if (load.mode == "produce") return produce(load);
  if (load.mode == "fetch") return fetch(load);
  if (load.mode == "e2e") return end_to_end(load);
  die("--mode is produce, fetch or e2e");
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) {
  logcask::bench::run_kafka_load(logcask::bench::read_kafka_load(argc, argv));
  std::fflush(stdout);
  std::_Exit(0);  // a consumer that is closed waits for the fetch it has out
}
