#include "broker/services/lookup_service.h"

#include <algorithm>
#include <optional>

#include "broker/services/lookup.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

struct LookedUp {
  std::optional<Status> status;
  std::vector<LookupResult> results;
  std::vector<std::string> values;
};

class LookedUpCall final : public LookupCall {
 public:
  explicit LookedUpCall(LookedUp& answer) : answer_(answer) {}
  void result(const LookupResult& result) override {
    answer_.results.push_back(result);
    answer_.values.emplace_back(result.value);
  }
  void completed(Status status) override {
    REQUIRE(!answer_.status.has_value());
    answer_.status = std::move(status);
  }

 private:
  LookedUp& answer_;
};

std::shared_ptr<OpenCall> start_lookup(ServiceFixture& f, LookedUp& answer, const std::vector<std::string>& keys,
                                       LookupOptions options = {}, const std::string& topic = "t") {
  const std::vector<ByteView> views(keys.begin(), keys.end());
  return f.lookup.get(f.context(), topic, views, std::move(options), std::make_unique<LookedUpCall>(answer));
}

LookedUp ask(ServiceFixture& f, const std::vector<std::string>& keys, LookupOptions options = {},
             const std::string& topic = "t") {
  LookedUp answer;
  CHECK(start_lookup(f, answer, keys, std::move(options), topic) == nullptr);
  REQUIRE(answer.status.has_value());
  return answer;
}

TEST_CASE("several keys are answered in their order", "[lookup]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.put("t", "b", "2");
  f.put("t", "b", std::nullopt);
  const LookedUp answer = ask(f, {"b", "none", "a", "a"});
  REQUIRE(answer.results.size() == 4);
  CHECK(answer.results[0].status == LookupStatus::deleted);
  CHECK(answer.results[1].status == LookupStatus::absent);
  CHECK(answer.values[2] == "1");
  CHECK(answer.values[3] == "1");
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(answer.results[i].key_index == i);
}

TEST_CASE("with partitioner any the newest value of all partitions wins, tombstones hold nothing", "[lookup]") {
  ServiceFixture f;
  f.create("t", 3);
  f.put("t", "a", "old", 0);
  f.partition("t", 2).clock().advance_ms(1000);
  f.put("t", "a", "new", 2);
  f.put("t", "b", "here", 1);
  f.put("t", "b", "x", 0);
  f.put("t", "b", std::nullopt, 0);
  f.put("t", "c", "x", 1);
  f.put("t", "c", std::nullopt, 1);
  const LookedUp answer = ask(f, {"a", "b", "c", "d"});
  REQUIRE(answer.results.size() == 4);
  CHECK(answer.values[0] == "new");
  CHECK(answer.results[0].partition == PartitionId(2));
  CHECK(answer.results[0].ambiguous);
  CHECK(answer.values[1] == "here");
  CHECK(!answer.results[1].ambiguous);
  CHECK(answer.results[2].status == LookupStatus::deleted);
  CHECK(answer.results[3].status == LookupStatus::absent);
}

TEST_CASE("with a named partitioner only the key's own partition is asked", "[lookup]") {
  ServiceFixture f;
  f.create("t", 3, {{"partitioner", "murmur2"}});
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key" + std::to_string(i);
    const PartitionId home = partition_for_key(Partitioner::murmur2, key, 3);
    f.put("t", key, "right", home.value());
    f.put("t", key, "wrong", (home.value() + 1) % 3);
    keys.push_back(key);
  }
  const LookedUp answer = ask(f, keys);
  REQUIRE(answer.values.size() == keys.size());
  for (const std::string& value : answer.values) CHECK(value == "right");
}

TEST_CASE("a keydir that is loading makes the whole answer loading", "[lookup]") {
  ServiceFixture f;
  f.create("t", 2);
  f.put("t", "a", "1", 0);
  f.put("t", "x", "y", 1);
  // Recovered anew, the second partition loads its keydir in the background, which has not run yet.
  f.partition("t", 1).partition().quarantine("test");
  REQUIRE_OK(f.partition("t", 1).partition().reopen());
  REQUIRE(f.partition("t", 1).partition().snapshot().state == PartitionSnapshot::State::loading);
  CHECK(ask(f, {"a"}).status->code() == Errc::loading);
  LookupOptions first;
  first.partition = PartitionId(0);
  CHECK(ask(f, {"a"}, first).values == std::vector<std::string>{"1"});
  f.run();
  CHECK(ask(f, {"a"}).values == std::vector<std::string>{"1"});
}

TEST_CASE("min_offset waits for the record, and nobody waits for an offset that was never given out", "[lookup]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  LookupOptions early;
  early.min_offsets = {{PartitionId(0), Offset(1)}};
  CHECK(ask(f, {"a"}, early).status->code() == Errc::offset_not_yet);

  std::optional<AppendResult> appended;
  f.partition("t").start_append({{"a", "2", {}}}, Acks::all, appended);
  LookedUp answer;
  LookupOptions wait;
  wait.min_offsets = {{PartitionId(0), Offset(1)}};
  const auto open = start_lookup(f, answer, {"a"}, wait);
  REQUIRE(open != nullptr);
  CHECK(!answer.status.has_value());
  f.run();
  REQUIRE(answer.status.has_value());
  CHECK(answer.status->ok());
  CHECK(answer.values[0] == "2");
}

TEST_CASE("a min_offset wait has a deadline and can be cancelled", "[lookup]") {
  ServiceFixture f;
  f.create("t");
  std::optional<AppendResult> appended;
  f.partition("t").start_append({{"a", "1", {}}}, Acks::all, appended);
  LookupOptions options;
  options.min_offsets = {{PartitionId(0), Offset(0)}};
  options.timeout_ms = 100;
  LookedUp late, cancelled;
  const auto open = start_lookup(f, late, {"a"}, options);
  const auto other = start_lookup(f, cancelled, {"a"}, options);
  other->cancel(Error{Errc::cancelled, "no"});
  CHECK(cancelled.status->code() == Errc::cancelled);
  f.loop.advance_ms(150);
  REQUIRE(late.status.has_value());
  CHECK(late.status->code() == Errc::timed_out);
  f.run();
}

TEST_CASE("the counters say how many keys were asked for and how many had a value", "[lookup]") {
  ServiceFixture f;
  f.create("t", 3);
  f.put("t", "a", "1", 0);
  f.put("t", "b", "2", 2);
  f.put("t", "gone", std::nullopt, 1);
  LookedUp answer;
  start_lookup(f, answer, {"a", "nothing", "b", "gone", "a"});
  f.run();
  REQUIRE_OK(*answer.status);
  CHECK(f.metrics.keys_looked_up.value() == 5);
  CHECK(f.metrics.keys_found.value() == 3);
}

std::vector<std::string> many_keys(std::size_t count) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back("k" + std::to_string(i));
  return keys;
}

TEST_CASE("a lookup asks each partition once for each key, in slices, and hashes a key once", "[lookup]") {
  constexpr std::size_t kKeys = 1000, kPartitions = 20;
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", kPartitions);
  f.put("t", "k7", "old", 3);
  f.partition("t", 11).clock().advance_ms(1);
  f.put("t", "k7", "new", 11);
  f.put("t", "k999", std::nullopt, 19);
  LookedUp answer;
  const auto open = start_lookup(f, answer, many_keys(kKeys));
  REQUIRE(open != nullptr);
  std::size_t slices = 0, most = 0;
  for (std::size_t before = 0; !answer.status; before = asked.keys_looked_up) {
    REQUIRE(f.loop.turn());
    most = std::max(most, asked.keys_looked_up - before);
    ++slices;
  }
  CHECK(asked.keys_looked_up == kKeys * kPartitions);
  CHECK(asked.hashed.size() == kKeys);
  CHECK(most <= Lookup::kSliceQuestions + 64);
  CHECK(slices >= kKeys * kPartitions / (Lookup::kSliceQuestions + 64));
  REQUIRE_OK(*answer.status);
  REQUIRE(answer.results.size() == kKeys);
  for (std::uint32_t i = 0; i < kKeys; ++i) CHECK(answer.results[i].key_index == i);
  CHECK(answer.results[7].status == LookupStatus::found);
  CHECK(answer.results[7].ambiguous);
  CHECK(answer.results[999].status == LookupStatus::deleted);
  CHECK(answer.results[500].status == LookupStatus::absent);
}

TEST_CASE("a long lookup under a named partitioner answers in order, slice by slice, and can be cancelled",
          "[lookup]") {
  constexpr std::size_t kKeys = 3 * Lookup::kSliceQuestions;
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", 3, {{"partitioner", "crc32"}});
  LookedUp answer, cancelled;
  const auto open = start_lookup(f, answer, many_keys(kKeys));
  const auto other = start_lookup(f, cancelled, many_keys(kKeys));
  REQUIRE(f.loop.turn());
  CHECK(answer.results.size() == Lookup::kSliceQuestions);
  CHECK(cancelled.results.empty());  // its turn comes next
  other->cancel(Error{Errc::cancelled, "enough"});
  CHECK(cancelled.status->code() == Errc::cancelled);
  f.run();
  REQUIRE(answer.results.size() == kKeys);
  for (std::uint32_t i = 0; i < kKeys; ++i) CHECK(answer.results[i].key_index == i);
  CHECK(asked.keys_looked_up == kKeys);
}

struct LittleMemory final : CallMemory {
  std::size_t held = 0, most = 0;
  bool try_hold(std::size_t bytes) override {
    if (held + bytes > most) return false;
    held += bytes;
    return true;
  }
};

TEST_CASE("a long lookup is charged for its keys, and one of too many questions is refused by name", "[lookup]") {
  ServiceFixture f;
  f.create("t", 100);
  const std::vector<std::string> keys = many_keys(2000);
  const std::vector<ByteView> views(keys.begin(), keys.end());
  LittleMemory memory;
  CallContext context = f.context();
  context.memory = &memory;
  LookedUp refused, taken;
  CHECK(f.lookup.get(context, "t", views, {}, std::make_unique<LookedUpCall>(refused)) == nullptr);
  CHECK(refused.status->code() == Errc::limit_exceeded);
  CHECK(refused.status->error().message.find("requests.inflight.max.bytes") != std::string::npos);
  memory.most = 1u << 20;
  const auto open = f.lookup.get(context, "t", views, {}, std::make_unique<LookedUpCall>(taken));
  REQUIRE(open != nullptr);
  CHECK(memory.held > 2000 * sizeof(std::string));
  f.run();
  REQUIRE_OK(*taken.status);
  const std::vector<ByteView> too_many(LookupService::kQuestionsMax / 100 + 1, ByteView("k"));
  LookedUp bound;
  CHECK(f.lookup.get(context, "t", too_many, {}, std::make_unique<LookedUpCall>(bound)) == nullptr);
  CHECK(bound.status->code() == Errc::invalid_argument);
  CHECK(bound.status->error().message.find("partitions are more than") != std::string::npos);
}

TEST_CASE("lookups that cannot be say why", "[lookup]") {
  ServiceFixture f;
  f.create("t");
  f.create("plain", 1, {{"cleanup.policy", "delete"}});
  CHECK(ask(f, {"a"}, {}, "nothing").status->code() == Errc::unknown_topic);
  CHECK(ask(f, {"a"}, {}, "plain").status->code() == Errc::unsupported);
  LookupOptions wrong;
  wrong.partition = PartitionId(7);
  CHECK(ask(f, {"a"}, wrong).status->code() == Errc::unknown_partition);
}

}  // namespace
}  // namespace logcask::testing
