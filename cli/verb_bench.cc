// bench: a small load on a running broker, with percentiles.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>

#include "base/json_writer.h"
#include "cli/common.h"
#include "cli/connect.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/latency_histogram.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"
#include "logcask/producer.h"
#include "logcask/table.h"
#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct BenchArgs {
  std::string broker;
  std::string format;
  std::string workload;
  std::string topic = "bench";
  std::string acks = "all";
  std::int64_t records = 100000;
  std::int64_t keys = 10000;
  std::int64_t value_bytes = 100;
  std::int64_t partitions = 1;
  std::int64_t in_flight = 64;
};

std::uint64_t microseconds_since(SteadyClock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start).count());
}

std::string key_text(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "key-" + std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
}

struct Outcome {
  std::uint64_t done = 0;
  std::uint64_t bytes = 0;
  std::uint64_t missing = 0;
  double seconds = 0;
  LatencyHistogram latency;
};

int print_outcome(const BenchArgs& args, const Outcome& o) {
  Output out;
  const double seconds = std::max(o.seconds, 1e-6);
  const double rate = static_cast<double>(o.done) / seconds;
  const auto byte_rate = static_cast<std::uint64_t>(static_cast<double>(o.bytes) / seconds);
  if (args.format == "json") {
    JsonWriter json(out.buffer());
    json.begin().field("workload", args.workload).field("operations", o.done).field("bytes", o.bytes);
    json.field("seconds", o.seconds).field("per_second", rate).field("missing", o.missing);
    if (o.latency.count() > 0)
      json.field("p50_us", o.latency.percentile(0.5))
          .field("p95_us", o.latency.percentile(0.95))
          .field("p99_us", o.latency.percentile(0.99))
          .field("p999_us", o.latency.percentile(0.999))
          .field("max_us", o.latency.max());
    json.end();
    out.buffer() += '\n';
    return out.finish();
  }
  std::string& text = out.buffer();
  text += args.workload + ": " + std::to_string(o.done) + " in " + sizing::about_seconds(o.seconds) + ", " +
          std::to_string(static_cast<std::uint64_t>(rate)) + "/s, " + bytes_text(byte_rate) + "/s\n";
  if (o.latency.count() > 0)
    text += "latency us: p50 " + std::to_string(o.latency.percentile(0.5)) + ", p95 " +
            std::to_string(o.latency.percentile(0.95)) + ", p99 " + std::to_string(o.latency.percentile(0.99)) +
            ", p99.9 " + std::to_string(o.latency.percentile(0.999)) + ", max " + std::to_string(o.latency.max()) +
            "\n";
  if (o.missing > 0) text += std::to_string(o.missing) + " keys were not there (bench produce writes them)\n";
  return out.finish();
}

// What deliveries leave behind; they arrive on the client's thread.
struct Deliveries {
  std::mutex mutex;
  LatencyHistogram latency;
  std::uint64_t done = 0;
  Status status;  // of the first that failed
};

Result<Outcome> bench_produce(const BenchArgs& args, client::Client& client) {
  client::NewTopic topic{args.topic, static_cast<std::uint32_t>(args.partitions), {}, true};
  LOGCASK_ASSIGN([[maybe_unused]] const auto made, client::Admin(client).create_topic(topic));
  Deliveries deliveries;
  client::ProducerOptions options;
  options.acks = args.acks == "0" ? client::Acks::none : args.acks == "1" ? client::Acks::one : client::Acks::all;
  LOGCASK_ASSIGN(auto producer, client::Producer::open(client, args.topic, options));
  const std::string value(static_cast<std::size_t>(args.value_bytes), 'v');
  std::minstd_rand random(1);
  Outcome outcome;
  Progress progress("produced");
  const auto start = SteadyClock::now();
  for (std::int64_t i = 0; i < args.records && !interrupted(); ++i) {
    // The first pass writes every key once, so that `bench get` finds them.
    const auto number = static_cast<std::uint64_t>(i < args.keys ? i : static_cast<std::int64_t>(random()) % args.keys);
    const std::string key = key_text(number);
    client::OutRecord record;
    record.key = key;
    record.value = value;
    const auto sent = SteadyClock::now();
    LOGCASK_TRY(producer.send(record, [&deliveries, sent](const client::Delivery& delivery) {
      const std::lock_guard lock(deliveries.mutex);
      if (!delivery.ok()) {
        if (deliveries.status.ok()) deliveries.status = delivery.status;
        return;
      }
      deliveries.latency.add(microseconds_since(sent));
      ++deliveries.done;
    }));
    outcome.bytes += key.size() + value.size();
    progress.update(static_cast<std::uint64_t>(i + 1), static_cast<std::uint64_t>(args.records));
  }
  const Status flushed = producer.flush();
  outcome.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  producer.close(1).ok();
  LOGCASK_TRY(Status(flushed));
  const std::lock_guard lock(deliveries.mutex);
  LOGCASK_TRY(Status(deliveries.status));
  outcome.done = deliveries.done;
  outcome.latency = deliveries.latency;
  return outcome;
}

// Keeps a number of lookups open until all are asked; each answer starts the next one.
class Lookups {
 public:
  Lookups(const BenchArgs& args, client::Table table) : args_(args), table_(std::move(table)) {}

  Outcome run() {
    const auto start = SteadyClock::now();
    for (std::int64_t i = 0; i < std::min(args_.in_flight, args_.records); ++i) ask();
    std::unique_lock lock(mutex_);
    Progress progress("looked up");
    while (!finished_.wait_for(lock, std::chrono::milliseconds(200), [this] { return open_ == 0; })) {
      if (interrupted()) asked_ = args_.records;
      progress.update(outcome_.done, static_cast<std::uint64_t>(args_.records), "keys");
    }
    outcome_.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    return outcome_;
  }
  const Status& status() const { return status_; }

 private:
  void ask() {
    std::string key;
    {
      const std::lock_guard lock(mutex_);
      if (asked_ >= args_.records || !status_.ok()) return;
      ++asked_;
      ++open_;
      key = key_text(static_cast<std::uint64_t>(random_()) % static_cast<std::uint64_t>(args_.keys));
    }
    const auto sent = SteadyClock::now();
    table_.get_async(key, {}, [this, sent](Result<client::Lookup> lookup) { ask_next_after(sent, lookup); });
  }

  void ask_next_after(SteadyClock::time_point sent, const Result<client::Lookup>& lookup) {
    {
      const std::lock_guard lock(mutex_);
      outcome_.latency.add(microseconds_since(sent));
      if (!lookup.ok())
        status_ = lookup.error();
      else if (lookup->status == client::Lookup::Status::failed)
        status_ = lookup->error;
      else if (!lookup->found())
        ++outcome_.missing;
      else
        outcome_.bytes += lookup->value.size();
      ++outcome_.done;
    }
    ask();
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) finished_.notify_all();
  }

  const BenchArgs& args_;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::minstd_rand random_{1};
  std::int64_t asked_ = 0;
  std::int64_t open_ = 0;
  Outcome outcome_;
  Status status_;
  // Last: its end waits for callbacks that use the rest.
  client::Table table_;
};

Result<Outcome> bench_get(const BenchArgs& args, client::Client& client) {
  LOGCASK_ASSIGN(auto table, client::Table::open(client, args.topic));
  Lookups lookups(args, std::move(table));
  Outcome outcome = lookups.run();
  LOGCASK_TRY(Status(lookups.status()));
  return outcome;
}

Result<Outcome> bench_consume(const BenchArgs& args, client::Client& client) {
  LOGCASK_ASSIGN(auto consumer, client::Consumer::open(client, args.topic, client::StartAt::earliest()));
  std::vector<client::OffsetQuery> queries;
  for (const PartitionId partition : consumer.partitions())
    queries.push_back({partition, client::OffsetQuery::kLatest});
  LOGCASK_ASSIGN(const auto ends, client::Admin(client).list_offsets(args.topic, queries));
  Outcome outcome;
  Progress progress("consumed");
  const auto start = SteadyClock::now();
  const auto at_end = [&] {
    return std::all_of(ends.begin(), ends.end(),
                       [&](const auto& end) { return consumer.position(end.partition) >= end.offset; });
  };
  while (!at_end() && !interrupted()) {
    LOGCASK_ASSIGN(const auto polled, consumer.poll(200));
    for (const auto& record : polled.records) {
      ++outcome.done;
      outcome.bytes += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
    }
    progress.update(outcome.done, 0);
  }
  outcome.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  return outcome;
}

int bench(const BenchArgs& args) {
  LOGCASK_CLI_ASSIGN(auto client, connect(args.broker));
  auto outcome = args.workload == "produce" ? bench_produce(args, client)
                 : args.workload == "get"   ? bench_get(args, client)
                                            : bench_consume(args, client);
  if (!outcome.ok()) return fail(outcome.error());
  return print_outcome(args, *outcome);
}

}  // namespace

Verb bench_verb() {
  auto args = std::make_shared<BenchArgs>();
  Verb verb;
  verb.path = "bench";
  verb.summary = "Puts a small load on a broker and prints rates and percentiles.";
  verb.details =
      "produce makes the topic if it is missing, writes every key once, then random ones; get asks for random keys; "
      "consume "
      "reads everything from the start. Latency of produce counts from the call to the ack, waiting in the batch "
      "included.";
  verb.positional("WORKLOAD", "produce, get or consume", &args->workload).choices = {"produce", "get", "consume"};
  verb.flag("--topic", "TOPIC", "the topic (default bench)", &args->topic);
  verb.flag("--records", "N", "operations (default 100000)", Number{&args->records, 1});
  verb.flag("--keys", "N", "different keys (default 10000)", Number{&args->keys, 1, 1000000000});
  verb.flag("--value-bytes", "N", "size of a value (default 100)", Number{&args->value_bytes, 0, 1 << 20});
  verb.flag("--partitions", "N", "of the topic when it is made (default 1)", Number{&args->partitions, 1, 10000});
  verb.flag("--acks", "WHEN", "of produce (default all)", &args->acks).choices = {"0", "1", "all"};
  verb.flag("--in-flight", "N", "lookups open at a time (default 64)", Number{&args->in_flight, 1, 10000});
  add_broker_flag(verb, &args->broker);
  add_output_flag(verb, &args->format);
  verb.exits = {kExitUnreachable, kExitTryAgain};
  verb.examples = {{"logcask bench produce --records 1000000 --keys 100000", "writes"},
                   {"logcask bench get --keys 100000 --in-flight 1", "lookups one after the other: latency"},
                   {"logcask bench consume -o json", "reads"}};
  verb.looks_for_interrupts = true;
  verb.run = [args] { return bench(*args); };
  return verb;
}

}  // namespace logcask::cli
