#include "logcask/client.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "logcask/admin.h"
#include "logcask/future.h"
#include "tests/client/fake_broker.h"
#include "tests/support/catch.h"
#include "tests/support/child_process.h"

namespace logcask::client {
namespace {

Options quick_options(const FakeBroker& broker) {
  Options options;
  options.brokers = broker.address();
  options.connect_timeout_ms = 2000;
  options.request_timeout_ms = 5000;
  options.reconnect_backoff_ms = 5;
  return options;
}

void answer_description(const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request) {
  v1::ResponseHeader header;
  header.mutable_describe_topic()->set_name(request.describe_topic().name());
  peer->reply(request.correlation_id(), std::move(header));
}

TEST_CASE("Connecting tells what Hello agreed on") {
  FakeBroker broker([](const auto&, const auto&, const auto&) {});
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  CHECK(client->broker().protocol_version == 1);
  CHECK(client->broker().cluster_id == "cluster");
  CHECK(client->connected());
}

TEST_CASE("A refused connection names the address at once") {
  std::string address;
  {
    FakeBroker broker([](const auto&, const auto&, const auto&) {});
    address = broker.address();
  }
  const auto client = Client::connect(address);
  REQUIRE_FALSE(client.ok());
  CHECK(client.code() == Errc::connect_failed);
  CHECK(client.error().message.find(address) != std::string::npos);
}

TEST_CASE("A broker that shares no protocol version is told apart from one that is not there") {
  FakeBroker broker([](const auto&, const auto&, const auto&) {});
  broker.set_hello_error(Errc::unsupported_version);
  CHECK(Client::connect(quick_options(broker)).code() == Errc::unsupported_version);
}

TEST_CASE("Addresses that are none are refused by name") {
  for (const char* text : {"", "localhost", "localhost:", ":7440", "localhost:99999", "a:1,,b:2", "[::1]"}) {
    INFO(text);
    CHECK(Client::connect(text).code() == Errc::invalid_argument);
  }
}

TEST_CASE("The second address is tried when the first does not answer") {
  std::string dead;
  {
    FakeBroker gone([](const auto&, const auto&, const auto&) {});
    dead = gone.address();
  }
  FakeBroker broker([](const auto&, const auto&, const auto&) {});
  Options options = quick_options(broker);
  options.brokers = dead + "," + broker.address();
  REQUIRE_OK(Client::connect(options));
}

TEST_CASE("Answers may overtake each other") {
  std::mutex mutex;
  FakeBroker::PeerPtr first_peer;
  std::uint64_t first_id = 0;
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    const std::lock_guard lock(mutex);
    if (request.describe_topic().name() == "slow") {
      first_peer = peer;
      first_id = request.correlation_id();
      return;
    }
    answer_description(peer, request);
    v1::ResponseHeader late;
    late.mutable_describe_topic()->set_name("slow");
    first_peer->reply(first_id, std::move(late));
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  Admin admin(*client);
  auto slow = to_future<TopicDescription>([&](auto done) { admin.describe_topic_async("slow", {}, done); });
  auto fast = to_future<TopicDescription>([&](auto done) { admin.describe_topic_async("fast", {}, done); });
  CHECK(fast.get()->name == "fast");
  CHECK(slow.get()->name == "slow");
  first_peer.reset();
}

TEST_CASE("The broker's error arrives with its code and sentence") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    peer->refuse(request.correlation_id(), Errc::topic_exists, "topic 'a' exists already");
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  NewTopic topic;
  topic.name = "a";
  const auto created = Admin(*client).create_topic(topic);
  CHECK(created.code() == Errc::topic_exists);
  CHECK(created.error().message == "topic 'a' exists already");
}

TEST_CASE("A call without an answer ends at its deadline") {
  FakeBroker broker([](const auto&, const auto&, const auto&) {});
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  CHECK(Admin(*client).describe_broker({.timeout_ms = 30}).code() == Errc::timed_out);
  CHECK(client->connected());
}

TEST_CASE("After a lost connection reads are asked again, writes are not") {
  std::atomic<int> asked{0};
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    if (++asked == 1 || request.has_delete_topic()) return peer->hang_up();
    answer_description(peer, request);
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  Admin admin(*client);
  const auto described = admin.describe_topic("t");
  REQUIRE_OK(described);
  CHECK(asked == 2);
  CHECK(admin.delete_topic("t").code() == Errc::connection_lost);
  CHECK(asked == 3);
  CHECK(broker.connections_made() >= 2);
}

TEST_CASE("Closing ends what waits with cancelled, and refuses what comes later") {
  std::atomic<int> asked{0};
  FakeBroker broker([&](const auto&, const auto&, const auto&) { ++asked; });
  auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  Admin admin(*client);
  auto waiting = to_future<BrokerDescription>([&](auto done) { admin.describe_broker_async({}, done); });
  client->close();
  CHECK(waiting.get().code() == Errc::cancelled);
  CHECK(admin.describe_broker().code() == Errc::cancelled);
}

TEST_CASE("A blocking call from a callback is refused instead of waiting for itself") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    answer_description(peer, request);
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  Admin admin(*client);
  std::promise<Errc> inner;
  admin.describe_topic_async(
      "t", {}, [&](const Result<TopicDescription>&) { inner.set_value(admin.describe_topic("t").code()); });
  CHECK(inner.get_future().get() == Errc::invalid_argument);
}

TEST_CASE("The last handle may be dropped by a callback") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    answer_description(peer, request);
  });
  std::promise<void> dropped;
  auto client = std::make_shared<Result<Client>>(Client::connect(quick_options(broker)));
  REQUIRE_OK(*client);
  auto admin = std::make_shared<Admin>(**client);
  admin->describe_topic_async("t", {}, [&dropped, client, admin](const Result<TopicDescription>&) mutable {
    admin.reset();
    client.reset();
    dropped.set_value();
  });
  admin.reset();
  client.reset();
  dropped.get_future().get();
}

TEST_CASE("A request beyond the broker's frame limit is refused before it is sent") {
  FakeBroker broker([](const auto&, const auto&, const auto&) {});
  broker.set_max_frame_bytes(1000);
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  CHECK(Admin(*client).delete_topic(std::string(2000, 'x')).code() == Errc::frame_too_large);
  CHECK(client->connected());
}

TEST_CASE("An answer that cannot be read ends its call at once, and the connection goes on") {
  std::atomic<int> asked{0};
  FakeBroker broker([&](const auto& peer, const v1::RequestHeader& request, const auto&) {
    ++asked;
    v1::ResponseHeader header;
    header.mutable_describe_topic()->set_name(request.describe_topic().name() == "bad" ? "caf\xe9" : "good");
    peer->reply(request.correlation_id(), std::move(header));
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  Admin admin(*client);
  const auto bad = admin.describe_topic("bad");
  REQUIRE(bad.code() == Errc::malformed_frame);
  CHECK(bad.error().message.find(broker.address()) != std::string::npos);
  CHECK(asked == 1);
  REQUIRE_OK(admin.describe_topic("good"));
  CHECK(broker.connections_made() == 1);
}

TEST_CASE("Bytes that are no frame end the connection, and the next call goes over a new one") {
  std::atomic<int> asked{0};
  FakeBroker broker([&](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    if (++asked == 1) return peer->send_raw(std::string(64, '\xff'));
    answer_description(peer, request);
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  REQUIRE_OK(Admin(*client).describe_topic("t"));
  CHECK(broker.connections_made() == 2);
}

TEST_CASE("Compaction reports its progress and ends with the last report of each partition") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    for (int step = 0; step < 4; ++step) {
      v1::ResponseHeader header;
      header.mutable_compact()->set_partition(static_cast<std::uint32_t>(step % 2));
      header.mutable_compact()->set_finished(step >= 2);
      header.mutable_compact()->set_records_dropped(static_cast<std::uint64_t>(step));
      header.set_end(step == 3);
      peer->reply(request.correlation_id(), std::move(header));
    }
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  int reports = 0;
  const auto done = Admin(*client).compact("t", kAllPartitions, true, [&](const CompactionProgress&) { ++reports; });
  REQUIRE_OK(done);
  CHECK(reports == 4);
  REQUIRE(done->size() == 2);
  CHECK((*done)[0].records_dropped == 2);
  CHECK((*done)[1].finished);
}

TEST_CASE("Many threads share one client") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    answer_description(peer, request);
  });
  const auto client = Client::connect(quick_options(broker));
  REQUIRE_OK(client);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Admin admin(*client);
      for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        const auto topic = admin.describe_topic(name);
        if (topic.ok() && topic->name == name) ++right;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 400);
}

// What a hook was told, for the test to wait for.
template <class T>
class Told {
 public:
  void add(T what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
    news_.notify_all();
  }
  // True when one that fits was or is told.
  template <class Fits>
  bool wait_for(Fits fits) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, std::chrono::seconds(10), [&] { return std::any_of(all_.begin(), all_.end(), fits); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<T> all_;
};

TEST_CASE("The log hook and the contact tell of a connection that is lost, not to be had, and there again") {
  const auto silent = [](const auto&, const auto&, const auto&) {};
  std::optional<FakeBroker> broker(std::in_place, silent);
  const int port = broker->port();
  Told<std::string> lines;
  Options options = quick_options(*broker);
  options.on_log = [&](LogLevel level, std::string_view line) {
    lines.add(std::to_string(static_cast<int>(level)) + " " + std::string(line));
  };
  const auto said = [&](LogLevel level, const std::string& part) {
    return lines.wait_for([&](const std::string& line) {
      return line.front() == static_cast<char>('0' + static_cast<int>(level)) && line.find(part) != std::string::npos;
    });
  };
  auto client = Client::connect(options);
  REQUIRE_OK(client);
  CHECK(said(LogLevel::info, "connected"));
  CHECK(client->contact().ok());
  CHECK(client->contact().silent_ms >= 0);
  broker.reset();
  CHECK(said(LogLevel::warning, "connecting again"));
  CHECK(said(LogLevel::warning, "no connection to 127.0.0.1:" + std::to_string(port)));
  CHECK_FALSE(client->contact().connected);
  CHECK(client->contact().trouble.code != Errc::ok);
  // The rest of the row is for who looks closer.
  CHECK(said(LogLevel::debug, "no connection to"));
  CHECK(client->statistics().connections_lost == 1);
}

TEST_CASE("Statistics are told at their interval and count what was asked, answered and refused") {
  FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
    if (request.has_delete_topic()) return peer->refuse(request.correlation_id(), Errc::unknown_topic);
    answer_description(peer, request);
  });
  Told<Statistics> told;
  Options options = quick_options(broker);
  options.statistics_interval_ms = 1;
  options.on_statistics = [&](const Statistics& statistics) { told.add(statistics); };
  auto client = Client::connect(options);
  REQUIRE_OK(client);
  Admin admin(*client);
  REQUIRE_OK(admin.describe_topic("t"));
  CHECK(admin.delete_topic("t").code() == Errc::unknown_topic);
  CHECK(told.wait_for([](const Statistics& statistics) {
    return statistics.requests == 2 && statistics.responses == 2 && statistics.failed_requests == 1 &&
           statistics.open_requests == 0 && statistics.connections_made == 1 && statistics.sent_bytes > 0 &&
           statistics.received_bytes > 0 && statistics.contact.ok();
  }));
  client->close();
}

// In a process of its own, since that is what ends.
TEST_CASE("A callback that throws ends the process with what it threw, in the log hook and on stderr") {
  const testing::ChildEnd end = testing::in_child_process([] {
    FakeBroker broker([](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const auto&) {
      answer_description(peer, request);
    });
    Options options = quick_options(broker);
    options.on_log = [](LogLevel level, std::string_view line) {
      if (level == LogLevel::error) std::fprintf(stderr, "hook: %.*s\n", static_cast<int>(line.size()), line.data());
    };
    auto client = Client::connect(options);
    std::promise<void> never;
    Admin(*client).describe_topic_async("t", {},
                                        [](const Result<TopicDescription>&) { throw std::runtime_error("oops"); });
    never.get_future().wait_for(std::chrono::seconds(30));
  });
  CHECK(WIFSIGNALED(end.status));
  CHECK(end.said ==
        "logcask: a callback of the program threw, which callbacks must not: oops\n"
        "hook: a callback of the program threw, which callbacks must not: oops\n");
}

}  // namespace
}  // namespace logcask::client
