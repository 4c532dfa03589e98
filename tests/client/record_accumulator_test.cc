#include "client/record_accumulator.h"

#include <algorithm>
#include <set>

#include "base/random.h"
#include "tests/client/model_partition.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask::client {
namespace {

constexpr std::int64_t kMs = 1000000;
constexpr PartitionId kProducedPartition{0};

AccumulatorConfig small_config() {
  AccumulatorConfig config;
  config.batch_bytes = 400;
  config.buffer_bytes = 100000;
  config.linger_ns = 5 * kMs;
  config.delivery_timeout_ns = 60000 * kMs;
  config.retry_backoff_ns = 10 * kMs;
  return config;
}

// Views: key and value must outlive the record.
OutRecord record_of(ByteView key, ByteView value, Condition condition = {}) {
  OutRecord record;
  record.key = key;
  record.value = value;
  record.condition = condition;
  return record;
}

BatchAnswer answer_of(const ModelAnswer& from) {
  BatchAnswer answer;
  if (from.code == Errc::ok) {
    answer.base_offset = Offset(from.base_offset);
    answer.duplicate = from.duplicate;
    return answer;
  }
  answer.status = Error{from.code, "model"};
  answer.refused = from.refused;
  if (from.code == Errc::condition_failed) answer.refused = {from.failed_record};
  answer.current_offset = Offset(from.current_offset);
  answer.current_is_tombstone = from.current_is_tombstone;
  return answer;
}

std::vector<ModelCondition> conditions_of(const ProducedBatch& batch) {
  std::vector<ModelCondition> conditions;
  for (const RecordCondition& condition : batch.conditions)
    conditions.push_back({condition.index, condition.condition});
  return conditions;
}

ModelAnswer send_to(ModelPartition& model, ProducedBatch& batch) {
  REQUIRE_OK(batch.buffer.seal(Compression::none, batch.identity));
  return model.append(batch.buffer.wire(), conditions_of(batch));
}

class BenchClock : public Clock {
 public:
  explicit BenchClock(const std::int64_t& now_ns) : now_ns_(now_ns) {}
  TimestampMs wall_ms() const override { return TimestampMs(1); }
  std::int64_t monotonic_ns() const override { return now_ns_; }

 private:
  const std::int64_t& now_ns_;
};

// An accumulator before a model partition, with deliveries noted by key.
struct Bench {
  explicit Bench(AccumulatorConfig config = small_config()) : accumulator(config, 1, ProducerId(100), 0) {}

  void add(const std::string& key, Condition condition = {}, const std::string& value = "v") {
    REQUIRE_OK(accumulator.append(record_of(key, value, condition), kProducedPartition, TimestampMs(1), clock,
                                  [this, key](const Delivery& delivery) {
                                    ++deliveries;
                                    results[key] = delivery;
                                  }));
  }
  void deliver(BatchOutcomes& outcomes) {
    for (const BatchOutcome& outcome : outcomes)
      for (const auto& [callback, delivery] : outcome.deliveries) callback(delivery);
    outcomes.clear();
  }
  void answer(const BatchPtr& batch, const BatchAnswer& answer) {
    BatchOutcomes outcomes;
    accumulator.answered(batch, answer, now_ns, outcomes);
    deliver(outcomes);
  }
  // Runs everything to its end without trouble.
  void settle() {
    for (int i = 0; i < 1000 && !accumulator.finished_through(accumulator.last_serial()); ++i) {
      for (const BatchPtr& batch : accumulator.take_ready(now_ns)) answer(batch, answer_of(send_to(model, *batch)));
      for (const PartitionId partition : accumulator.take_producer_id_requests()) {
        BatchOutcomes outcomes;
        accumulator.give_producer_id(partition, ProducerId(next_producer_id++), 0, outcomes);
        deliver(outcomes);
      }
      now_ns += 20 * kMs;
    }
    REQUIRE(accumulator.finished_through(accumulator.last_serial()));
  }
  std::vector<std::string> keys_in_log() const {
    std::vector<std::string> keys;
    for (const ModelRecord& record : model.records()) keys.push_back(record.key);
    return keys;
  }

  std::int64_t now_ns = 1000 * kMs;
  BenchClock clock{now_ns};
  std::int64_t next_producer_id = 101;
  RecordAccumulator accumulator;
  ModelPartition model;
  std::map<std::string, Delivery> results;
  int deliveries = 0;
};

BatchAnswer lost() {
  BatchAnswer answer;
  answer.status = Error{Errc::connection_lost, "test"};
  answer.fate_unknown = true;
  return answer;
}

TEST_CASE("A batch lingers for company and leaves when it is full") {
  Bench bench;
  bench.add("a");
  CHECK(bench.accumulator.take_ready(bench.now_ns).empty());
  CHECK(bench.accumulator.next_event_ns() == bench.now_ns + 5 * kMs);
  bench.now_ns += 5 * kMs;
  const auto lingered = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(lingered.size() == 1);
  CHECK(lingered[0]->buffer.count() == 1);
  bench.answer(lingered[0], answer_of(send_to(bench.model, *lingered[0])));
  CHECK(bench.results.at("a").offset == Offset(0));

  const auto result = bench.accumulator.append(record_of("b", std::string(300, 'x')), kProducedPartition,
                                               TimestampMs(1), bench.clock, {});
  REQUIRE_OK(result);
  const auto filled = bench.accumulator.append(record_of("c", std::string(300, 'x')), kProducedPartition,
                                               TimestampMs(1), bench.clock, {});
  REQUIRE_OK(filled);
  CHECK(filled->filled_batch);
  CHECK(bench.accumulator.take_ready(bench.now_ns).size() == 1);
}

TEST_CASE("Until the broker has accepted a batch only one travels, afterwards up to the limit") {
  Bench bench;
  for (int i = 0; i < 8; ++i) {
    bench.add("k" + std::to_string(i));
    bench.accumulator.close_open();
  }
  const auto first = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(first.size() == 1);
  CHECK(bench.accumulator.take_ready(bench.now_ns).empty());
  bench.answer(first[0], answer_of(send_to(bench.model, *first[0])));
  CHECK(bench.accumulator.take_ready(bench.now_ns).size() == 5);
  CHECK(bench.accumulator.take_ready(bench.now_ns).empty());
}

TEST_CASE("A lost connection repeats what was in flight, in order, under the same numbers, and writes nothing twice") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  for (int i = 0; i < 5; ++i) {
    bench.add("k" + std::to_string(i));
    bench.accumulator.close_open();
  }
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(flying.size() == 5);
  std::vector<std::int32_t> numbers;
  for (const BatchPtr& batch : flying) numbers.push_back(batch->identity.sequence);
  // The broker wrote three of them; no answer arrived.
  for (std::size_t i = 0; i < 3; ++i) CHECK(send_to(bench.model, *flying[i]).code == Errc::ok);
  for (const BatchPtr& batch : flying) bench.answer(batch, lost());
  bench.settle();
  CHECK(bench.keys_in_log() == std::vector<std::string>{"warm", "k0", "k1", "k2", "k3", "k4"});
  CHECK(bench.results.at("k1").duplicate);
  CHECK(bench.results.at("k1").offset == Offset(2));
  CHECK_FALSE(bench.results.at("k4").duplicate);
  for (std::size_t i = 0; i < flying.size(); ++i) CHECK(flying[i]->identity.sequence == numbers[i]);
}

TEST_CASE("Numbers of a refused batch are given to those behind it, in order") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  for (int i = 0; i < 4; ++i) {
    bench.add("k" + std::to_string(i));
    bench.accumulator.close_open();
  }
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(flying.size() == 4);
  ModelAnswer refused;
  refused.code = Errc::invalid_record;
  bench.answer(flying[0], answer_of(refused));
  for (std::size_t i = 1; i < 4; ++i) {
    const ModelAnswer bounced = send_to(bench.model, *flying[i]);
    CHECK(bounced.code == Errc::out_of_order_sequence);
    bench.answer(flying[i], answer_of(bounced));
  }
  bench.settle();
  CHECK(bench.results.at("k0").status.code() == Errc::invalid_record);
  CHECK(bench.keys_in_log() == std::vector<std::string>{"warm", "k1", "k2", "k3"});
  CHECK(bench.next_producer_id == 101);  // no new producer id was needed
}

TEST_CASE("After an error that leaves open what was written the numbers are not given away") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  bench.add("a");
  bench.accumulator.close_open();
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(flying.size() == 1);
  CHECK(send_to(bench.model, *flying[0]).code == Errc::ok);  // written, then the sync failed
  ModelAnswer failed;
  failed.code = Errc::read_only;
  bench.answer(flying[0], answer_of(failed));
  bench.add("b");
  bench.settle();
  CHECK(bench.results.at("a").status.code() == Errc::read_only);
  CHECK(bench.results.at("b").ok());
  CHECK(bench.keys_in_log() == std::vector<std::string>{"warm", "a", "b"});
}

TEST_CASE("A failed condition ends its own record only") {
  Bench bench;
  bench.add("taken");
  bench.settle();
  bench.add("x", Condition::absent());
  bench.add("taken", Condition::absent());
  bench.add("y", Condition::absent());
  bench.settle();
  CHECK(bench.results.at("x").ok());
  CHECK(bench.results.at("y").ok());
  const Delivery& refused = bench.results.at("taken");
  CHECK(refused.status.code() == Errc::condition_failed);
  CHECK(refused.current_offset == Offset(0));
  CHECK(bench.keys_in_log() == std::vector<std::string>{"taken", "x", "y"});
  CHECK(bench.deliveries == 4);
}

TEST_CASE("A conditional batch travels alone and keeps its place") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  bench.add("a");
  bench.add("b", Condition::absent());
  bench.add("c");
  bench.accumulator.close_open();
  const auto first = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(first.size() == 1);
  CHECK_FALSE(first[0]->conditional());
  bench.answer(first[0], answer_of(send_to(bench.model, *first[0])));
  const auto second = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(second.size() == 1);
  CHECK(second[0]->conditional());
  CHECK(bench.accumulator.take_ready(bench.now_ns).empty());
  bench.answer(second[0], answer_of(send_to(bench.model, *second[0])));
  bench.settle();
  CHECK(bench.keys_in_log() == std::vector<std::string>{"warm", "a", "b", "c"});
}

TEST_CASE("At the keydir budget creates fail one by one and overwrites of the same batch pass") {
  Bench bench;
  bench.add("old");
  bench.settle();
  bench.model.set_key_limit(1);
  bench.add("new1");
  bench.add("old");
  bench.add("new2");
  bench.settle();
  CHECK(bench.results.at("new1").status.code() == Errc::keydir_budget_exceeded);
  CHECK(bench.results.at("new2").status.code() == Errc::keydir_budget_exceeded);
  CHECK(bench.results.at("old").ok());
  CHECK(bench.keys_in_log() == std::vector<std::string>{"old", "old"});
}

TEST_CASE("A batch too large for the topic is split") {
  AccumulatorConfig config = small_config();
  config.batch_bytes = 100000;
  Bench bench(config);
  for (int i = 0; i < 5; ++i) bench.add("k" + std::to_string(i));
  bench.accumulator.close_open();
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  ModelAnswer too_large;
  too_large.code = Errc::message_too_large;
  bench.answer(flying[0], answer_of(too_large));
  bench.settle();
  CHECK(bench.keys_in_log() == std::vector<std::string>{"k0", "k1", "k2", "k3", "k4"});
  CHECK(bench.deliveries == 5);
}

TEST_CASE(
    "A broker that forgot the producer gets a new id, and what may have been written is reported instead of repeated") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  bench.add("known");
  bench.accumulator.close_open();
  auto flying = bench.accumulator.take_ready(bench.now_ns);
  ModelAnswer forgotten;
  forgotten.code = Errc::unknown_producer_id;
  bench.answer(flying[0], answer_of(forgotten));
  bench.settle();
  CHECK(bench.results.at("known").ok());
  CHECK(bench.next_producer_id == 102);

  bench.add("unknown");
  bench.accumulator.close_open();
  flying = bench.accumulator.take_ready(bench.now_ns);
  bench.answer(flying[0], lost());
  bench.now_ns += 100 * kMs;
  flying = bench.accumulator.take_ready(bench.now_ns);
  REQUIRE(flying.size() == 1);
  bench.answer(flying[0], answer_of(forgotten));
  bench.add("after");
  bench.settle();
  CHECK(bench.results.at("unknown").status.code() == Errc::unknown_producer_id);
  CHECK(bench.results.at("after").ok());
}

TEST_CASE("What waits longer than the delivery timeout is given up, and later records still arrive once") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  bench.add("late");
  bench.accumulator.close_open();
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  CHECK(send_to(bench.model, *flying[0]).code == Errc::ok);
  bench.answer(flying[0], lost());
  bench.now_ns += 61000 * kMs;
  BatchOutcomes outcomes;
  bench.accumulator.expire(bench.now_ns, outcomes);
  bench.deliver(outcomes);
  CHECK(bench.results.at("late").status.code() == Errc::timed_out);
  bench.add("next");
  bench.settle();
  CHECK(bench.results.at("next").ok());
  CHECK(bench.keys_in_log() == std::vector<std::string>{"warm", "late", "next"});
}

TEST_CASE("What is given up says why the broker kept refusing it") {
  Bench bench;
  bench.add("warm");
  bench.settle();
  bench.add("refused");
  bench.accumulator.close_open();
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  BatchAnswer full;
  full.status = Error{Errc::storage_full, "free some space"};
  bench.answer(flying[0], full);
  bench.now_ns += 61000 * kMs;
  BatchOutcomes outcomes;
  bench.accumulator.expire(bench.now_ns, outcomes);
  bench.deliver(outcomes);
  const Status status = bench.results.at("refused").status;
  CHECK(status.code() == Errc::timed_out);
  CHECK_THAT(status.error().message, Catch::Contains("storage_full: free some space"));
}

TEST_CASE("The buffer is bounded and given back with the answer") {
  AccumulatorConfig config = small_config();
  config.buffer_bytes = 1000;
  Bench bench(config);
  int taken = 0;
  while (bench.accumulator
             .append(record_of("k", std::string(100, 'x')), kProducedPartition, TimestampMs(1), bench.clock, {})
             .ok())
    ++taken;
  CHECK(taken >= 6);
  CHECK(taken <= 9);
  CHECK(bench.accumulator
            .append(record_of("k", std::string(100, 'x')), kProducedPartition, TimestampMs(1), bench.clock, {})
            .code() == Errc::limit_exceeded);
  bench.settle();
  CHECK(bench.accumulator.buffered_bytes() == 0);
  CHECK(bench.accumulator
            .append(record_of("k", std::string(2000000, 'x')), kProducedPartition, TimestampMs(1), bench.clock, {})
            .code() == Errc::message_too_large);
}

TEST_CASE("A failure nobody has a callback for is told by the next flush") {
  Bench bench;
  REQUIRE_OK(bench.accumulator.append(record_of("k", "v"), kProducedPartition, TimestampMs(1), bench.clock, {}));
  bench.accumulator.close_open();
  const auto flying = bench.accumulator.take_ready(bench.now_ns);
  ModelAnswer refused;
  refused.code = Errc::invalid_record;
  bench.answer(flying[0], answer_of(refused));
  CHECK(bench.accumulator.take_unseen_error().code() == Errc::invalid_record);
  CHECK(bench.accumulator.take_unseen_error().ok());
}

// ---- a broker and a network that misbehave at random ---------------------------------------------------------------

// Batches travel in order; answers may be lost with the connection; the broker throttles, refuses, forgets to answer.
class Storm {
 public:
  explicit Storm(std::uint64_t seed) : random_(seed), bench_(config(random_)) {}

  void run() {
    for (int step = 0; step < 400; ++step) {
      if (next_key_ < 300 && !random_.one_in(3)) add();
      act();
    }
    trouble_ = false;
    for (int i = 0; i < 2000 && !finished(); ++i) act();
    REQUIRE(finished());
    check();
  }

 private:
  static AccumulatorConfig config(Random& random) {
    AccumulatorConfig config = small_config();
    config.batch_bytes = 100 + random.below(400);
    config.max_in_flight = 1 + random.below(5);
    return config;
  }
  bool finished() { return bench_.accumulator.finished_through(bench_.accumulator.last_serial()) && flying_.empty(); }

  void add() {
    const std::string key = "k" + std::to_string(next_key_++);
    Condition condition;
    if (random_.one_in(6)) condition = Condition::absent();
    if (random_.one_in(9)) condition = Condition::exists();  // never holds: keys are new
    if (condition.kind == Condition::Kind::exists) must_fail_.insert(key);
    bench_.add(key, condition, random_.one_in(40) ? kPoison : "v");
  }

  void act() {
    bench_.now_ns += static_cast<std::int64_t>(random_.below(8)) * kMs;
    if (random_.one_in(4)) bench_.accumulator.close_open();
    for (BatchPtr& batch : bench_.accumulator.take_ready(bench_.now_ns)) {
      REQUIRE_OK(batch->buffer.seal(Compression::none, batch->identity));
      flying_.push_back(std::move(batch));
    }
    for (const PartitionId partition : bench_.accumulator.take_producer_id_requests()) {
      if (trouble_ && random_.one_in(2)) {
        bench_.accumulator.producer_id_failed(partition, bench_.now_ns);
        continue;
      }
      BatchOutcomes outcomes;
      bench_.accumulator.give_producer_id(partition, ProducerId(bench_.next_producer_id++), 0, outcomes);
      bench_.deliver(outcomes);
    }
    const std::size_t count = random_.below(flying_.size() + 1);
    for (std::size_t i = 0; i < count && !flying_.empty(); ++i) arrive();
    if (trouble_ && !flying_.empty() && random_.one_in(25)) cut();
  }

  // The oldest batch under way reaches the broker and is answered.
  void arrive() {
    const BatchPtr batch = std::move(flying_.front());
    flying_.pop_front();
    if (trouble_ && random_.one_in(12)) {
      BatchAnswer throttled;
      throttled.status = Error{Errc::throttled, "test"};
      return bench_.answer(batch, throttled);
    }
    const ModelAnswer answer = bench_.model.append(batch->buffer.wire(), conditions_of(*batch));
    REQUIRE(answer.code != Errc::corrupt_message);
    if (trouble_ && answer.code == Errc::ok && random_.one_in(25)) {
      BatchAnswer timed_out;
      timed_out.status = Error{Errc::timed_out, "written, not synced in time"};
      timed_out.fate_unknown = true;
      return bench_.answer(batch, timed_out);
    }
    bench_.answer(batch, answer_of(answer));
  }

  // The connection is lost: some of what was under way had arrived.
  void cut() {
    std::size_t arrived = random_.below(flying_.size() + 1);
    for (const BatchPtr& batch : flying_)
      if (arrived-- > 0)
        bench_.model.append(batch->buffer.wire(), conditions_of(*batch));
      else
        break;
    for (const BatchPtr& batch : std::exchange(flying_, {})) bench_.answer(batch, lost());
  }

  void check() {
    CHECK(bench_.deliveries == next_key_);
    CHECK(bench_.accumulator.buffered_bytes() == 0);
    std::map<std::string, std::size_t> places;
    int last = -1;
    for (std::size_t i = 0; i < bench_.model.records().size(); ++i) {
      const std::string& key = bench_.model.records()[i].key;
      INFO("key " << key);
      CHECK(places.emplace(key, i).second);  // written once
      const int number = std::stoi(key.substr(1));
      CHECK(number > last);  // in order
      last = number;
    }
    for (const auto& [key, delivery] : bench_.results) {
      INFO("key " << key);
      const bool written = places.contains(key);
      if (delivery.ok()) {
        REQUIRE(written);
        CHECK(delivery.offset.value() == static_cast<std::int64_t>(places.at(key)));
      } else if (delivery.status.code() == Errc::condition_failed || delivery.status.code() == Errc::invalid_record) {
        CHECK_FALSE(written);
      }
      if (must_fail_.contains(key)) CHECK_FALSE(delivery.ok());
    }
  }

  Random random_;
  Bench bench_;
  std::deque<BatchPtr> flying_;
  std::set<std::string> must_fail_;
  int next_key_ = 0;
  bool trouble_ = true;
};

TEST_CASE(
    "Through any mixture of refusals, repeats and lost connections every record arrives once, in order, or fails") {
  const std::uint64_t seed = testing::test_seed();
  for (std::uint64_t i = 0; i < 300; ++i) {
    INFO("LOGCASK_TEST_SEED=" << seed + i);
    Storm(seed + i).run();
  }
}

TEST_CASE("A record of exactly max_record_bytes is taken, one byte more is refused with both sizes") {
  for (const std::size_t value_bytes : {50u, 63u, 64u, 1000u, 8191u, 8192u, 70000u}) {
    for (const bool with_headers : {false, true}) {
      const std::string value(value_bytes, 'v');
      const HeaderView headers[] = {{"name", "value"}, {"null", std::nullopt}};
      OutRecord record = record_of("key", value);
      if (with_headers) record.headers = headers;
      AccumulatorConfig config = small_config();
      config.max_record_bytes = BatchBuffer::encoded_alone(record);
      RecordAccumulator accumulator(config, 1, ProducerId(1), 0);
      REQUIRE_OK(accumulator.append(record, kProducedPartition, TimestampMs(1), system_clock(), {}));
      accumulator.close_open();
      const auto leaving = accumulator.take_ready(0);
      REQUIRE(leaving.size() == 1);
      REQUIRE_OK(leaving[0]->buffer.seal(Compression::none, leaving[0]->identity));
      // A batch has 61 bytes of its own: the limit is exact, no estimate.
      CHECK(leaving[0]->buffer.wire().size() == 61 + config.max_record_bytes);

      config.max_record_bytes -= 1;
      RecordAccumulator stricter(config, 1, ProducerId(1), 0);
      const auto refused = stricter.append(record, kProducedPartition, TimestampMs(1), system_clock(), {});
      REQUIRE(refused.code() == Errc::message_too_large);
      CHECK(refused.error().message == "a record of " + std::to_string(config.max_record_bytes + 1) +
                                           " bytes; max_record_bytes is " + std::to_string(config.max_record_bytes));
    }
  }
}

TEST_CASE("Without a producer id nothing leaves until one is given, and then in order") {
  RecordAccumulator accumulator(small_config(), 1, kNoProducer, -1);
  const std::string value(150, 'v');
  for (int i = 0; i < 6; ++i)
    REQUIRE_OK(accumulator.append(record_of("k", value), kProducedPartition, TimestampMs(1), system_clock(), {}));
  accumulator.close_open();
  CHECK(accumulator.take_ready(0).empty());
  CHECK(accumulator.take_producer_id_requests().empty());
  BatchOutcomes outcomes;
  accumulator.give_producer_id(kProducedPartition, ProducerId(7), 2, outcomes);
  CHECK(outcomes.empty());
  const auto leaving = accumulator.take_ready(0);
  REQUIRE(!leaving.empty());
  CHECK(leaving[0]->identity == BatchIdentity{ProducerId(7), 2, 0});
}

TEST_CASE("Records whose keys stand elsewhere go there, and the others again, each told once") {
  std::int64_t now_ns = 1000 * kMs;
  const BenchClock clock(now_ns);
  RecordAccumulator accumulator(small_config(), 3, ProducerId(100), 0);
  std::map<std::string, std::vector<Delivery>> told;
  const auto add = [&](const std::string& key, PartitionId partition, std::optional<PartitionId> named = {}) {
    OutRecord record = record_of(key, "v");
    record.partition = named;
    REQUIRE_OK(accumulator.append(record, partition, TimestampMs(1), clock,
                                  [&told, key](const Delivery& delivery) { told[key].push_back(delivery); }));
  };
  const auto leave = [&] {
    accumulator.close_open();
    return accumulator.take_ready(now_ns);
  };
  const auto answer = [&](const BatchPtr& batch, const BatchAnswer& given) {
    BatchOutcomes outcomes;
    accumulator.answered(batch, given, now_ns, outcomes);
    for (const BatchOutcome& outcome : outcomes)
      for (const auto& [callback, delivery] : outcome.deliveries) callback(delivery);
  };
  const auto taken = [](std::int64_t offset) {
    BatchAnswer given;
    given.base_offset = Offset(offset);
    return given;
  };
  for (const char* key : {"stays", "far", "farther", "too"}) add(key, PartitionId(0));
  // What its user has placed does not travel with what the broker may send elsewhere.
  add("placed", PartitionId(0), PartitionId(0));
  auto batches = leave();
  REQUIRE(batches.size() == 1);
  CHECK(batches[0]->by_key);
  BatchAnswer moved;
  moved.status = Error{Errc::wrong_partition, "test"};
  moved.elsewhere = {{1, PartitionId(2)}, {2, PartitionId(1)}, {3, PartitionId(2)}};
  answer(batches[0], moved);
  CHECK(told.empty());
  CHECK(!accumulator.finished_through(accumulator.last_serial()));
  std::map<int, BatchPtr> at;
  for (const BatchPtr& batch : leave()) at[batch->partition.value()] = batch;
  REQUIRE(at.size() == 3);
  CHECK(at[0]->buffer.count() == 1);
  CHECK(at[0]->identity.sequence == 0);  // the numbers of the refused batch were not used
  CHECK(at[1]->buffer.count() == 1);
  CHECK(at[2]->buffer.count() == 2);
  CHECK(at[2]->by_key);
  // Written there, and of the first key, a tombstone, there is more to delete.
  BatchAnswer further = taken(10);
  further.elsewhere = {{0, PartitionId(1)}};
  answer(at[2], further);
  CHECK(told.count("far") == 0);
  REQUIRE(told["too"].size() == 1);
  CHECK(told["too"][0].partition == PartitionId(2));
  CHECK(told["too"][0].offset == Offset(11));
  answer(at[1], taken(20));
  answer(at[0], taken(30));
  for (const BatchPtr& batch : leave()) {
    CHECK(batch->buffer.count() == 1);
    BatchAnswer last = taken(40);
    last.ambiguous = {0};
    answer(batch, last);
  }
  REQUIRE(told["far"].size() == 1);
  CHECK(told["far"][0].partition == PartitionId(1));
  CHECK(told["far"][0].offset == Offset(40));
  CHECK(told["far"][0].ambiguous);
  REQUIRE(told["placed"].size() == 1);
  for (const auto& [key, deliveries] : told) CHECK(deliveries.size() == 1);
  CHECK(told.size() == 5);
  CHECK(accumulator.finished_through(accumulator.last_serial()));
  CHECK(accumulator.buffered_bytes() == 0);
}

}  // namespace
}  // namespace logcask::client
