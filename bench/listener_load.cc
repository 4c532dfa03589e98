// The same record batches through either listener, by a client that does almost nothing: what is measured is the
// broker. One socket, one thread, no compression; the batch is made once and sent again and again.
//   listener_load --protocol kafka|native --mode produce --broker H:P --topic T (of one partition) --records N
//                 --value-bytes N --batch-bytes N (about) --acks 1|all --depth N (requests without an answer at a time)
//   listener_load ... --mode fetch ... --records N --fetch-bytes N (of one answer); from offset 0, one request at a
//   time
#include <ctime>
#include <memory>
#include <vector>

#include "base/coding.h"
#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire.h"
#include "bench/wire_load.h"
#include "bench/workload.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"
#include "proto/kafka/fetch.h"
#include "proto/kafka/frame.h"
#include "proto/kafka/produce.h"
#include "proto/record_batch.h"

namespace logcask::bench {
namespace {

constexpr std::uint32_t kWaitMs = 30'000;

struct ListenerLoad : WireLoad {
  std::string protocol;
  std::uint64_t depth = 0, fetch_bytes = 0;
};

ListenerLoad read_listener_load(int argc, char** argv) {
  Flags flags(argc, argv);
  ListenerLoad load{read_wire_load(flags), flags.text("protocol", "kafka")};
  load.depth = flags.number("depth", 5);
  load.fetch_bytes = flags.number("fetch-bytes", 1u << 20);
  flags.done();
  if (load.acks != "1" && load.acks != "all") die("--acks is 1 or all");
  if (load.value_bytes < kValueHeadBytes || load.depth == 0) die("--value-bytes is at least 30, --depth at least 1");
  return load;
}

// How one listener is spoken to. Frames are whole ones, their lengths included.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual std::string produce(std::uint64_t correlation_id, ByteView batch) const = 0;
  virtual void check_produced(ByteView answer) const = 0;
  virtual std::string fetch(std::uint64_t correlation_id, std::int64_t offset) const = 0;
  // The batches of an answer.
  virtual ByteView fetched(ByteView answer) const = 0;
};

class KafkaWire final : public Wire {
 public:
  explicit KafkaWire(const ListenerLoad& load) : load_(load) {}

  std::string produce(std::uint64_t correlation_id, ByteView batch) const override {
    kafka::ProduceRequest request;
    request.acks = load_.acks == "all" ? std::int16_t{-1} : std::int16_t{1};
    request.timeout_ms = kWaitMs;
    request.topics.resize(1);
    request.topics[0].name = load_.topic;
    request.topics[0].partitions.resize(1);
    request.topics[0].partitions[0].records.pieces.push_back({batch, nullptr});
    return frame(*kafka::find_api(0), kProduceVersion, correlation_id, request);
  }
  void check_produced(ByteView answer) const override {
    const auto response = read<kafka::ProduceResponse>(answer, *kafka::find_api(0), kProduceVersion);
    const std::int16_t error = response.topics.at(0).partitions.at(0).error_code;
    if (error != 0) die("Produce was refused with " + std::to_string(error));
  }
  std::string fetch(std::uint64_t correlation_id, std::int64_t offset) const override {
    kafka::FetchRequest request;
    request.max_wait_ms = kWaitMs;
    request.min_bytes = 1;
    request.max_bytes = 50 << 20;
    request.topics.resize(1);
    request.topics[0].topic = load_.topic;
    request.topics[0].partitions.resize(1);
    request.topics[0].partitions[0].fetch_offset = offset;
    request.topics[0].partitions[0].partition_max_bytes = static_cast<std::int32_t>(load_.fetch_bytes);
    return frame(*kafka::find_api(1), kFetchVersion, correlation_id, request);
  }
  ByteView fetched(ByteView answer) const override {
    const auto response = read<kafka::FetchResponse>(answer, *kafka::find_api(1), kFetchVersion);
    const auto& partition = response.topics.at(0).partitions.at(0);
    if (partition.error_code != 0) die("Fetch was refused with " + std::to_string(partition.error_code));
    return partition.records.view();
  }

 private:
  static constexpr std::int16_t kProduceVersion = 7, kFetchVersion = 11;

  template <class Message>
  static std::string frame(const kafka::Api& api, std::int16_t version, std::uint64_t correlation_id,
                           const Message& message) {
    return take(kafka::write_request(api, version, static_cast<std::int32_t>(correlation_id), "bench", message))
        .joined();
  }
  template <class Message>
  static Message read(ByteView answer, const kafka::Api& api, std::int16_t version) {
    Message message;
    take(kafka::Reader(answer.substr(8), api.layout(version)).read(message));  // behind length and correlation id
    return message;
  }

  const ListenerLoad& load_;
};

class NativeWire final : public Wire {
 public:
  explicit NativeWire(const ListenerLoad& load) : load_(load) {}

  std::string produce(std::uint64_t correlation_id, ByteView batch) const override {
    v1::RequestHeader header;
    header.set_correlation_id(correlation_id);
    auto& request = *header.mutable_produce();
    request.set_acks(load_.acks == "all" ? v1::ProduceRequest::ACKS_ALL : v1::ProduceRequest::ACKS_ONE);
    request.set_timeout_ms(kWaitMs);
    request.add_entries()->set_topic(load_.topic);
    request.mutable_entries(0)->set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
    return make_frame(header, batch);
  }
  void check_produced(ByteView answer) const override {
    v1::ResponseHeader header;
    read(answer, header);
    const auto& result = header.produce().results(0);
    if (result.error().code() != 0) die("produce was refused: " + result.error().message());
  }
  std::string fetch(std::uint64_t correlation_id, std::int64_t offset) const override {
    v1::RequestHeader header;
    header.set_correlation_id(correlation_id);
    auto& request = *header.mutable_fetch();
    request.set_max_wait_ms(kWaitMs);
    request.set_min_bytes(1);
    request.set_max_bytes(static_cast<std::uint32_t>(load_.fetch_bytes));
    request.add_partitions()->set_topic(load_.topic);
    request.mutable_partitions(0)->set_offset(offset);
    return make_frame(header, {});
  }
  ByteView fetched(ByteView answer) const override {
    v1::ResponseHeader header;
    const ByteView batches = read(answer, header);
    const auto& partition = header.fetch().partitions(0);
    if (partition.error().code() != 0) die("fetch was refused: " + partition.error().message());
    return batches;
  }

 private:
  // Returns the attachment.
  static ByteView read(ByteView answer, v1::ResponseHeader& header) {
    const auto view = take(next_frame(answer, {answer.size()}));
    if (!view || !header.ParseFromArray(view->header.data(), static_cast<int>(view->header.size())))
      die("not a frame of ours");
    if (header.error_code() != 0) die("refused: " + header.error_message());
    return view->attachment;
  }

  const ListenerLoad& load_;
};

struct Batch {
  std::string bytes;
  std::uint64_t records = 0;
};

Batch make_batch(const ListenerLoad& load) {
  BatchBuilder builder(Offset(0));
  Values values(load.value_bytes);
  const TimestampMs now(static_cast<std::int64_t>(std::time(nullptr)) * 1000);
  Batch batch;
  while (builder.size_bytes() + load.value_bytes + 2 * kKeyBytes < load.batch_bytes || builder.empty()) {
    const std::string key = key_of(batch.records);
    const Offset offset(static_cast<std::int64_t>(batch.records));
    builder.add(offset, now, ByteView(key), values.make(key, batch.records));
    ++batch.records;
  }
  take(builder.finish(batch.bytes));
  return batch;
}

void produce_batches(const ListenerLoad& load, const Wire& wire, int fd) {
  const Batch batch = make_batch(load);
  // As many frames as may be out; each has a correlation id of its own.
  std::vector<std::string> frames;
  for (std::uint64_t i = 0; i < load.depth; ++i) frames.push_back(wire.produce(i + 1, batch.bytes));
  const std::uint64_t requests = (load.records + batch.records - 1) / batch.records;
  LatencyHistogram latency;
  std::vector<std::uint64_t> sent(load.depth);
  std::string answer;
  const Measurement measurement;
  for (std::uint64_t i = 0; i < requests + load.depth; ++i) {
    const std::size_t place = i % load.depth;
    if (i >= load.depth && i - load.depth < requests) {
      if (!read_frame(fd, answer)) die("the broker closed the connection");
      wire.check_produced(answer);
      latency.add(now_ns() - sent[place]);
    }
    if (i >= requests) continue;
    sent[place] = now_ns();
    write_all(fd, frames[place]);
  }
  measurement.stop(requests * batch.records, requests * batch.records * load.value_bytes);
  print_figure("requests", static_cast<double>(requests));
  print_latency(latency);
}

// A batch that is cut off, as a real Kafka may send, does not count.
std::uint64_t walk_batches(ByteView batches, std::int64_t& next_offset) {
  std::uint64_t records = 0;
  while (batches.size() >= kBatchHeaderBytes) {
    const BatchHeader header = take(decode_batch_header(batches));
    if (header.total_bytes() > batches.size()) break;
    next_offset = header.next_offset().value();
    records += static_cast<std::uint64_t>(header.record_count);
    batches.remove_prefix(header.total_bytes());
  }
  return records;
}

void fetch_batches(const ListenerLoad& load, const Wire& wire, int fd) {
  std::uint64_t records = 0, requests = 0;
  std::int64_t offset = 0;
  LatencyHistogram latency;
  std::string answer;
  const Measurement measurement;
  while (records < load.records) {
    const std::uint64_t asked = now_ns();
    write_all(fd, wire.fetch(++requests, offset));
    if (!read_frame(fd, answer)) die("the broker closed the connection");
    const std::uint64_t got = walk_batches(wire.fetched(answer), offset);
    if (got == 0) die("nothing came; the topic holds fewer than --records");
    latency.add(now_ns() - asked);
    records += got;
  }
  measurement.stop(records, records * load.value_bytes);
  print_figure("requests", static_cast<double>(requests));
  print_latency(latency);
}

void run_listener_load(const ListenerLoad& load) {
  const bool native = load.protocol == "native";
  if (!native && load.protocol != "kafka") die("--protocol is kafka or native");
  const int fd = connect_tcp(load.broker);
  if (native && !say_hello(fd)) die("the broker closed the connection");
  std::unique_ptr<Wire> wire;
  if (native)
    wire = std::make_unique<NativeWire>(load);
  else
    wire = std::make_unique<KafkaWire>(load);
  if (load.mode == "produce") return produce_batches(load, *wire, fd);
  if (load.mode == "fetch") return fetch_batches(load, *wire, fd);
  die("--mode is produce or fetch");
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { logcask::bench::run_listener_load(logcask::bench::read_listener_load(argc, argv)); }
