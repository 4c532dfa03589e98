// Watch: the current value, then every change, without a gap.
#include "broker/services/watch_service.h"

#include <algorithm>
#include <optional>

#include "broker/services/key_watch.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

struct Watcher {
  std::vector<std::string> events;  // "key=value", "key deleted", "key absent"
  Offset last;
  PartitionId partition;
  std::optional<Status> ended;
};

class WatcherSink final : public WatchSink {
 public:
  WatcherSink(Watcher& watcher, std::vector<std::string> keys) : watcher_(watcher), keys_(std::move(keys)) {}
  void event(const LookupResult& event) override {
    const std::string& key = keys_.at(event.key_index);
    switch (event.status) {
      case LookupStatus::found:
        watcher_.events.push_back(key + "=" + std::string(event.value));
        break;
      case LookupStatus::deleted:
        watcher_.events.push_back(key + " deleted");
        break;
      case LookupStatus::absent:
        watcher_.events.push_back(key + " absent");
        break;
      case LookupStatus::expired:
        watcher_.events.push_back(key + " expired");
        break;
      case LookupStatus::failed:
        watcher_.events.push_back(key + " failed");
    }
    watcher_.last = event.offset;
    watcher_.partition = event.partition;
  }
  void flush() override {}
  void ended(Status status) override { watcher_.ended = std::move(status); }

 private:
  Watcher& watcher_;
  const std::vector<std::string> keys_;
};

std::shared_ptr<OpenCall> watch(ServiceFixture& f, Watcher& watcher, const std::vector<std::string>& keys,
                                WatchOptions options = {}, const std::string& topic = "t") {
  if (options.credit_bytes == 0) options.credit_bytes = 1u << 20;
  const std::vector<ByteView> views(keys.begin(), keys.end());
  auto open = f.watch.watch(f.context(), topic, views, options, std::make_unique<WatcherSink>(watcher, keys));
  REQUIRE_OK(open);
  return *open;
}

using Events = std::vector<std::string>;

TEST_CASE("a watcher gets the current value and then every version", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  Watcher watcher;
  const auto open = watch(f, watcher, {"a", "b"});
  f.run();
  CHECK(watcher.events == Events{"a=1", "b absent"});
  watcher.events.clear();
  f.put("t", "a", "2");
  f.put("t", "x", "other");
  f.put("t", "a", "3");
  f.put("t", "b", "4");
  f.put("t", "a", std::nullopt);
  f.run();
  CHECK(watcher.events == Events{"a=2", "a=3", "b=4", "a deleted"});
}

TEST_CASE("a change between registration and the first read is neither lost nor sent twice", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  Watcher watcher;
  const auto open = watch(f, watcher, {"a"});
  f.put("t", "a", "2");
  f.run();
  CHECK(watcher.events.back() == "a=2");
  CHECK(std::count(watcher.events.begin(), watcher.events.end(), "a=2") == 1);
  f.put("t", "a", "3");
  f.run();
  CHECK(watcher.events.back() == "a=3");
}

TEST_CASE("a watcher without credit falls behind and then gets the newest version", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "0");
  Watcher watcher;
  WatchOptions options;
  options.credit_bytes = 1;
  const auto open = watch(f, watcher, {"a"}, options);
  f.run();
  CHECK(watcher.events == Events{"a=0"});
  for (int i = 1; i <= 6000; ++i) {
    std::optional<AppendResult> answer;
    f.partition("t").start_append({{"a", std::to_string(i), {}}}, Acks::all, answer);
    f.partition("t").run_all();
    REQUIRE(answer.has_value());
  }
  f.run();
  CHECK(watcher.events == Events{"a=0"});
  open->add_credit(1u << 20);
  f.run();
  CHECK(watcher.events.back() == "a=6000");
  // What did not fit the queue was skipped, not sent late.
  CHECK(watcher.events.size() < 6000);
}

TEST_CASE("watchers that take nothing keep only so many changes together, and others go on getting every version",
          "[watch]") {
  ServiceFixture f;
  f.create("t");
  WatchService small(f.parts, 100);
  const std::vector<std::string> keys = {"a"};
  const ByteView view = keys[0];
  std::vector<Watcher> stuck(10);
  std::vector<std::shared_ptr<OpenCall>> open;
  const auto watch_with = [&](Watcher& watcher, std::uint64_t credit) {
    WatchOptions options;
    options.credit_bytes = credit;
    auto opened =
        small.watch(f.context(), "t", std::span(&view, 1), options, std::make_unique<WatcherSink>(watcher, keys));
    REQUIRE_OK(opened);
    open.push_back(*opened);
  };
  for (Watcher& one : stuck) watch_with(one, 1);
  Watcher taking;
  watch_with(taking, 1u << 20);
  f.run();
  for (int i = 0; i < 50; ++i) {
    f.put("t", "a", std::to_string(i));
    f.run();
  }
  CHECK(taking.events.size() == 51);
  for (const auto& call : open) call->add_credit(1u << 20);
  f.run();
  std::size_t kept = 0;
  for (const Watcher& one : stuck) {
    CHECK(one.events.back() == "a=49");
    kept += one.events.size() - 1;  // without what its first credit brought
  }
  CHECK(kept >= 100);
  CHECK(kept <= 100 + 2 * stuck.size());
  CHECK(taking.events.size() == 51);
  for (const auto& call : open) call->cancel(Error{Errc::cancelled, "enough"});
}

TEST_CASE("a resumed watcher gets only what it has not seen", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");           // 0
  f.put("t", "b", "1");           // 1
  f.put("t", "b", "2");           // 2
  f.put("t", "c", "1");           // 3
  f.put("t", "c", std::nullopt);  // 4
  Watcher watcher;
  WatchOptions options;
  options.last_seen = {Offset(0), Offset(1), Offset(3), Offset(-1), Offset(77)};
  const auto open = watch(f, watcher, {"a", "b", "c", "d", "gone"}, options);
  f.run();
  CHECK(watcher.events == Events{"b=2", "c deleted", "d absent", "gone deleted"});
}

TEST_CASE("with partitioner any a key is watched in every partition", "[watch]") {
  ServiceFixture f;
  f.create("t", 3);
  f.put("t", "a", "old", 1);
  Watcher watcher;
  const auto open = watch(f, watcher, {"a"});
  f.run();
  CHECK(watcher.events == Events{"a=old"});
  f.put("t", "a", "elsewhere", 2);
  f.run();
  CHECK(watcher.events.back() == "a=elsewhere");
}

TEST_CASE("a resumed watch tells a key's newest record in another partition, though its offset was seen in the first",
          "[watch]") {
  ServiceFixture f;
  f.create("t", 2);
  const Offset seen = f.put("t", "a", "old", 0).base_offset;
  f.partition("t", 1).clock().advance_ms(1);
  REQUIRE(f.put("t", "a", "new", 1).base_offset == seen);
  WatchOptions options;
  options.last_seen = {seen};
  options.positions = {{PartitionId(0), seen + 1, kNoRun}};
  Watcher watcher;
  const auto open = watch(f, watcher, {"a"}, options);
  f.run();
  CHECK(watcher.events == Events{"a=new"});
  options.positions.push_back({PartitionId(1), seen + 1, kNoRun});
  Watcher again;
  const auto reopened = watch(f, again, {"a"}, options);
  f.run();
  CHECK(again.events.empty());
}

TEST_CASE("a key that is gone from several partitions moves the position of none", "[watch]") {
  ServiceFixture f;
  f.create("t", 2);
  Watcher watcher;
  WatchOptions options;
  options.last_seen = {Offset(50)};  // of a partition that nobody names
  const auto open = watch(f, watcher, {"gone"}, options);
  f.run();
  CHECK(watcher.events == Events{"gone deleted"});
  CHECK(watcher.last == Offset(50));
  CHECK(watcher.partition == PartitionId(-1));
}

TEST_CASE("a watch registers each key once with each partition, in turns, and reads values from their holders only",
          "[watch]") {
  constexpr std::size_t kKeys = 600, kPartitions = 20;
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", kPartitions);
  f.put("t", "k5", "5", 17);
  f.put("t", "k6", "old", 2);
  f.partition("t", 3).clock().advance_ms(1);
  f.put("t", "k6", "new", 3);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back("k" + std::to_string(i));
  Watcher watcher;
  const auto open = watch(f, watcher, keys);
  std::size_t most = asked.keys_watched;
  for (std::size_t before = asked.keys_watched; f.loop.turn(); before = asked.keys_watched)
    most = std::max(most, asked.keys_watched - before);
  CHECK(asked.keys_watched == kKeys * kPartitions);
  CHECK(most < KeyWatch::kRegistrationsPerTurn + PartitionRunner::kWatchKeysMax);
  CHECK(asked.hashed.size() == kKeys);
  CHECK(asked.keys_looked_up == 3);  // k5 in one, k6 in two
  REQUIRE(watcher.events.size() == kKeys);
  CHECK(watcher.events[5] == "k5=5");
  CHECK(watcher.events[6] == "k6=new");
  CHECK(watcher.events[7] == "k7 absent");
  f.put("t", "k599", "late", 19);
  f.run();
  CHECK(watcher.events.back() == "k599=late");
  open->cancel(Error{Errc::cancelled, "enough"});
  f.run();
  f.put("t", "k599", "later", 19);
  CHECK(watcher.events.back() == "k599=late");
}

TEST_CASE("a resumed watch of keys that are gone asks the partitions in turns, too", "[watch]") {
  constexpr std::size_t kKeys = 300, kPartitions = 60;
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", kPartitions);
  for (std::size_t p = 0; p < kPartitions; ++p) {
    f.put("t", "other", "1", static_cast<int>(p));
    f.put("t", "other", "2", static_cast<int>(p));
    REQUIRE_OK(f.partition("t", static_cast<int>(p)).partition().delete_records(Offset(2)));
  }
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back("k" + std::to_string(i));
  Watcher watcher;
  WatchOptions options;
  options.last_seen.assign(kKeys, Offset(1));
  const auto open = watch(f, watcher, keys, options);
  std::size_t most = 0;
  for (std::size_t before = asked.marks_asked; f.loop.turn(); before = asked.marks_asked)
    most = std::max(most, asked.marks_asked - before);
  REQUIRE(watcher.events.size() == kKeys);
  CHECK(watcher.events.back() == "k299 expired");
  CHECK(most <= KeyWatch::kEventsPerTurn + kPartitions);
}

TEST_CASE("a watch of more registrations than the bound, or than memory has room for, is refused by name", "[watch]") {
  struct BoundedMemory final : CallMemory {
    std::size_t held = 0, most = 0;
    bool try_hold(std::size_t bytes) override { return (held += bytes) <= most; }
  } memory;
  ServiceFixture f;
  f.create("t", 100);
  CallContext context = f.context();
  context.memory = &memory;
  Watcher watcher;
  const auto refused = [&](std::size_t keys) {
    const std::vector<ByteView> views(keys, ByteView("k"));
    const auto open = f.watch.watch(context, "t", views, {}, std::make_unique<WatcherSink>(watcher, Events{}));
    REQUIRE(!open.ok());
    return open.error();
  };
  CHECK(refused(20).code == Errc::limit_exceeded);
  CHECK(refused(20).message.find("requests.inflight.max.bytes") != std::string::npos);
  memory = {};
  memory.most = SIZE_MAX;
  const Error bound = refused(WatchService::kRegistrationsMax / 100 + 1);
  CHECK(bound.code == Errc::invalid_argument);
  CHECK(bound.message.find("give the topic a partitioner") != std::string::npos);
  CHECK(memory.held == 0);
}

TEST_CASE("a key that retention took is told alike, at the same offset, by a live and by a resumed watch", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  const Offset last = f.put("t", "a", "2").base_offset;
  Watcher live;
  const auto open = watch(f, live, {"a"});
  f.run();
  f.put("t", "other", "1");
  f.put("t", "other", "2");
  REQUIRE_OK(f.partition("t").partition().delete_records(last + 2));
  f.run();
  CHECK(live.events.back() == "a expired");
  CHECK(live.last == last);
  Watcher resumed;
  WatchOptions options;
  options.last_seen = {last};
  const auto again = watch(f, resumed, {"a"}, options);
  f.run();
  CHECK(resumed.events == Events{"a expired"});
  CHECK(resumed.last == last);
  f.put("t", "a", "3");
  f.run();
  CHECK(resumed.events.back() == "a=3");
  CHECK(resumed.last > last);
}

TEST_CASE("a key whose delete has been cleaned away is told at its own offset, and its later events are above",
          "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "other", "1");
  Watcher watcher;
  WatchOptions options;
  options.last_seen = {Offset(0)};  // of a key of which nothing is left
  const auto open = watch(f, watcher, {"gone"}, options);
  for (int i = 0; i < 5; ++i) f.put("t", "other", "2");
  f.run();
  CHECK(watcher.events == Events{"gone deleted"});
  CHECK(watcher.last == Offset(0));
  const Offset back = f.put("t", "gone", "back").base_offset;
  f.run();
  CHECK(watcher.events.back() == "gone=back");
  CHECK(watcher.last == back);
}

TEST_CASE("a watch ends when it is cancelled and when its partition closes", "[watch]") {
  ServiceFixture f;
  f.create("t");
  Watcher cancelled;
  const auto open = watch(f, cancelled, {"a"});
  f.run();
  open->cancel(Error{Errc::cancelled, "enough"});
  CHECK(cancelled.ended->code() == Errc::cancelled);
  f.put("t", "a", "1");
  f.run();
  CHECK(cancelled.events == Events{"a absent"});
  Watcher closed;
  const auto other = watch(f, closed, {"a"});
  f.run();
  f.partition("t").partition().close(Error{Errc::shutting_down, "bye"});
  f.run();
  REQUIRE(closed.ended.has_value());
  CHECK(closed.ended->code() == Errc::shutting_down);
}

TEST_CASE("watching no key or a topic without keydir says why it cannot be", "[watch]") {
  ServiceFixture f;
  f.create("t");
  f.create("plain", 1, {{"cleanup.policy", "delete"}});
  Watcher watcher;
  const ByteView key = "a";
  const auto refused = [&](const std::string& topic, std::span<const ByteView> keys) {
    const auto open = f.watch.watch(f.context(), topic, keys, {}, std::make_unique<WatcherSink>(watcher, Events{}));
    REQUIRE(!open.ok());
    return open.error();
  };
  CHECK(refused("t", {}).message.find("replay --key-prefix") != std::string::npos);
  CHECK(refused("plain", std::span(&key, 1)).code == Errc::unsupported);
  CHECK(refused("nothing", std::span(&key, 1)).code == Errc::unknown_topic);
}

}  // namespace
}  // namespace logcask::testing
