#pragma once
// A coordinator of consumer groups whose clock, timers, topics and disk the test moves.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/services/consumer_group_codec.h"
#include "broker/services/consumer_group_coordinator.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_loop.h"

namespace logcask::testing {

// A log of group records. What is saved while `held` is set is on its way until finish() says how it went.
class MemoryConsumerGroupStore final : public ConsumerGroupStore {
 public:
  void save_all(std::vector<InternalRecord> records, std::function<void(Status)> done) override {
    ++saves;
    underway.push_back({std::move(records), std::move(done)});
    if (!held) finish();
  }
  void finish(const Status& status = {}) {
    std::deque<Save> now = std::exchange(underway, {});
    for (Save& save : now) {
      if (status.ok()) log.insert(log.end(), save.records.begin(), save.records.end());
      save.done(status);
    }
  }
  // What a restart reads.
  std::map<std::string, ConsumerGroup::Stored> read() const {
    std::map<std::string, ConsumerGroup::Stored> groups;
    for (const InternalRecord& record : log) {
      const auto taken = take_consumer_group_record(
          record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, groups);
      REQUIRE_OK(taken);
      REQUIRE(*taken);
    }
    return groups;
  }

  struct Save {
    std::vector<InternalRecord> records;
    std::function<void(Status)> done;
  };
  bool held = false;
  int saves = 0;
  std::deque<Save> underway;
  std::vector<InternalRecord> log;
};

class ConsumerGroupFixture {
 public:
  using Answer = std::shared_ptr<std::optional<ConsumerHeartbeatAnswer>>;

  explicit ConsumerGroupFixture(const ConsumerGroupLimits& of = {}) : limits(of) {
    set_topic("t", 1, 4);
    restart();
  }

  static TopicId id_of(int number) {
    TopicId id;
    id.bytes[0] = static_cast<std::uint8_t>(number);
    return id;
  }
  void set_topic(const std::string& name, int number, int partitions) {
    topics[name] = {id_of(number), partitions};
    ++generation;
  }

  void restart() {
    groups.reset();
    names.emplace();
    names->of_kind(GroupKind::classic, [this](const std::string&) -> Status {
      if (classic_has_members) return Error{Errc::non_empty_group, "it has members"};
      names->release("g");
      return {};
    });
    loop = std::make_unique<ManualLoop>();
    groups = std::make_unique<ConsumerGroupCoordinator>(
        ConsumerGroupCoordinator::Parts{authorizer, clock, *loop, store, *names, [this] { return generation; },
                                        [this] { return topics; }, [this] { return "id" + std::to_string(++ids); }},
        limits);
    groups->loaded(store.read());
  }

  GroupCaller caller() { return {principal, *loop}; }

  static ConsumerHeartbeat joining(const std::string& id, std::set<std::string> topics = {"t"}) {
    ConsumerHeartbeat heartbeat;
    heartbeat.group = "g";
    heartbeat.member_id = MemberId(id);
    heartbeat.client_id = "client of " + id;
    heartbeat.client_host = "/10.0.0.1";
    heartbeat.rebalance_timeout_ms = 30'000;
    heartbeat.topics = std::move(topics);
    heartbeat.owned.emplace();
    return heartbeat;
  }
  static ConsumerHeartbeat at(const std::string& id, GroupEpoch epoch,
                              std::optional<TopicPartitions> owned = std::nullopt) {
    ConsumerHeartbeat heartbeat;
    heartbeat.group = "g";
    heartbeat.member_id = MemberId(id);
    heartbeat.client_id = "client of " + id;
    heartbeat.client_host = "/10.0.0.1";
    heartbeat.epoch = epoch;
    heartbeat.owned = std::move(owned);
    return heartbeat;
  }

  Answer send(const ConsumerHeartbeat& heartbeat) {
    const auto answer = std::make_shared<std::optional<ConsumerHeartbeatAnswer>>();
    groups->heartbeat(caller(), heartbeat, [answer](ConsumerHeartbeatAnswer given) {
      CHECK_FALSE(answer->has_value());
      *answer = std::move(given);
    });
    return answer;
  }
  // Of which the answer comes at once.
  ConsumerHeartbeatAnswer ask(const ConsumerHeartbeat& heartbeat) {
    const Answer answer = send(heartbeat);
    REQUIRE(answer->has_value());
    return **answer;
  }
  Errc code(const ConsumerHeartbeat& heartbeat) { return ask(heartbeat).status.code(); }
  ConsumerGroupDescription described() {
    auto group = groups->describe(principal, "g");
    REQUIRE_OK(group);
    return std::move(group).value();
  }
  Errc delete_group() {
    Errc code = Errc::internal;
    groups->delete_group(caller(), "g", [&](const Status& status) { code = status.code(); });
    return code;
  }
  void advance_ms(std::int64_t ms) {
    constexpr std::int64_t kStepMs = 50;
    for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
      clock.advance_ms(kStepMs);
      loop->advance_ms(kStepMs);
      while (loop->turn()) {
      }
    }
  }
  // Partitions of topic t.
  static TopicPartitions of_t(std::set<int> numbers) {
    TopicPartitions all;
    for (const int number : numbers) all[id_of(1)].emplace(number);
    return all;
  }

  const ConsumerGroupLimits limits;
  Principal principal;
  AllowAll authorizer;
  ManualClock clock;
  MemoryConsumerGroupStore store;
  KnownTopics topics;
  std::uint64_t generation = 1;
  bool classic_has_members = false;
  int ids = 0;
  std::optional<GroupNames> names;
  std::unique_ptr<ManualLoop> loop;
  std::unique_ptr<ConsumerGroupCoordinator> groups;
};

}  // namespace logcask::testing
