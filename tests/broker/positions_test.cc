// Positions of a log that is gone: a topic made anew under its name, or a directory restored from an older copy. A real
// broker and the client library; what is asked with a position must not be answered from another log.
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/settings/config_sources.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"
#include "logcask/replay.h"
#include "logcask/table.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kPatienceMs = 30'000;

// A broker that comes back at the same address, on whatever its directory holds then.
class ReturningBroker {
 public:
  ReturningBroker() { start(); }
  ~ReturningBroker() {
    if (broker_) (void)broker_->stop();
  }
  void start() {
    ConfigSources sources;
    sources.flags = {{"data.dir", data()},
                     {"listen", "127.0.0.1:" + std::to_string(port_)},
                     {"kafka.listen", "off"},  // the same port again is all that this needs
                     {"log.level", "error"},
                     {"flush.threads", "1"}};
    const auto config = make_broker_config(sources);
    REQUIRE_OK(config);
    auto started = Broker::start(*config, "test");
    REQUIRE_OK(started);
    broker_ = *std::move(started);
    port_ = broker_->native_address().port;
  }
  void stop() {
    REQUIRE(broker_->stop());
    broker_.reset();
  }
  // What a restart with an older copy in place of the directory is.
  void restore(const std::string& copy) {
    stop();
    fs::remove_all(data());
    fs::copy(copy, data(), fs::copy_options::recursive);
    start();
  }
  std::string copy() {
    const std::string to = temp_.path() + "/copy" + std::to_string(++copies_);
    fs::copy(data(), to, fs::copy_options::recursive);
    return to;
  }
  std::string data() const { return temp_.path() + "/data"; }
  client::Client client() const {
    auto made = client::Client::connect("127.0.0.1:" + std::to_string(port_));
    REQUIRE_OK(made);
    return *std::move(made);
  }

 private:
  TempDir temp_;
  std::uint16_t port_ = 0;
  int copies_ = 0;
  std::unique_ptr<Broker> broker_;
};

void create_topic(client::Client& client) {
  client::NewTopic topic;
  topic.name = "t";
  topic.partitions = 1;
  REQUIRE_OK(client::Admin(client).create_topic(topic));
}

void put(client::Client& client, const std::string& prefix, int count) {
  auto table = client::Table::open(client, "t");
  REQUIRE_OK(table);
  for (int i = 0; i < count; ++i) {
    const auto delivery = table->put("k", prefix + std::to_string(i));
    REQUIRE_OK(delivery.status);
  }
}

// What a watch has been told, waited for.
class WatchLog {
 public:
  void add(const client::WatchEvent& event) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::string(event.lookup.value));
    if (event.topic_changed) changed_ = true;
    told_.notify_all();
  }
  bool wait_for_value(const std::string& value) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
                          [&] { return !values_.empty() && values_.back() == value; });
  }
  bool changed() {
    const std::lock_guard lock(mutex_);
    return changed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  std::vector<std::string> values_;
  bool changed_ = false;
};

// Everything up to the end of the log.
void read_to_end(client::Consumer& consumer) {
  do {
    REQUIRE_OK(consumer.poll(1000));
  } while (!consumer.at_end());
}

// The first error that polling meets.
Error first_error(client::Consumer& consumer) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto polled = consumer.poll(1000);
    if (!polled.ok()) return polled.error();
  }
  return Error{Errc::timed_out, "no error"};
}

// How the log behind a position is exchanged for another that grows past it.
enum class Exchange { restored, made_anew };

void exchange_log(ReturningBroker& broker, client::Client& client, Exchange how, const std::string& older) {
  if (how == Exchange::restored) {
    broker.restore(older);
  } else {
    REQUIRE_OK(client::Admin(client).delete_topic("t"));
    create_topic(client);
  }
  put(client, "other", 30);
}

struct Story {
  explicit Story(Exchange exchange) : how(exchange), client(broker.client()) {
    create_topic(client);
    put(client, "first", 3);
    // As a backup of a stopped broker, and as one that was taken while it ran.
    if (how == Exchange::restored) {
      broker.stop();
      older = broker.copy();
      broker.start();
    }
    put(client, "lost", 10);
  }
  void exchange() { exchange_log(broker, client, how, older); }

  const Exchange how;
  ReturningBroker broker;
  client::Client client;
  std::string older;
};

TEST_CASE("a watch that goes on in another log starts over with the current value", "[positions]") {
  Story story(Exchange::restored);
  WatchLog log;
  auto table = client::Table::open(story.client, "t");
  REQUIRE_OK(table);
  auto watch = table->watch({"k"}, [&](const client::WatchEvent& event) { log.add(event); });
  REQUIRE_OK(watch);
  REQUIRE(log.wait_for_value("lost9"));
  story.exchange();
  CHECK(log.wait_for_value("other29"));
  CHECK(log.changed());
}

TEST_CASE("a consumer that goes on in another log is told topic_changed, and not given that log's records",
          "[positions]") {
  Story story(GENERATE(Exchange::restored, Exchange::made_anew));
  auto consumer = client::Consumer::open(story.client, "t", client::StartAt::earliest());
  REQUIRE_OK(consumer);
  read_to_end(*consumer);
  REQUIRE(consumer->position(PartitionId(0)) == Offset(13));
  story.exchange();
  CHECK(first_error(*consumer).code == Errc::topic_changed);
  // What its owner may do then.
  REQUIRE_OK(consumer->seek(PartitionId(0), Offset(0)));
  read_to_end(*consumer);
  CHECK(consumer->position(PartitionId(0)) == consumer->end_offset(PartitionId(0)));
}

TEST_CASE("an expected offset and a min_offset of a topic that is made anew are not compared with the new one's",
          "[positions]") {
  Story story(Exchange::made_anew);
  auto table = client::Table::open(story.client, "t");
  REQUIRE_OK(table);
  const auto before = table->get("k");
  REQUIRE_OK(before);
  REQUIRE(before->offset == Offset(12));
  REQUIRE_OK(table->update("k", "expected", before->offset).status);  // at 13
  REQUIRE_OK(client::Admin(story.client).delete_topic("t"));
  create_topic(story.client);
  put(story.client, "other", 14);
  CHECK(table->update("k", "taken for another", Offset(13)).status.code() == Errc::topic_changed);
  CHECK(table->erase("k", Offset(13)).status.code() == Errc::topic_changed);
  CHECK(table->get("k").code() == Errc::topic_changed);  // it has written at 13
  client::GetOptions options;
  options.min_offsets = {{PartitionId(0), Offset(13)}};
  auto reader = client::Table::open(story.client, "t");
  REQUIRE_OK(reader);
  const auto now = reader->get("k", options);
  REQUIRE_OK(now);
  CHECK(now->value == "other13");
  REQUIRE_OK(reader->update("k", "expected", now->offset).status);
}

TEST_CASE("a consumer that may begin anew does so in another log", "[positions]") {
  Story story(Exchange::restored);
  client::ConsumerOptions options;
  options.out_of_range = client::ConsumerOptions::OutOfRange::earliest;
  auto consumer = client::Consumer::open(story.client, "t", client::StartAt::earliest(), {}, options);
  REQUIRE_OK(consumer);
  read_to_end(*consumer);
  story.exchange();
  std::vector<std::string> values;
  while (values.size() < 33) {
    const auto polled = consumer->poll(kPatienceMs);
    REQUIRE_OK(polled);
    REQUIRE_FALSE(polled->records.empty());
    for (const auto& record : polled->records) values.push_back(std::string(record.value.value_or("")));
  }
  CHECK(values.front() == "first0");
  CHECK(values.back() == "other29");
}

TEST_CASE("a group's offsets of another log are not used, and that is said", "[positions]") {
  Story story(GENERATE(Exchange::restored, Exchange::made_anew));
  client::ConsumerOptions options;
  options.group = "g";
  {
    auto consumer = client::Consumer::open(story.client, "t", client::StartAt::committed(), {}, options);
    REQUIRE_OK(consumer);
    read_to_end(*consumer);
    REQUIRE_OK(consumer->commit());
    CHECK(consumer->commits_not_used().empty());
  }
  {
    auto consumer = client::Consumer::open(story.client, "t", client::StartAt::committed(), {}, options);
    REQUIRE_OK(consumer);
    CHECK(consumer->position(PartitionId(0)) == Offset(13));
    if (story.how == Exchange::restored) {
      // The group's topic is kept as it is; only the partition's directory is the older one.
      story.broker.stop();
      for (const auto& entry : fs::directory_iterator(story.broker.data())) {
        if (!entry.path().filename().string().starts_with("t-0.")) continue;
        fs::remove_all(entry.path());
        fs::copy(fs::path(story.older) / entry.path().filename(), entry.path(), fs::copy_options::recursive);
      }
      story.broker.start();
      put(story.client, "other", 30);
      // Whoever still reads may not commit what it has read there.
      CHECK(consumer->commit().code() == Errc::topic_changed);
    } else {
      story.exchange();
      CHECK(consumer->commit().code() == Errc::topic_changed);
    }
  }
  auto consumer = client::Consumer::open(story.client, "t", client::StartAt::committed(), {}, options);
  REQUIRE_OK(consumer);
  CHECK(consumer->position(PartitionId(0)) == Offset(0));
  if (story.how == Exchange::restored) {
    CHECK(consumer->commits_not_used() == std::vector<PartitionId>{PartitionId(0)});
    const auto described = client::Admin(story.client).describe_group("g");
    REQUIRE_OK(described);
    REQUIRE(described->offsets.size() == 1);
    CHECK(described->offsets[0].error.code == Errc::topic_changed);
    CHECK(described->offsets[0].offset == kNoOffset);
  }
  // A commit in this log is one again.
  read_to_end(*consumer);
  REQUIRE_OK(consumer->commit());
  auto again = client::Consumer::open(story.client, "t", client::StartAt::committed(), {}, options);
  REQUIRE_OK(again);
  CHECK(again->commits_not_used().empty());
  CHECK(again->position(PartitionId(0)) == consumer->position(PartitionId(0)));
}

TEST_CASE("a replay's token of another log is refused as topic_changed", "[positions]") {
  Story story(GENERATE(Exchange::restored, Exchange::made_anew));
  const auto run = [&](const std::string& token) -> Result<std::string> {
    client::ReplayOptions options;
    options.stop_at_caught_up = true;
    options.resume_token = token;
    auto replay = client::Replay::open(story.client, "t", options);
    if (!replay.ok()) return replay.error();
    while (true) {
      const auto event = replay->poll(kPatienceMs);
      if (!event.ok()) return event.error();
      if (event->kind == client::ReplayEvent::Kind::finished) return replay->resume_token();
    }
  };
  const auto token = run("");
  REQUIRE_OK(token);
  REQUIRE_OK(run(*token));
  story.exchange();
  CHECK(run(*token).code() == Errc::topic_changed);
}

TEST_CASE("positions stay good over restarts that write nothing, and over those that do", "[positions]") {
  Story story(Exchange::made_anew);
  WatchLog log;
  auto table = client::Table::open(story.client, "t");
  REQUIRE_OK(table);
  auto watch = table->watch({"k"}, [&](const client::WatchEvent& event) { log.add(event); });
  REQUIRE_OK(watch);
  REQUIRE(log.wait_for_value("lost9"));
  auto consumer = client::Consumer::open(story.client, "t", client::StartAt::earliest());
  REQUIRE_OK(consumer);
  read_to_end(*consumer);
  for (int i = 0; i < 3; ++i) {
    story.broker.stop();
    story.broker.start();
    if (i == 1) put(story.client, "later", 2);
  }
  put(story.client, "last", 1);
  CHECK(log.wait_for_value("last0"));
  CHECK_FALSE(log.changed());
  while (consumer->position(PartitionId(0)) < Offset(16)) REQUIRE_OK(consumer->poll(kPatienceMs));
}

}  // namespace
}  // namespace logcask::testing
