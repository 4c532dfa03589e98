#include "broker/services/key_homes.h"

#include <optional>

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

class OneResult final : public ProduceCall {
 public:
  explicit OneResult(std::optional<AppendResult>& result) : result_(result) {}
  void completed(std::vector<AppendResult>& results) override { result_ = std::move(results.front()); }
  std::function<void()> hold_later_calls() override {
    return [] {};
  }

 private:
  std::optional<AppendResult>& result_;
};

// A topic of four partitions with partitioner `any`, and writes to it that were placed by key.
struct Placed {
  explicit Placed(int partitions = 4) { f.create("t", partitions); }

  AppendResult send(int partition, const std::vector<TestRecord>& records, std::vector<Condition> conditions = {},
                    const BatchShape& shape = {}, bool by_key = true) {
    const std::string batch = make_batch(records, shape);
    ProduceEntry entry;
    entry.topic = "t";
    entry.partition = PartitionId(partition);
    entry.batch = batch;
    entry.conditions = std::move(conditions);
    entry.by_key = by_key;
    std::optional<AppendResult> result;
    f.produce.produce(f.context(), {&entry, 1}, Acks::all, 0, std::make_unique<OneResult>(result));
    f.run();
    REQUIRE(result.has_value());
    return std::move(*result);
  }
  // As a client that has put the key where it liked.
  void foreign(const std::string& key, const std::optional<std::string>& value, int partition, std::int64_t time = 1) {
    const std::string batch = make_batch({{key, value, {}}}, {}, TimestampMs(time));
    std::optional<AppendResult> result;
    f.partition("t", partition).start_batch(batch, Acks::all, [&](AppendResult given) { result = std::move(given); });
    f.run();
    REQUIRE(result.has_value());
    REQUIRE_OK(result->error);
  }

  ServiceFixture f;
};

using Elsewhere = std::vector<AppendResult::Elsewhere>;

TEST_CASE("a write by key goes where the key's value stands, and otherwise where it was put", "[produce][any]") {
  Placed t;
  t.foreign("far", "1", 2);
  t.foreign("gone", "1", 3);
  t.foreign("gone", std::nullopt, 3);
  CHECK(t.send(0, {{"near", "v", {}}, {"gone", "again", {}}}).error.ok());
  for (const std::optional<std::string>& value : {std::optional<std::string>("2"), std::optional<std::string>()}) {
    const AppendResult result = t.send(0, {{"near", "v", {}}, {"far", value, {}}});
    CHECK(result.error.code() == Errc::wrong_partition);
    CHECK(result.elsewhere == Elsewhere{{1, PartitionId(2)}});
    const AppendResult there = t.send(2, {{"far", value, {}}});
    CHECK(there.error.ok());
    CHECK(there.elsewhere.empty());
    CHECK(there.ambiguous_records.empty());
  }
  // Nothing stands anywhere any more.
  CHECK(t.send(0, {{"far", "new", {}}}).error.ok());
}

TEST_CASE("a partition that was named is the writer's will, wherever the key stands", "[produce][any]") {
  Placed t;
  t.foreign("k", "1", 2);
  CHECK(t.send(0, {{"k", std::nullopt, {}}}, {}, {}, false).error.ok());
}

TEST_CASE("of several places a tombstone is told each, a value goes to the newest and is called ambiguous",
          "[produce][any]") {
  Placed t;
  t.foreign("k", "old", 1, 1);
  t.foreign("k", "new", 2, 3);
  t.foreign("k", "middle", 3, 2);
  CHECK(t.send(0, {{"k", "v", {}}}).elsewhere == Elsewhere{{0, PartitionId(2)}});
  CHECK(t.send(1, {{"k", "v", {}}}).elsewhere == Elsewhere{{0, PartitionId(2)}});
  CHECK(t.send(2, {{"k", "v", {}}}).ambiguous_records == std::vector<std::uint32_t>{0});
  int at = 0;
  std::vector<int> deleted;
  for (int asked = 0; asked < 9; ++asked) {
    const AppendResult result = t.send(at, {{"k", std::nullopt, {}}});
    if (result.error.ok()) deleted.push_back(at);
    if (result.elsewhere.empty()) break;
    at = result.elsewhere.front().partition.value();
  }
  std::sort(deleted.begin(), deleted.end());
  CHECK(deleted == std::vector<int>{1, 2, 3});
}

TEST_CASE("a condition goes where its record is, and is refused by name where there are several", "[produce][any]") {
  Placed t;
  t.foreign("k", "1", 2);
  const auto at = [](std::int64_t offset) { return Condition{0, Condition::Kind::offset, Offset(offset)}; };
  const Condition absent{0, Condition::Kind::absent, {}};
  CHECK(t.send(0, {{"k", "2", {}}}, {absent}).elsewhere == Elsewhere{{0, PartitionId(2)}});
  CHECK(t.send(2, {{"k", "2", {}}}, {absent}).error.code() == Errc::condition_failed);
  CHECK(t.send(2, {{"k", std::nullopt, {}}}, {at(0)}).error.ok());
  // The tombstone at offset 1 is what the condition is about.
  CHECK(t.send(0, {{"k", "3", {}}}, {at(1)}).elsewhere == Elsewhere{{0, PartitionId(2)}});
  CHECK(t.send(0, {{"k", "3", {}}}, {absent}).error.ok());

  t.foreign("two", "1", 1);
  t.foreign("two", "1", 3);
  const AppendResult refused = t.send(0, {{"a", "1", {}}, {"two", "2", {}}}, {{1, Condition::Kind::exists, {}}});
  CHECK(refused.error.code() == Errc::wrong_partition);
  CHECK(refused.error.error().message.find("partitions 1, 3") != std::string::npos);
  CHECK(refused.refused_records == std::vector<std::uint32_t>{1});
  CHECK(refused.elsewhere.empty());
}

TEST_CASE("a batch sent twice is not written again where its key stands by now", "[produce][any]") {
  Placed t;
  BatchShape shape;
  shape.producer = ProducerId(7);
  shape.epoch = 0;
  shape.sequence = 0;
  const AppendResult first = t.send(0, {{"k", "1", {}}}, {}, shape);
  REQUIRE_OK(first.error);
  t.foreign("k", "newer", 2, 1'800'000'000'000);
  const AppendResult repeat = t.send(0, {{"k", "1", {}}}, {}, shape);
  CHECK(repeat.error.ok());
  CHECK(repeat.duplicate);
  CHECK(repeat.base_offset == first.base_offset);
  CHECK(repeat.elsewhere.empty());

  // A tombstone goes on: its first answer may have been lost with the names of the other places.
  shape.sequence = 1;
  CHECK(t.send(0, {{"k", std::nullopt, {}}}, {}, shape).elsewhere == Elsewhere{{0, PartitionId(2)}});
  const AppendResult again = t.send(0, {{"k", std::nullopt, {}}}, {}, shape);
  CHECK(again.error.ok());
  CHECK(again.duplicate);
  CHECK(again.elsewhere == Elsewhere{{0, PartitionId(2)}});
}

TEST_CASE("a value that is not committed yet is met, where its writer did not ask", "[produce][any]") {
  Placed t;
  std::optional<AppendResult> stray;
  t.f.partition("t", 2).start_batch(make_batch({{"k", "1", {}}}), Acks::one,
                                    [&](AppendResult given) { stray = std::move(given); });
  REQUIRE(t.f.partition("t", 2).partition().marks().committed_end == Offset(0));
  KeyState state;
  const KeyIdentity identity = t.f.hasher.identity("k");
  REQUIRE_OK(t.f.partition("t", 2).partition().newest({&identity, 1}, {&state, 1}));
  CHECK(state.live());
  CHECK(state.pending);
  t.f.run();
  REQUIRE_OK(t.f.partition("t", 2).partition().newest({&identity, 1}, {&state, 1}));
  CHECK(state.live());
}

TEST_CASE("a partition that cannot say what it holds refuses deletes and conditions, not values", "[produce][any]") {
  Placed t;
  t.foreign("k", "1", 2);
  t.f.partition("t", 2).partition().close(Error{Errc::partition_offline, "gone for the test"});
  CHECK(t.send(0, {{"k", "2", {}}}).error.ok());
  const AppendResult refused = t.send(0, {{"k", std::nullopt, {}}});
  CHECK(refused.error.code() == Errc::shutting_down);  // what a closed partition says
  CHECK(refused.error.error().message.find("partition 2 cannot say") != std::string::npos);
  CHECK(t.send(0, {{"k", "2", {}}}, {{0, Condition::Kind::exists, {}}}).error.code() == Errc::shutting_down);
}

}  // namespace
}  // namespace logcask::testing
