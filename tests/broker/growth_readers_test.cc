// Readers of a topic that is given more partitions meanwhile: the client library and a whole broker.
#include <map>
#include <set>
#include <string>

#include "logcask/admin.h"
#include "logcask/consumer.h"
#include "logcask/producer.h"
#include "logcask/replay.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::testing;
namespace lc = logcask::client;

namespace {

constexpr int kRounds = 3000;  // of polls; each waits for 10 ms at most
constexpr std::int64_t kSoonMs = 10;

// A plain topic "t" of one partition with records 0 to 2.
struct Growing {
  BrokerFixture broker{{{"group.initial.rebalance.delay.ms", "0"}}};
  lc::Client client = [this] {
    auto connected = lc::Client::connect("127.0.0.1:" + std::to_string(broker.port()));
    REQUIRE_OK(connected);
    return *connected;
  }();
  lc::Admin admin{client};

  Growing() {
    REQUIRE_OK(admin.create_topic({"t", 1, {{"cleanup.policy", "delete"}}, false}));
    write(0, 3);
  }
  void write(int partition, int records) {
    auto producer = lc::Producer::open(client, "t", {});
    REQUIRE_OK(producer);
    for (int i = 0; i < records; ++i) {
      lc::OutRecord record;
      record.value = ByteView("v");
      record.partition = PartitionId(partition);
      REQUIRE_OK(producer->send(record));
    }
    REQUIRE_OK(producer->flush());
  }
  // A topic of three partitions, all of them with records.
  void grow() {
    REQUIRE_OK(admin.create_partitions("t", 3));
    write(1, 4);
    write(2, 5);
    write(0, 1);
  }
};

// How many records of each partition a reader was shown, none of them twice.
struct Shown {
  std::map<int, std::set<std::int64_t>> offsets;
  std::set<int> added, markers;

  void take(std::span<const lc::ReadRecord> records) {
    for (const auto& record : records) CHECK(offsets[record.partition.value()].insert(record.offset.value()).second);
  }
  std::size_t count(int partition) { return offsets[partition].size(); }
  bool all(std::size_t first) { return count(0) == first && count(1) == 4 && count(2) == 5; }
};

template <class Happened>
void poll_until(lc::Consumer& consumer, Shown& shown, Happened happened) {
  for (int round = 0; round < kRounds && !happened(); ++round) {
    const auto polled = consumer.poll(10);
    REQUIRE_OK(polled);
    shown.take(polled->records);
    if (!polled->added.empty()) CHECK(polled->records.empty());
    for (const PartitionId partition : polled->added) CHECK(shown.added.insert(partition.value()).second);
  }
  REQUIRE(happened());
}

template <class Happened>
void poll_until(lc::Replay& replay, Shown& shown, Happened happened) {
  for (int round = 0; round < kRounds && !happened(); ++round) {
    const auto event = replay.poll(10);
    REQUIRE_OK(event);
    shown.take(event->records);
    if (event->kind == lc::ReplayEvent::Kind::caught_up) CHECK(shown.markers.insert(event->partition.value()).second);
  }
  REQUIRE(happened());
}

lc::ConsumerOptions looks_soon() {
  lc::ConsumerOptions options;
  options.metadata_max_age_ms = kSoonMs;
  return options;
}

lc::ReplayOptions replay_looks_soon() {
  lc::ReplayOptions options;
  options.live_only = false;
  options.metadata_max_age_ms = kSoonMs;
  return options;
}

}  // namespace

TEST_CASE("a consumer of all partitions reads those that the topic is given, from their first record", "[growth]") {
  Growing topic;
  const bool from_the_end = GENERATE(false, true);
  const auto start = from_the_end ? lc::StartAt::latest() : lc::StartAt::earliest();
  auto consumer = lc::Consumer::open(topic.client, "t", start, {}, looks_soon());
  REQUIRE_OK(consumer);
  auto chosen = lc::Consumer::open(topic.client, "t", start, {PartitionId(0)}, looks_soon());
  REQUIRE_OK(chosen);
  Shown shown, of_chosen;
  topic.grow();
  const std::size_t first = from_the_end ? 1 : 4;
  poll_until(*consumer, shown, [&] { return shown.all(first); });
  CHECK(shown.added == std::set<int>{1, 2});
  CHECK(consumer->partitions().size() == 3);
  // Whoever chose partitions reads those.
  poll_until(*chosen, of_chosen, [&] { return of_chosen.count(0) == first; });
  CHECK(of_chosen.added.empty());
  CHECK(chosen->partitions().size() == 1);
}

TEST_CASE("a consumer that keeps positions goes on in a new partition where its group stands", "[growth]") {
  Growing topic;
  lc::ConsumerOptions options = looks_soon();
  options.group = "g";
  auto consumer = lc::Consumer::open(topic.client, "t", lc::StartAt::committed(), {}, options);
  REQUIRE_OK(consumer);
  topic.grow();
  lc::GroupOffset kept;
  kept.topic = "t";
  kept.partition = PartitionId(2);
  kept.offset = Offset(3);
  REQUIRE_OK(topic.admin.commit_group("g", {kept}));
  Shown shown;
  poll_until(*consumer, shown, [&] { return shown.added.size() == 2 && shown.count(1) == 4 && consumer->at_end(); });
  CHECK(shown.offsets[2] == std::set<std::int64_t>{3, 4});
}

TEST_CASE("a topic that was made anew with more partitions is not read as one that has grown", "[growth]") {
  Growing topic;
  auto consumer = lc::Consumer::open(topic.client, "t", lc::StartAt::earliest(), {}, looks_soon());
  REQUIRE_OK(consumer);
  Shown shown;
  poll_until(*consumer, shown, [&] { return shown.count(0) == 3; });
  REQUIRE_OK(topic.admin.delete_topic("t"));
  REQUIRE_OK(topic.admin.create_topic({"t", 3, {{"cleanup.policy", "delete"}}, false}));
  topic.write(1, 4);
  bool told = false;
  for (int round = 0; round < 50; ++round) {
    const auto polled = consumer->poll(10);
    told = told || !polled.ok();
    if (polled.ok()) CHECK((polled->records.empty() && polled->added.empty()));
  }
  CHECK(told);
}

TEST_CASE("a replay of all partitions goes on with those that the topic is given, each with its marker", "[growth]") {
  Growing topic;
  auto replay = lc::Replay::open(topic.client, "t", replay_looks_soon());
  REQUIRE_OK(replay);
  Shown shown;
  poll_until(*replay, shown, [&] { return shown.markers.size() == 1; });
  CHECK(replay->caught_up());
  topic.grow();
  poll_until(*replay, shown, [&] { return shown.all(4) && shown.markers.size() == 3; });
  CHECK(replay->caught_up());
}

TEST_CASE("a replay that goes on with an earlier token reads the partitions that the topic was given since",
          "[growth]") {
  Growing topic;
  lc::ReplayOptions options;
  options.live_only = false;
  options.metadata_max_age_ms = 0;
  Shown shown;
  {
    auto replay = lc::Replay::open(topic.client, "t", options);
    REQUIRE_OK(replay);
    poll_until(*replay, shown, [&] { return shown.markers.size() == 1; });
    topic.grow();
    poll_until(*replay, shown, [&] { return shown.count(0) == 4; });
    options.resume_token = replay->resume_token();
  }
  CHECK(shown.count(1) == 0);
  shown.markers.clear();  // a replay that goes on has its own
  auto replay = lc::Replay::open(topic.client, "t", options);
  REQUIRE_OK(replay);
  poll_until(*replay, shown, [&] { return shown.all(4) && shown.markers.size() == 3; });
}
