#include "logcask/table.h"

#include <condition_variable>
#include <future>
#include <thread>

#include "logcask/future.h"
#include "proto/lookup_codec.h"
#include "tests/client/memory_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

TEST_CASE("A table tells found, deleted and absent apart") {
  MemoryBroker broker(3);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  REQUIRE_OK(table->put("a", "1").status);
  REQUIRE_OK(table->put("b", "2").status);
  const Delivery erased = table->erase("b");
  REQUIRE_OK(erased.status);
  const auto a = table->get("a");
  REQUIRE_OK(a);
  CHECK(a->found());
  CHECK(a->value == "1");
  const auto b = table->get("b");
  REQUIRE_OK(b);
  CHECK(b->status == Lookup::Status::deleted);
  CHECK(b->offset == erased.offset);
  const ByteView keys[] = {"b", "never", "a"};
  const auto all = table->multi_get(keys);
  REQUIRE_OK(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[1].status == Lookup::Status::absent);
  CHECK((*all)[2].value == "1");
}

TEST_CASE("Create, update and conditional erase hold or tell the current offset") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  const Delivery created = table->create("k", "1");
  REQUIRE_OK(created.status);
  CHECK(table->create("k", "2").current_offset == created.offset);
  const Delivery updated = table->update("k", "2", created.offset);
  REQUIRE_OK(updated.status);
  CHECK(table->update("k", "3", created.offset).status.code() == Errc::condition_failed);
  CHECK(table->erase("k", created.offset).status.code() == Errc::condition_failed);
  const Delivery erased = table->erase("k", updated.offset);
  REQUIRE_OK(erased.status);
  const Delivery stale = table->update("k", "4", updated.offset);
  CHECK(stale.status.code() == Errc::condition_failed);
  CHECK(stale.current_is_tombstone);
  CHECK(table->create("k", "5").ok());
}

TEST_CASE("A get carries the offsets this table has written, and those it is given") {
  std::atomic<int> produced{0};
  std::mutex mutex;
  std::vector<std::pair<std::uint32_t, std::int64_t>> wanted;
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    v1::ResponseHeader header;
    std::string attachment;
    if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(2);
    if (request.has_init_producer_id()) header.mutable_init_producer_id()->set_producer_id(1);
    if (request.has_produce()) {
      auto* result = header.mutable_produce()->add_results();
      result->set_base_offset(100 + produced++);
      result->set_log_append_time_ms(-1);
    }
    if (request.has_get()) {
      const std::lock_guard lock(mutex);
      wanted.clear();
      for (const auto& min : request.get().min_offsets()) wanted.emplace_back(min.partition(), min.offset());
      header.mutable_get()->set_key_count(1);
      append_lookup_result(attachment, LookupResult());
    }
    peer->reply(request.correlation_id(), std::move(header), attachment);
  });
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  REQUIRE_OK(table->get("k"));
  CHECK(wanted.empty());
  const Delivery written = table->put("k", "v");
  REQUIRE_OK(written.status);
  REQUIRE_OK(table->get("k"));
  const auto partition = static_cast<std::uint32_t>(written.partition.value());
  CHECK(wanted == std::vector<std::pair<std::uint32_t, std::int64_t>>{{partition, 100}});
  GetOptions options;
  options.min_offsets = {{written.partition, Offset(7)}, {PartitionId(1 - written.partition.value()), Offset(9)}};
  REQUIRE_OK(table->get("k", options));
  CHECK(wanted.size() == 2);
  for (const auto& [number, offset] : wanted) CHECK(offset == (number == partition ? 100 : 9));
  REQUIRE(table->written().size() == 1);
  CHECK(table->written()[0].offset == Offset(100));
}

TEST_CASE("Many lookups travel at once and each gets its own answer") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  for (int i = 0; i < 50; ++i) REQUIRE_OK(table->put("k" + std::to_string(i), "v" + std::to_string(i)).status);
  std::vector<std::future<Result<Lookup>>> futures;
  for (int i = 0; i < 50; ++i)
    futures.push_back(to_future<Lookup>([&](auto done) { table->get_async("k" + std::to_string(i), {}, done); }));
  for (int i = 0; i < 50; ++i) {
    const auto lookup = futures[static_cast<std::size_t>(i)].get();
    REQUIRE_OK(lookup);
    CHECK(lookup->value == "v" + std::to_string(i));
  }
}

// A broker that lets the test write the events of a watch.
class WatchScript {
 public:
  struct Subscription {
    FakeBroker::PeerPtr peer;
    std::uint64_t id = 0;
    std::vector<std::int64_t> last_seen;
  };
  WatchScript()
      : broker_([this](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
          handle(peer, request);
        }) {}

  std::string address() const { return broker_.address(); }
  Subscription next_subscription() {
    std::unique_lock lock(mutex_);
    REQUIRE(news_.wait_for(lock, std::chrono::seconds(10), [&] { return !subscriptions_.empty(); }));
    Subscription subscription = subscriptions_.front();
    subscriptions_.erase(subscriptions_.begin());
    return subscription;
  }
  // Every watch from now on is refused; ok: no more.
  void refuse_watches(Errc code) {
    const std::lock_guard lock(mutex_);
    refused_ = code;
  }
  std::size_t wait_credit(std::size_t at_least) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, std::chrono::seconds(10), [&] { return credit_ >= at_least; });
    return credit_;
  }
  bool wait_cancel() {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, std::chrono::seconds(10), [&] { return cancelled_; });
  }
  static std::size_t send(const Subscription& to, std::uint32_t key, LookupStatus status, std::int64_t offset,
                          const std::string& value = {}) {
    LookupResult result;
    result.key_index = key;
    result.status = status;
    result.offset = Offset(offset);
    result.partition = PartitionId(0);
    result.value = value;
    std::string attachment;
    append_lookup_result(attachment, result);
    v1::ResponseHeader header;
    header.mutable_watch()->set_event_count(1);
    to.peer->reply(to.id, std::move(header), attachment);
    return attachment.size();
  }

 private:
  void handle(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
    v1::ResponseHeader header;
    if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(1);
    if (request.has_init_producer_id()) header.mutable_init_producer_id()->set_producer_id(1);
    const std::lock_guard lock(mutex_);
    if (request.has_watch() && refused_ != Errc::ok) {
      peer->refuse(request.correlation_id(), refused_);
    } else if (request.has_watch()) {
      subscriptions_.push_back(
          {peer,
           request.correlation_id(),
           {request.watch().last_seen_offsets().begin(), request.watch().last_seen_offsets().end()}});
    } else if (request.has_credit()) {
      credit_ += request.credit().credit_bytes();
    } else if (request.has_cancel()) {
      cancelled_ = true;
    } else {
      peer->reply(request.correlation_id(), std::move(header));
    }
    news_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<Subscription> subscriptions_;
  std::size_t credit_ = 0;
  bool cancelled_ = false;
  Errc refused_ = Errc::ok;
  FakeBroker broker_;
};

// Events of a watch, for the test to wait for.
class Events {
 public:
  std::function<void(const WatchEvent&)> sink() {
    return [this](const WatchEvent& event) {
      const std::lock_guard lock(mutex_);
      texts_.push_back(std::string(event.key) + ":" + (event.lookup.found() ? event.lookup.value : "-") + "@" +
                       std::to_string(event.lookup.offset.value()));
      news_.notify_all();
    };
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, std::chrono::seconds(10), [&] { return texts_.size() >= count; });
    return texts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<std::string> texts_;
};

TEST_CASE("A table that only reads asks for no producer id, its first write asks for one") {
  MemoryBroker broker(3);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  REQUIRE_OK(table->get("k"));
  CHECK(broker.producer_ids_given() == 0);
  // Not waited for: they queue up behind the id, and keep their order.
  std::vector<std::future<Delivery>> written;
  for (int i = 0; i < 50; ++i) {
    auto promise = std::make_shared<std::promise<Delivery>>();
    written.push_back(promise->get_future());
    table->put_async("k", std::to_string(i), {}, [promise](const Delivery& delivery) { promise->set_value(delivery); });
  }
  Offset last = kNoOffset;
  for (auto& one : written) {
    const Delivery delivery = one.get();
    REQUIRE_OK(delivery.status);
    CHECK(delivery.offset > last);
    last = delivery.offset;
  }
  CHECK(table->get("k")->value == "49");
  CHECK(broker.producer_ids_given() == 1);
}

TEST_CASE("A watch goes on after a lost connection from what it has seen, and tells nothing twice") {
  WatchScript script;
  const Client client = connect(script.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Events events;
  auto watch = table->watch({"a", "b"}, events.sink());
  REQUIRE_OK(watch);
  const auto first = script.next_subscription();
  CHECK(first.last_seen == std::vector<std::int64_t>{-1, -1});
  WatchScript::send(first, 0, LookupStatus::absent, -1);
  WatchScript::send(first, 1, LookupStatus::found, 5, "five");
  CHECK(events.wait_for(2) == std::vector<std::string>{"a:-@-1", "b:five@5"});
  first.peer->hang_up();
  const auto second = script.next_subscription();
  CHECK(second.last_seen == std::vector<std::int64_t>{-1, 5});
  WatchScript::send(second, 0, LookupStatus::absent, -1);  // said before
  WatchScript::send(second, 1, LookupStatus::found, 5, "five");
  WatchScript::send(second, 1, LookupStatus::deleted, 9);
  WatchScript::send(second, 0, LookupStatus::found, 10, "ten");
  CHECK(events.wait_for(4) == std::vector<std::string>{"a:-@-1", "b:five@5", "b:-@9", "a:ten@10"});
}

TEST_CASE("A watch grants credit for what was told, and tells the broker when it ends") {
  WatchScript script;
  const Client client = connect(script.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Events events;
  auto watch = table->watch({"a"}, events.sink());
  REQUIRE_OK(watch);
  const auto subscription = script.next_subscription();
  const std::size_t bytes = WatchScript::send(subscription, 0, LookupStatus::found, 1, "x");
  CHECK(script.wait_credit(bytes) == bytes);
  CHECK(watch->active());
  watch->cancel();
  CHECK_FALSE(watch->active());
  CHECK(script.wait_cancel());
}

TEST_CASE("A watch the broker refuses ends with its error") {
  WatchScript script;
  const Client client = connect(script.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  std::promise<Errc> ended;
  auto watch = table->watch(
      {"a"}, [](const WatchEvent&) {}, [&](const Error& error) { ended.set_value(error.code); });
  REQUIRE_OK(watch);
  const auto subscription = script.next_subscription();
  subscription.peer->refuse(subscription.id, Errc::unsupported);
  CHECK(ended.get_future().get() == Errc::unsupported);
  CHECK_FALSE(watch->active());
}

TEST_CASE("A watch says whether the broker feeds it, and why not") {
  WatchScript script;
  Client client = connect(script.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  CHECK(Watch().contact().trouble.code == Errc::cancelled);
  Events events;
  std::promise<void> ended;
  const auto watch_a = [&](std::function<void(const Error&)> on_end = {}) {
    auto watch = table->watch({"a"}, events.sink(), std::move(on_end));
    REQUIRE_OK(watch);
    return std::move(watch).value();
  };
  auto refused = watch_a([&](const Error&) { ended.set_value(); });
  auto cancelled = watch_a();
  std::promise<void> closed;
  auto open = watch_a([&](const Error&) { closed.set_value(); });
  const auto first = script.next_subscription();
  (void)script.next_subscription();
  const auto third = script.next_subscription();
  WatchScript::send(third, 0, LookupStatus::found, 1, "x");
  events.wait_for(1);
  for (const Watch* fed : {&refused, &cancelled, &open}) {
    CHECK(fed->contact().ok());
    CHECK(fed->contact().silent_ms >= 0);
  }
  first.peer->refuse(first.id, Errc::unknown_topic);
  ended.get_future().wait();
  CHECK(refused.contact().trouble.code == Errc::unknown_topic);
  cancelled.cancel();
  // Each tells of itself, not of the connection that they share.
  CHECK(refused.contact().connected);
  CHECK(cancelled.contact().trouble.code == Errc::cancelled);
  CHECK(open.contact().ok());
  client.close();
  closed.get_future().wait();
  for (const Watch* over : {&refused, &cancelled, &open}) CHECK_FALSE(over->contact().ok());
}

TEST_CASE("A watch that is refused for a while says so until it goes on") {
  WatchScript script;
  const Client client = connect(script.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Events events;
  auto watch = table->watch({"a"}, events.sink());
  REQUIRE_OK(watch);
  const auto first = script.next_subscription();
  script.refuse_watches(Errc::loading);
  first.peer->refuse(first.id, Errc::loading);
  bool told = false;
  for (int i = 0; i < 1000000 && !told; ++i) {
    const Contact contact = watch->contact();
    told = contact.connected && contact.trouble.code == Errc::loading && watch->active();
    std::this_thread::yield();
  }
  CHECK(told);
  script.refuse_watches(Errc::ok);
  WatchScript::send(script.next_subscription(), 0, LookupStatus::found, 1, "x");
  CHECK(events.wait_for(1) == std::vector<std::string>{"a:x@1"});
  CHECK(watch->contact().ok());
}

}  // namespace
}  // namespace logcask::client
