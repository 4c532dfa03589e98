// Watch: the current value, then every change, without a gap.
#include "broker/services/watch_service.h"

#include <optional>

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

struct Watcher {
  std::vector<std::string> events;  // "key=value", "key deleted", "key absent"
  Offset last;
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
