#include "broker/services/produce_service.h"

#include <optional>

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

using Results = std::vector<AppendResult>;

class ResultsCall final : public ProduceCall {
 public:
  explicit ResultsCall(std::optional<Results>& results, int* holds = nullptr) : results_(results), holds_(holds) {}
  void completed(Results& results) override {
    REQUIRE(!results_.has_value());
    results_ = std::move(results);
  }
  std::function<void()> hold_later_calls() override {
    REQUIRE(holds_);
    ++*holds_;
    return [holds = holds_] { --*holds; };
  }

 private:
  std::optional<Results>& results_;
  int* const holds_;
};

struct Entry {
  std::string topic;
  int partition = 0;
  std::string batch;
  std::vector<Condition> conditions;
};

void start_produce(ServiceFixture& f, std::optional<Results>& results, const std::vector<Entry>& entries,
                   Acks acks = Acks::all, std::int64_t timeout_ms = 0, int* holds = nullptr) {
  std::vector<ProduceEntry> produced;
  for (const Entry& entry : entries)
    produced.push_back({entry.topic, PartitionId(entry.partition), entry.batch, entry.conditions});
  f.produce.produce(f.context(), produced, acks, timeout_ms, std::make_unique<ResultsCall>(results, holds));
}

Results produce(ServiceFixture& f, const std::vector<Entry>& entries, Acks acks = Acks::all) {
  std::optional<Results> results;
  start_produce(f, results, entries, acks);
  f.run();
  REQUIRE(results.has_value());
  return *results;
}

std::string record(const std::string& key, const std::optional<std::string>& value = "v") {
  return make_batch({{key, value, {}}});
}

TEST_CASE("every entry of a produce request is answered on its own", "[produce]") {
  ServiceFixture f;
  f.create("t", 2);
  const Results results = produce(f, {{"t", 0, record("a"), {}},
                                      {"nothing", 0, record("a"), {}},
                                      {"t", 9, record("a"), {}},
                                      {"t", 1, "garbage", {}},
                                      {"t", 1, record("b"), {}},
                                      {"__logcask_metadata", 0, record("b"), {}}});
  REQUIRE(results.size() == 6);
  CHECK(results[0].error.ok());
  CHECK(results[0].base_offset == Offset(0));
  CHECK(results[1].error.code() == Errc::unknown_topic);
  CHECK(results[2].error.code() == Errc::unknown_partition);
  CHECK(results[3].error.code() == Errc::corrupt_message);
  CHECK(results[4].error.ok());
  CHECK(!results[5].error.ok());
}

// More than is unpacked on the caller's thread.
std::string large(const std::string& key, std::size_t bytes = 2u << 20) {
  BatchShape shape;
  shape.compression = Compression::zstd;
  return make_batch({{key, std::string(bytes, 'x'), {}}}, shape);
}

TEST_CASE("large batches and what follows them in the call are handled elsewhere, in order", "[produce]") {
  ServiceFixture f;
  f.create("t");
  std::optional<Results> results;
  int holds = 0;
  start_produce(
      f, results,
      {{"t", 0, record("a"), {}}, {"t", 0, large("b"), {}}, {"t", 0, record("c"), {}}, {"no", 0, record("d"), {}}},
      Acks::none, 0, &holds);
  const auto next_offset = [&] { return f.partition("t").partition().snapshot().next_offset; };
  CHECK(next_offset() == Offset(1));
  CHECK(holds == 1);
  CHECK(!results.has_value());
  while (f.step_background()) {
  }
  CHECK(next_offset() == Offset(3));
  while (f.turn_loop()) {
  }
  CHECK(holds == 0);
  REQUIRE(results.has_value());
  CHECK((*results)[0].base_offset == Offset(0));
  CHECK((*results)[1].base_offset == Offset(1));
  CHECK((*results)[2].base_offset == Offset(2));
  CHECK((*results)[3].error.code() == Errc::unknown_topic);
}

TEST_CASE("a large batch keeps its conditions, its limits and its deadline", "[produce]") {
  ServiceFixture f;
  f.create("t");
  int holds = 0;
  std::optional<Results> refused, bomb, late;
  start_produce(f, refused, {{"t", 0, large("k"), {{0, Condition::Kind::exists, {}}}}}, Acks::all, 0, &holds);
  start_produce(f, bomb, {{"t", 0, large("k", 65u << 20), {}}}, Acks::all, 0, &holds);
  CHECK(holds == 2);
  f.run();
  CHECK(holds == 0);
  REQUIRE(refused.has_value());
  CHECK((*refused)[0].error.code() == Errc::condition_failed);
  REQUIRE(bomb.has_value());
  CHECK((*bomb)[0].error.code() == Errc::message_too_large);

  start_produce(f, late, {{"t", 0, large("k"), {}}}, Acks::all, 100, &holds);
  f.loop.advance_ms(1000);
  REQUIRE(late.has_value());
  CHECK((*late)[0].error.code() == Errc::timed_out);
  CHECK(holds == 1);
  f.run();
  CHECK(holds == 0);
  CHECK(f.partition("t").partition().snapshot().next_offset == Offset(1));
}

TEST_CASE("a stop refuses the large batches that wait", "[produce]") {
  ServiceFixture f;
  f.create("t");
  int holds = 0;
  std::optional<Results> results;
  start_produce(f, results, {{"t", 0, large("k"), {}}}, Acks::all, 0, &holds);
  f.produce.stop();
  f.run();
  REQUIRE(results.has_value());
  CHECK((*results)[0].error.code() == Errc::shutting_down);
  CHECK(holds == 0);
}

TEST_CASE("acks=all waits for the disk and acks=1 does not", "[produce]") {
  ServiceFixture f;
  f.create("t");
  std::optional<Results> all, one, none;
  start_produce(f, all, {{"t", 0, record("a"), {}}}, Acks::all);
  start_produce(f, one, {{"t", 0, record("a"), {}}}, Acks::one);
  start_produce(f, none, {{"t", 0, record("a"), {}}}, Acks::none);
  CHECK(!all.has_value());
  CHECK(one.has_value());
  CHECK(none.has_value());
  f.run();
  REQUIRE(all.has_value());
  CHECK(all->at(0).error.ok());
}

TEST_CASE("a disk that does not answer ends in timed_out, and the late answer is dropped", "[produce]") {
  ServiceFixture f;
  f.create("t", 2);
  std::optional<Results> results;
  start_produce(f, results, {{"t", 0, record("a"), {}}, {"nothing", 0, record("a"), {}}}, Acks::all, 50);
  CHECK(!results.has_value());
  f.loop.advance_ms(100);
  REQUIRE(results.has_value());
  CHECK(results->at(0).error.code() == Errc::timed_out);
  CHECK(results->at(1).error.code() == Errc::unknown_topic);
  f.run();
  CHECK(f.partition("t").get("a").value == "v");
}

TEST_CASE("a keyed record for another partition than the partitioner's is refused whole", "[produce]") {
  ServiceFixture f;
  f.create("t", 4, {{"partitioner", "crc32"}});
  const int home = partition_for_key(Partitioner::crc32, "a", 4).value();
  CHECK(produce(f, {{"t", home, record("a"), {}}})[0].error.ok());
  const Results refused = produce(f, {{"t", (home + 1) % 4, record("a"), {}}});
  CHECK(refused[0].error.code() == Errc::wrong_partition);
  CHECK(refused[0].error.error().message.find("partition " + std::to_string(home)) != std::string::npos);
}

TEST_CASE("conditions are decided by the partition, and nonsense among them before", "[produce]") {
  ServiceFixture f;
  f.create("t");
  f.create("plain", 1, {{"cleanup.policy", "delete"}});
  const Condition absent{0, Condition::Kind::absent, Offset(0)};
  CHECK(produce(f, {{"t", 0, record("a"), {absent}}})[0].error.ok());
  const Results failed = produce(f, {{"t", 0, record("a"), {absent}}});
  CHECK(failed[0].error.code() == Errc::condition_failed);
  CHECK(failed[0].current_offset == Offset(0));
  CHECK(produce(f, {{"t", 0, record("a"), {{0, Condition::Kind::offset, Offset(0)}}}})[0].error.ok());
  CHECK(produce(f, {{"t", 0, record("a"), {{5, Condition::Kind::exists, Offset(0)}}}})[0].error.code() ==
        Errc::invalid_argument);
  const std::string twice = make_batch({{"a", "1", {}}, {"a", "2", {}}});
  CHECK(produce(
            f, {{"t", 0, twice, {{0, Condition::Kind::offset, Offset(1)}, {1, Condition::Kind::offset, Offset(1)}}}})[0]
            .error.code() == Errc::invalid_argument);
  CHECK(produce(f, {{"plain", 0, record("a"), {absent}}})[0].error.code() == Errc::unsupported);
}

TEST_CASE("a record without a key is refused on a compacted topic and taken on others", "[produce]") {
  ServiceFixture f;
  f.create("t");
  f.create("plain", 1, {{"cleanup.policy", "delete"}});
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), TimestampMs(1), std::nullopt, ByteView("v"));
  std::string keyless;
  REQUIRE_OK(builder.finish(keyless));
  CHECK(produce(f, {{"t", 0, keyless, {}}})[0].error.code() == Errc::invalid_record);
  CHECK(produce(f, {{"plain", 0, keyless, {}}})[0].error.ok());
}

TEST_CASE("each record without a key is named where its topic is compacted, of a large batch, too", "[produce]") {
  ServiceFixture f;
  f.create("t");
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{1} << 19}) {
    BatchBuilder::Options options;
    options.compression = Compression::lz4;
    BatchBuilder builder(Offset(0), options);
    const std::string value(bytes, 'v');
    for (int i = 0; i < 5; ++i)
      builder.add(Offset(i), TimestampMs(1), i % 2 == 0 ? std::optional<ByteView>() : ByteView("k"), ByteView(value));
    std::string mixed;
    REQUIRE_OK(builder.finish(mixed));
    std::optional<Results> results;
    int holds = 0;
    start_produce(f, results, {{"t", 0, mixed, {}}}, Acks::all, 0, &holds);
    CHECK((holds == 1) == (bytes > 1));  // handled elsewhere
    f.run();
    REQUIRE(results.has_value());
    CHECK((*results)[0].error.code() == Errc::invalid_record);
    CHECK((*results)[0].refused_records == std::vector<std::uint32_t>{0, 2, 4});
    // Another fault is none of the records'.
    const auto broken = produce(f, {{"t", 0, record("a") + "more", {}}});
    CHECK(broken[0].error.code() == Errc::invalid_record);
    CHECK(broken[0].refused_records.empty());
  }
}

TEST_CASE("a batch that does not fit a segment is refused, naming segment.bytes, and the topic is taken", "[produce]") {
  ServiceFixture f;
  f.create("t", 1, {{"segment.bytes", "1024"}});
  const Results results =
      produce(f, {{"t", 0, record("a", std::string(900, 'x')), {}}, {"t", 0, record("b", std::string(1000, 'x')), {}}});
  CHECK(results[0].error.ok());
  CHECK(results[1].error.code() == Errc::message_too_large);
  CHECK(results[1].error.error().message.find("segment.bytes is 1024") != std::string::npos);
}

TEST_CASE("a null value is a record like any other on a topic without compaction", "[produce]") {
  ServiceFixture f;
  f.create("plain", 1, {{"cleanup.policy", "delete"}});
  CHECK(produce(f, {{"plain", 0, record("a", std::nullopt), {}}})[0].error.ok());
  const auto stored = f.partition("plain").fetch_all();
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].key == "a");
  CHECK(!stored[0].value.has_value());
  const Condition exists{0, Condition::Kind::exists, kNoOffset};
  const AppendResult refused = produce(f, {{"plain", 0, record("a", std::nullopt), {exists}}})[0];
  CHECK(refused.error.code() == Errc::unsupported);
}

TEST_CASE("an idempotent retry is answered with the original's offsets", "[produce]") {
  ServiceFixture f;
  f.create("t");
  BatchShape shape;
  shape.producer = ProducerId(5);
  shape.epoch = 0;
  shape.sequence = 0;
  const std::string batch = make_batch({{"a", "1", {}}}, shape);
  CHECK(!produce(f, {{"t", 0, batch, {}}})[0].duplicate);
  f.put("t", "b", "2");
  const Results again = produce(f, {{"t", 0, batch, {}}});
  CHECK(again[0].error.ok());
  CHECK(again[0].duplicate);
  CHECK(again[0].base_offset == Offset(0));
}

}  // namespace
}  // namespace logcask::testing
