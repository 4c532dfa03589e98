// The promises of logcask/async.h, for the forms that write and commit: a callback comes exactly once, on the I/O
// thread, whatever happens to the broker, the client or the object it was asked of.
#include "logcask/async.h"

#include <condition_variable>
#include <thread>

#include "logcask/consumer.h"
#include "logcask/future.h"
#include "logcask/table.h"
#include "tests/client/memory_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

// Deliveries in the order they came, and the threads that brought them.
class Deliveries {
 public:
  DeliveryCallback sink() {
    return [this](const Delivery& delivery) {
      const std::lock_guard lock(mutex_);
      all_.push_back(delivery);
      threads_.push_back(std::this_thread::get_id());
      news_.notify_all();
    };
  }
  std::vector<Delivery> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, kPatience, [&] { return all_.size() >= count; });
    REQUIRE(all_.size() == count);
    return all_;
  }
  bool all_on(std::thread::id thread) {
    const std::lock_guard lock(mutex_);
    return std::all_of(threads_.begin(), threads_.end(), [&](std::thread::id id) { return id == thread; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<Delivery> all_;
  std::vector<std::thread::id> threads_;
};

// Where the callbacks of `table` run.
std::thread::id io_thread_of(Table& table) {
  std::promise<std::thread::id> id;
  table.get_async("any", {}, [&](const Result<Lookup>&) { id.set_value(std::this_thread::get_id()); });
  return id.get_future().get();
}

// Answers all but Produce, which it leaves to `on_produce`.
class ScriptedBroker {
 public:
  using OnProduce = std::function<void(const FakeBroker::PeerPtr&, std::uint64_t id)>;
  explicit ScriptedBroker(OnProduce on_produce)
      : broker_([this, on_produce](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
          v1::ResponseHeader header;
          if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(1);
          if (request.has_init_producer_id()) header.mutable_init_producer_id()->set_producer_id(1);
          if (!request.has_produce()) return peer->reply(request.correlation_id(), std::move(header));
          on_produce(peer, request.correlation_id());
          const std::lock_guard lock(mutex_);
          ++produced_;
          news_.notify_all();
        }) {}
  std::string address() const { return broker_.address(); }
  void wait_produced(int count) {
    std::unique_lock lock(mutex_);
    REQUIRE(news_.wait_for(lock, kPatience, [&] { return produced_ >= count; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  int produced_ = 0;
  FakeBroker broker_;
};

void silent(const FakeBroker::PeerPtr&, std::uint64_t) {}
void throttling(const FakeBroker::PeerPtr& peer, std::uint64_t id) { peer->refuse(id, Errc::throttled); }

// ---- send_future ----------------------------------------------------------------------------------------

TEST_CASE("Futures of one partition bring rising offsets in the order of the sends") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.batch_bytes = 300;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  broker.cut_every(3);
  std::vector<std::future<Delivery>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(send_future(*producer, record_of("k" + std::to_string(i), "v")));
  for (int i = 0; i < 100; ++i) {
    const Delivery delivery = futures[static_cast<std::size_t>(i)].get();
    REQUIRE_OK(delivery.status);
    CHECK(delivery.partition == PartitionId(0));
    CHECK(delivery.offset == Offset(i));
    CHECK(delivery.timestamp.value() > 0);
  }
  CHECK(broker.with(0, [](ModelPartition& p) { return p.records()[42].key; }) == "k42");
}

TEST_CASE("A future tells what the broker refused, with the key's latest offset") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  OutRecord create = record_of("k", "1");
  create.condition = Condition::absent();
  auto first = send_future(*producer, create);
  auto second = send_future(*producer, create);
  auto poisoned = send_future(*producer, record_of("x", kPoison));
  const Delivery created = first.get();
  REQUIRE_OK(created.status);
  const Delivery refused = second.get();
  CHECK(refused.status.code() == Errc::condition_failed);
  CHECK(refused.current_offset == created.offset);
  CHECK(poisoned.get().status.code() == Errc::invalid_record);
  REQUIRE_OK(producer->flush());  // all three had somebody to tell: nothing was lost unseen
}

TEST_CASE("A future of a record that was not taken is ready at once") {
  ScriptedBroker broker(silent);
  const Client client = connect(broker.address());
  ProducerOptions options = quick();
  options.buffer_bytes = 100;
  options.max_record_bytes = 500;
  options.block_ms = 0;
  auto producer = Producer::open(client, "t", options);
  REQUIRE_OK(producer);
  const auto code_now = [](std::future<Delivery> future) {
    REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    const Delivery delivery = future.get();
    CHECK(delivery.offset == kNoOffset);
    return delivery.status.code();
  };
  OutRecord elsewhere = record_of("k", "v");
  elsewhere.partition = PartitionId(1);
  CHECK(code_now(send_future(*producer, elsewhere)) == Errc::unknown_partition);
  CHECK(code_now(send_future(*producer, record_of("k", std::string(500, 'x')))) == Errc::message_too_large);
  auto waiting = send_future(*producer, record_of("k", std::string(60, 'x')));
  CHECK(code_now(send_future(*producer, record_of("k", std::string(60, 'x')))) == Errc::limit_exceeded);
  CHECK(producer->close(1).code() == Errc::timed_out);
  CHECK(waiting.get().status.code() == Errc::cancelled);
  CHECK(code_now(send_future(*producer, record_of("k", "v"))) == Errc::cancelled);
}

// ---- Table::*_async -----------------------------------------------------------------------------------------------

TEST_CASE("Asynchronous writes take effect in the order they were asked, and are told on the I/O thread") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Deliveries told;
  for (int i = 0; i < 20; ++i) {
    // The bytes are copied before the call returns.
    const std::string key = "k" + std::to_string(i % 3);
    const std::string value = std::to_string(i);
    table->put_async(key, value, {}, told.sink());
  }
  table->erase_async("k1", std::nullopt, {}, told.sink());
  const auto deliveries = told.wait_for(21);
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    REQUIRE_OK(deliveries[i].status);
    CHECK(deliveries[i].offset == Offset(static_cast<std::int64_t>(i)));
  }
  CHECK(told.all_on(io_thread_of(*table)));
  CHECK(table->get("k0").value().value == "18");
  CHECK(table->get("k1").value().status == Lookup::Status::deleted);
  CHECK(table->get("k2").value().value == "17");
  REQUIRE(table->written().size() == 1);
  CHECK(table->written()[0].offset == Offset(20));
}

TEST_CASE("Asynchronous conditions hold or tell the key's latest record") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  const auto wait = [](auto start) {
    Deliveries told;
    start(told.sink());
    return told.wait_for(1)[0];
  };
  const Delivery created = wait([&](auto done) { table->create_async("k", "1", {}, done); });
  REQUIRE_OK(created.status);
  const Delivery again = wait([&](auto done) { table->create_async("k", "2", {}, done); });
  CHECK(again.status.code() == Errc::condition_failed);
  CHECK(again.current_offset == created.offset);
  CHECK_FALSE(again.current_is_tombstone);
  const Delivery updated = wait([&](auto done) { table->update_async("k", "2", created.offset, {}, done); });
  REQUIRE_OK(updated.status);
  const Delivery stale = wait([&](auto done) { table->update_async("k", "3", created.offset, {}, done); });
  CHECK(stale.status.code() == Errc::condition_failed);
  CHECK(stale.current_offset == updated.offset);
  const Delivery kept = wait([&](auto done) { table->erase_async("k", created.offset, {}, done); });
  CHECK(kept.status.code() == Errc::condition_failed);
  CHECK(table->get("k").value().value == "2");
  const Delivery erased = wait([&](auto done) { table->erase_async("k", updated.offset, {}, done); });
  REQUIRE_OK(erased.status);
  const Delivery gone = wait([&](auto done) { table->update_async("k", "4", updated.offset, {}, done); });
  CHECK(gone.current_offset == erased.offset);
  CHECK(gone.current_is_tombstone);
}

TEST_CASE("Of creations that race through one batch the first wins and the others learn its offset") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  TableOptions options;
  options.producer.linger_ms = 5;
  auto table = Table::open(client, "t", options);
  REQUIRE_OK(table);
  Deliveries winner;
  Deliveries losers;
  Deliveries bystander;
  table->create_async("k", "first", {}, winner.sink());
  for (int i = 0; i < 5; ++i) table->create_async("k", "late", {}, losers.sink());
  table->create_async("other", "1", {}, bystander.sink());
  const Delivery won = winner.wait_for(1)[0];
  REQUIRE_OK(won.status);
  for (const Delivery& lost : losers.wait_for(5)) {
    CHECK(lost.status.code() == Errc::condition_failed);
    CHECK(lost.current_offset == won.offset);
  }
  const Delivery passed_by = bystander.wait_for(1)[0];
  REQUIRE_OK(passed_by.status);
  CHECK(table->get("k").value().value == "first");
}

TEST_CASE("A write that is refused before it leaves is told by its callback, never by the call itself") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  WriteOptions elsewhere;
  elsewhere.partition = PartitionId(2);
  Deliveries told;
  table->put_async("k", "v", elsewhere, told.sink());
  table->create_async("k", "v", elsewhere, told.sink());
  table->update_async("k", "v", Offset(0), elsewhere, told.sink());
  table->erase_async("k", std::nullopt, elsewhere, told.sink());
  for (const Delivery& delivery : told.wait_for(4)) {
    CHECK(delivery.status.code() == Errc::unknown_partition);
    CHECK(delivery.offset == kNoOffset);
  }
  CHECK(told.all_on(io_thread_of(*table)));
  CHECK(table->written().empty());
}

TEST_CASE("A callback may write again, and a blocking call in it is refused instead of waiting for itself") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Deliveries told;
  Delivery blocked_put;
  Errc blocked_get = Errc::ok;
  table->put_async("a", "1", {}, [&](const Delivery& first) {
    blocked_put = table->put("b", "1");
    blocked_get = table->get("a").code();
    table->update_async("a", "2", first.offset, {}, told.sink());
  });
  const Delivery second = told.wait_for(1)[0];
  REQUIRE_OK(second.status);
  CHECK(blocked_put.status.code() == Errc::invalid_argument);
  CHECK(blocked_get == Errc::invalid_argument);
  CHECK(table->get("a").value().value == "2");
  CHECK(table->get("b").value().status == Lookup::Status::absent);
}

TEST_CASE("A write whose outcome nobody wants to hear needs no callback") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  WriteOptions elsewhere;
  elsewhere.partition = PartitionId(2);
  table->put_async("k", "1", elsewhere, {});
  table->put_async("k", "2", {}, {});
  Deliveries told;
  table->put_async("k", "3", {}, told.sink());
  const Delivery delivery = told.wait_for(1)[0];
  REQUIRE_OK(delivery.status);
  CHECK(delivery.offset == Offset(1));
  CHECK(table->written().size() == 1);
}

TEST_CASE("A table dropped in a callback ends the writes behind it, each told once") {
  ScriptedBroker broker([](const FakeBroker::PeerPtr& peer, std::uint64_t id) { peer->refuse(id, Errc::read_only); });
  const Client client = connect(broker.address());
  auto opened = Table::open(client, "t");
  REQUIRE_OK(opened);
  auto table = std::make_unique<Table>(std::move(opened).value());
  Deliveries told;
  std::promise<void> all_asked;
  auto asked = all_asked.get_future().share();
  table->put_async("a", "1", {}, [&](const Delivery& delivery) {
    asked.wait();
    table.reset();
    told.sink()(delivery);
  });
  for (int i = 0; i < 10; ++i) table->put_async("b", std::string(1000, 'x'), {}, told.sink());
  all_asked.set_value();
  int cancelled = 0;
  for (const Delivery& delivery : told.wait_for(11)) {
    CHECK((delivery.status.code() == Errc::read_only || delivery.status.code() == Errc::cancelled));
    if (delivery.status.code() == Errc::cancelled) ++cancelled;
  }
  CAPTURE(cancelled);
  CHECK(table == nullptr);
}

// ---- the client is closed -----------------------------------------------------------------------------------------

TEST_CASE("Closing the client ends writes that wait for an answer") {
  ScriptedBroker broker(silent);
  Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  Deliveries told;
  table->put_async("a", "1", {}, told.sink());
  broker.wait_produced(1);
  table->put_async("b", "1", {}, told.sink());
  table->create_async("c", "1", {}, told.sink());
  client.close();
  for (const Delivery& delivery : told.wait_for(3)) CHECK(delivery.status.code() == Errc::cancelled);
  table->put_async("d", "1", {}, told.sink());
  CHECK(told.wait_for(4)[3].status.code() == Errc::cancelled);
}

TEST_CASE("Closing the client ends writes that wait for company, or for their next attempt") {
  ScriptedBroker broker(throttling);
  Client client = connect(broker.address());
  ProducerOptions patient = quick();
  patient.linger_ms = 3600000;
  auto lingering = Producer::open(client, "t", patient);
  REQUIRE_OK(lingering);
  TableOptions options;
  options.producer.retry_backoff_ms = 3600000;
  options.producer.delivery_timeout_ms = 7200000;
  auto table = Table::open(client, "t", options);
  REQUIRE_OK(table);

  auto open_batch = send_future(*lingering, record_of("a", "1"));
  std::promise<Errc> blocked;
  std::thread writer([&] { blocked.set_value(table->put("b", "1").status.code()); });
  broker.wait_produced(1);
  // The answer has been handled when the next one has.
  static_cast<void>(table->get("any"));
  client.close();
  auto written = blocked.get_future();
  const bool open_ended = open_batch.wait_for(kPatience) == std::future_status::ready;
  const bool blocked_ended = written.wait_for(kPatience) == std::future_status::ready;
  if (!blocked_ended) {
    writer.detach();
    FAIL("a blocking put did not end with the client");
  }
  writer.join();
  CHECK(written.get() == Errc::cancelled);
  REQUIRE(open_ended);
  CHECK(open_batch.get().status.code() == Errc::cancelled);
}

TEST_CASE("Closing the client ends a watch that waits to go on") {
  std::promise<void> watched;
  std::atomic<int> watches{0};
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    v1::ResponseHeader header;
    if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(1);
    if (request.has_init_producer_id()) header.mutable_init_producer_id()->set_producer_id(1);
    if (!request.has_watch()) return peer->reply(request.correlation_id(), std::move(header));
    peer->refuse(request.correlation_id(), Errc::throttled);
    if (++watches == 3) watched.set_value();
  });
  Client client = connect(broker.address());
  auto table = Table::open(client, "t");
  REQUIRE_OK(table);
  std::promise<Errc> ended;
  auto watch = table->watch(
      {"a"}, [](const WatchEvent&) {}, [&](const Error& error) { ended.set_value(error.code); });
  REQUIRE_OK(watch);
  watched.get_future().wait();
  client.close();
  auto end = ended.get_future();
  REQUIRE(end.wait_for(kPatience) == std::future_status::ready);
  CHECK(end.get() == Errc::cancelled);
  CHECK_FALSE(watch->active());
}

// ---- Consumer::commit_async ---------------------------------------------------------------------------------------

// Commits that were told, in order.
class Commits {
 public:
  Callback<void> sink() {
    return [this](const Status& status) {
      const std::lock_guard lock(mutex_);
      codes_.push_back(status.code());
      messages_.push_back(status.ok() ? std::string() : status.error().message);
      news_.notify_all();
    };
  }
  std::vector<Errc> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, kPatience, [&] { return codes_.size() >= count; });
    REQUIRE(codes_.size() == count);
    return codes_;
  }
  std::string message(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return messages_.at(index);
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<Errc> codes_;
  std::vector<std::string> messages_;
};

void fill_async(const Client& client, int count) {
  auto producer = Producer::open(client, "t", quick());
  REQUIRE_OK(producer);
  for (int i = 0; i < count; ++i) {
    OutRecord record = record_of("k", "v");
    record.partition = PartitionId(0);
    REQUIRE_OK(producer->send(record));
  }
  REQUIRE_OK(producer->flush());
}

void read_async(Consumer& consumer, std::size_t count) {
  std::size_t seen = 0;
  for (int i = 0; i < 500 && seen < count; ++i) {
    const auto polled = consumer.poll(100);
    REQUIRE_OK(polled);
    seen += polled->records.size();
  }
  REQUIRE(seen == count);
}

ConsumerOptions in_group(std::size_t max_poll_records) {
  ConsumerOptions options;
  options.group = "g";
  options.max_poll_records = max_poll_records;
  return options;
}

TEST_CASE("An asynchronous commit keeps the positions of the moment it was asked, the last one wins") {
  MemoryBroker broker(2);
  const Client client = connect(broker.address());
  fill_async(client, 100);
  auto consumer = Consumer::open(client, "t", StartAt::earliest(), {}, in_group(10));
  REQUIRE_OK(consumer);
  Commits told;
  for (int round = 0; round < 5; ++round) {
    read_async(*consumer, 10);
    consumer->commit_async(told.sink());
  }
  read_async(*consumer, 10);  // not committed
  CHECK(told.wait_for(5) == std::vector<Errc>(5, Errc::ok));
  CHECK(consumer->committed(PartitionId(0)).value() == Offset(50));
  CHECK(consumer->committed(PartitionId(1)).value() == Offset(0));
  auto next = Consumer::open(client, "t", StartAt::committed(), {}, in_group(10));
  REQUIRE_OK(next);
  CHECK(next->position(PartitionId(0)) == Offset(50));
}

TEST_CASE("A commit is told on the I/O thread, also when the consumer has no group, and outlives its consumer") {
  MemoryBroker broker(1);
  const Client client = connect(broker.address());
  auto without = Consumer::open(client, "t", StartAt::earliest());
  REQUIRE_OK(without);
  std::promise<std::thread::id> refused_on;
  Errc refusal = Errc::ok;
  without->commit_async([&](const Status& status) {
    refusal = status.code();
    refused_on.set_value(std::this_thread::get_id());
  });
  const std::thread::id refused_thread = refused_on.get_future().get();
  CHECK(refusal == Errc::invalid_argument);
  CHECK(refused_thread != std::this_thread::get_id());

  std::promise<std::thread::id> told_on;
  Errc nested = Errc::ok;
  {
    auto consumer = Consumer::open(client, "t", StartAt::offset(Offset(0)), {}, in_group(10));
    REQUIRE_OK(consumer);
    consumer->commit_async([&](const Status& status) {
      CHECK(status.ok());
      nested = without->commit(std::map<PartitionId, Offset>{}).code();
      told_on.set_value(std::this_thread::get_id());
    });
  }
  CHECK(told_on.get_future().get() == refused_thread);
  CHECK(nested == Errc::invalid_argument);
}

TEST_CASE("A refused commit names its partition, and a closed client cancels it") {
  std::atomic<bool> answering{true};
  std::promise<void> unanswered;
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    v1::ResponseHeader header;
    if (request.has_metadata()) header.mutable_metadata()->add_topics()->set_partitions(2);
    if (request.has_fetch()) return;  // a long poll
    if (request.has_commit_offsets()) {
      if (!answering) return unanswered.set_value();
      header.mutable_commit_offsets()->add_errors();
      auto* error = header.mutable_commit_offsets()->add_errors();
      error->set_code(static_cast<std::int32_t>(Errc::read_only));
      error->set_message("its last sync failed");
    }
    peer->reply(request.correlation_id(), std::move(header));
  });
  Client client = connect(broker.address());
  auto consumer = Consumer::open(client, "t", StartAt::offset(Offset(0)), {}, in_group(10));
  REQUIRE_OK(consumer);
  Commits told;
  consumer->commit_async(told.sink());
  CHECK(told.wait_for(1)[0] == Errc::read_only);
  CHECK(told.message(0).find("t-1") != std::string::npos);
  CHECK(told.message(0).find("its last sync failed") != std::string::npos);
  answering = false;
  consumer->commit_async(told.sink());
  unanswered.get_future().wait();
  client.close();
  CHECK(told.wait_for(2)[1] == Errc::cancelled);
  consumer->commit_async(told.sink());
  CHECK(told.wait_for(3)[2] == Errc::cancelled);
}

}  // namespace
}  // namespace logcask::client
