// A disk that stands still under one producer's record, while others go on.
#include <pthread.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "broker/broker.h"
#include "broker/log.h"
#include "broker/settings/config_sources.h"
#include "broker/threads/blocking_turn.h"
#include "tests/broker/native/native_client.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask::testing {
namespace {

std::string thread_name() {
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

// Holds the next sync of a record, or read of a keydir's load, until it is let go, or too long.
class Stall {
 public:
  void begin() {
    const std::lock_guard lock(mutex_);
    armed_ = true;
  }
  void synced(OperationKind kind, const std::string& path) {
    if (kind != OperationKind::sync_data || !path.ends_with(".log")) return;
    std::unique_lock lock(mutex_);
    thread_ = thread_name();
    hold(lock);
  }
  void loaded(OperationKind kind) {
    if (kind != OperationKind::read || !thread_name().starts_with("background")) return;
    std::unique_lock lock(mutex_);
    hold(lock);
  }
  bool reached() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return stalled_; });
  }
  // False when it had ended by itself: somebody waited for it.
  bool let_go() {
    std::unique_lock lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
    return over_in_time_;
  }
  // Of the last sync.
  std::string thread() {
    const std::lock_guard lock(mutex_);
    return thread_;
  }

 private:
  void hold(std::unique_lock<std::mutex>& lock) {
    if (!std::exchange(armed_, false)) return;
    stalled_ = true;
    changed_.notify_all();
    over_in_time_ = changed_.wait_for(lock, std::chrono::seconds(10), [this] { return let_go_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool armed_ = false;
  bool stalled_ = false;
  bool let_go_ = false;
  bool over_in_time_ = true;
  std::string thread_;
};

std::uint64_t send_put(NativeClient& client, const std::string& key, const std::string& value) {
  const std::string batch = one_record_batch(key, value);
  v1::RequestHeader request;
  request.mutable_produce()->set_acks(v1::ProduceRequest::ACKS_ALL);
  v1::ProduceRequest::Entry& entry = *request.mutable_produce()->add_entries();
  entry.set_topic("t");
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  return client.send(request, batch);
}

}  // namespace

TEST_CASE("while an I/O thread waits for a disk that stands still, lookups of other connections go on", "[broker]") {
  Stall stall;
  MemoryFileSystem disk;
  disk.meanwhile([&](OperationKind kind, const std::string& path) { stall.synced(kind, path); });
  ConfigSources sources;
  sources.flags = {{"data.dir", "data"}, {"listen", "127.0.0.1:0"}, {"io.threads", "2"}, {"log.level", "error"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  set_log_level(config->log_level);
  auto broker = Broker::start(*config, "test", disk.root());
  REQUIRE_OK(broker);
  const std::uint16_t port = (*broker)->native_address().port;

  NativeClient producer(port);
  NativeClient reader(port);
  producer.create_topic("t");
  REQUIRE(producer.put("t", "k", "1") == 0);
  CHECK(stall.thread() == "io-1");
  CHECK(reader.get("t", "k") == "1");

  stall.begin();
  const std::uint64_t put = send_put(producer, "k", "2");
  REQUIRE(stall.reached());
  CHECK(stall.thread() == "io-1");
  for (int i = 0; i < 10; ++i) {
    CHECK(reader.get("t", "k") == "1");
    NativeClient another(port);
    CHECK(another.get("t", "k") == "1");
  }
  std::this_thread::sleep_for(std::chrono::nanoseconds(2 * BlockingTurns::kSlowNs));
  CHECK(stall.let_go());
  CHECK(producer.answer_to(put).header.produce().results(0).base_offset() == 1);
  CHECK(reader.get("t", "k") == "2");

  // It was slow: from now on flush threads wait for the disk.
  REQUIRE(producer.put("t", "k", "3") == 2);
  CHECK(stall.thread().starts_with("flush"));
  CHECK((*broker)->stop());
}

TEST_CASE("a stop ends the wait of a reopen first, which is answered before its connection goes", "[broker]") {
  Stall stall;
  MemoryFileSystem disk;
  disk.meanwhile([&](OperationKind kind, const std::string&) { stall.loaded(kind); });
  ConfigSources sources;
  // Sessions have a quarter of that: less than a reopen waits.
  sources.flags = {
      {"data.dir", "data"}, {"listen", "127.0.0.1:0"}, {"shutdown.timeout.ms", "30s"}, {"log.level", "error"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  set_log_level(config->log_level);
  auto broker = Broker::start(*config, "test", disk.root());
  REQUIRE_OK(broker);
  NativeClient client((*broker)->native_address().port);
  client.create_topic("t");
  REQUIRE(client.put("t", "k", "1") == 0);
  Fault fault;
  fault.kinds = {OperationKind::sync_data};
  fault.path_part = "t-0.";
  disk.fail(fault);
  REQUIRE(client.put("t", "k", "2") < 0);
  disk.clear_faults();

  stall.begin();
  v1::RequestHeader request;
  request.mutable_reopen()->set_topic("t");
  const std::uint64_t reopen = client.send(request);
  REQUIRE(stall.reached());
  std::thread stop([&] { (*broker)->stop(); });
  // The broker's farewell comes before it.
  std::optional<NativeAnswer> answer;
  do answer = client.receive();
  while (answer && answer->header.correlation_id() != reopen);
  CHECK(stall.let_go());
  stop.join();
  REQUIRE(answer.has_value());
  REQUIRE(answer->header.reopen().partitions_size() == 1);
  CHECK(answer->header.reopen().partitions(0).report().find("still being loaded") != std::string::npos);
}

}  // namespace logcask::testing
