// Whoever may not do a thing learns nothing by asking for it: not even whether the topic exists.
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "broker/services/admin_service.h"
#include "broker/services/backup_service.h"
#include "broker/services/group_admin.h"
#include "broker/services/producer_id_service.h"
#include "logcask/v1/native.pb.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

class Denier final : public Authorizer {
 public:
  bool topics_only = false;
  Status authorize(const Principal&, logcask::Operation, const Resource& resource) const override {
    if (topics_only && resource.kind != ResourceKind::topic) return {};
    return Error{Errc::permission_denied, "not you"};
  }
};

struct NoLookup final : LookupCall {
  explicit NoLookup(Errc& at) : code(at) {}
  void result(const LookupResult&) override {}
  void completed(Status status) override { code = status.code(); }
  Errc& code;
};
struct NoFetch final : FetchCall {
  explicit NoFetch(Errc& at) : code(at) {}
  void completed(Status, std::vector<FetchedPartition> partitions) override { code = partitions.at(0).error.code(); }
  Errc& code;
};
struct NoProduce final : ProduceCall {
  explicit NoProduce(Errc& at) : code(at) {}
  void completed(std::vector<AppendResult>& results) override { code = results.at(0).error.code(); }
  std::function<void()> hold_later_calls() override {
    return [] {};
  }
  Errc& code;
};
struct NoWatch final : WatchSink {
  void event(const LookupResult&) override {}
  void flush() override {}
  void ended(Status) override {}
};
struct NoReplay final : ReplaySink {
  void chunk(ReplayChunk) override {}
  void ended(Status) override {}
};

struct DeniedFixture : ServiceFixture {
  Denier denier;
  ServiceParts denied{denier, metrics, clock, hasher, topics, background};
  BrokerFacts facts;
  OffsetsTopic offsets_topic{denied};
  GroupNames names;
  GroupCoordinator coordinator{{denier, clock, loop, offsets_topic, {}, &names}, {}};
  ConsumerGroupCoordinator consumers{{denier,
                                      clock,
                                      loop,
                                      offsets_topic,
                                      names,
                                      [this] { return topics.generation(); },
                                      [this] { return known_topics(topics); },
                                      {}},
                                     {}};
  GroupsService groups{denied, offsets_topic, coordinator, consumers};
  GroupAdmin group_admin{denied, groups, coordinator, consumers};
  AdminService admin{denied, groups, facts, nullptr};
  ProducerIdService ids{denied, metadata};
  ProduceService produce{denied, 30'000, background};
  FetchService fetch{denied, 8u << 20, 300'000};
  OffsetsService offsets{denied};
  LookupService lookup{denied, 5'000};
  WatchService watch{denied};
  ReplayService replay{denied};
  BackupService backup{denied, 30'000};

  DeniedFixture() {
    create("orders", 2);
    put("orders", "k", "v");
  }
};

// What a request that names `topic` comes to.
using Ask = std::function<Errc(DeniedFixture&, const std::string& topic)>;

const std::map<std::string, Ask>& topic_requests() {
  static const PartitionId kFirst(0);
  static const std::map<std::string, Ask> all = {
      {"metadata", [](auto& f, const auto& t) { return f.admin.describe_topic(f.principal, t).code(); }},
      {"describe_topic", [](auto& f, const auto& t) { return f.admin.describe_topic(f.principal, t).code(); }},
      {"create_topic",
       [](auto& f, const auto& t) { return f.admin.create_topic(f.principal, t, 1, {}, false).code(); }},
      {"alter_topic", [](auto& f, const auto& t) { return f.admin.alter_topic(f.principal, t, {}, {}).code(); }},
      {"create_partitions", [](auto& f, const auto& t) { return f.admin.grow_topic(f.principal, t, 3, false).code(); }},
      {"delete_topic", [](auto& f, const auto& t) { return f.admin.delete_topic(f.principal, t).code(); }},
      {"delete_records",
       [](auto& f, const auto& t) { return f.admin.delete_records(f.principal, t, kFirst, kNoOffset).code(); }},
      {"segments", [](auto& f, const auto& t) { return f.admin.segments(f.principal, t, kFirst).code(); }},
      {"reopen", [](auto& f, const auto& t) { return f.admin.reopen(f.principal, t, kFirst).code(); }},
      {"compact", [](auto& f, const auto& t) { return f.admin.compact(f.context(), t, kFirst, false, {}).code(); }},
      {"list_offsets",
       [](auto& f, const auto& t) {
         return f.offsets.find(f.principal, {t, kFirst, kLatestTimestamp}).code();
       }},
      {"get",
       [](auto& f, const auto& t) {
         Errc code = Errc::ok;
         const ByteView key = "k";
         f.lookup.get(f.context(), t, std::span(&key, 1), {}, std::make_unique<NoLookup>(code));
         return code;
       }},
      {"watch",
       [](auto& f, const auto& t) {
         const ByteView key = "k";
         return f.watch.watch(f.context(), t, std::span(&key, 1), {}, std::make_unique<NoWatch>()).code();
       }},
      {"replay",
       [](auto& f, const auto& t) { return f.replay.replay(f.context(), t, {}, std::make_unique<NoReplay>()).code(); }},
      {"backup",
       [](auto& f, const auto& t) {
         BackupOptions options;
         options.partition = kFirst;
         return f.backup.backup(f.context(), t, options, nullptr).code();
       }},
      {"fetch",
       [](auto& f, const auto& t) {
         Errc code = Errc::ok;
         f.fetch.fetch(f.context(), {{t, kFirst, Offset(0), 0}}, {}, std::make_unique<NoFetch>(code));
         return code;
       }},
      {"produce",
       [](auto& f, const auto& t) {
         Errc code = Errc::ok;
         const std::string batch = make_batch({{"k", "v", {}}});
         ProduceEntry entry{t, kFirst, batch, {}};
         f.produce.produce(f.context(), std::span(&entry, 1), Acks::all, 0, std::make_unique<NoProduce>(code));
         return code;
       }},
      {"commit_offsets",
       [](auto& f, const auto& t) {
         Errc code = Errc::ok;
         f.groups.commit(
             f.principal, {"g", {}, {{t, kFirst, Offset(0), LeaderEpoch(-1), {}}}},
             [&code](const auto& statuses) { code = statuses.ok() ? statuses->at(0).code() : statuses.code(); });
         f.run();
         return code;
       }},
      {"fetch_offsets",
       [](auto& f, const auto& t) {
         return f.groups.fetch(f.principal, "g", {{t, kFirst}}).code();
       }},
  };
  return all;
}

const std::map<std::string, Ask>& broker_requests() {
  static const std::map<std::string, Ask> all = {
      {"init_producer_id", [](auto& f, const auto&) { return f.ids.init(f.principal, kNoProducer, -1).code(); }},
      {"list_groups", [](auto& f, const auto&) { return f.group_admin.list(f.principal).code(); }},
      {"describe_broker", [](auto& f, const auto&) { return f.admin.describe_broker(f.principal).code(); }},
      {"join_group",
       [](auto& f, const auto&) {
         Errc code = Errc::ok;
         JoinRequest join;
         join.group = "g";
         join.session_timeout_ms = 10'000;
         f.coordinator.join({f.principal, f.loop}, join, [&code](const auto& answer) { code = answer.status.code(); });
         f.run();
         return code;
       }},
      {"sync_group",
       [](auto& f, const auto&) {
         Errc code = Errc::ok;
         f.coordinator.sync({f.principal, f.loop}, {"g", {}},
                            [&code](const auto& answer) { code = answer.status.code(); });
         f.run();
         return code;
       }},
      {"heartbeat", [](auto& f, const auto&) { return f.coordinator.heartbeat(f.principal, "g", {}).code(); }},
      {"leave_group", [](auto& f, const auto&) { return f.coordinator.leave(f.principal, "g", {}).code(); }},
  };
  return all;
}

// The wire's messages do not know their fields' names; the file that they are made of does.
std::vector<std::string> requests_of_the_wire() {
  std::ifstream file(LOGCASK_SOURCE_DIR "/proto/logcask/v1/native.proto");
  std::string line;
  while (std::getline(file, line) && line != "message RequestHeader {") {
  }
  std::vector<std::string> names;
  std::smatch field;
  while (std::getline(file, line) && line != "}")
    if (std::regex_search(line, field, std::regex(R"(^    \w+Request (\w+) = \d+;)"))) names.push_back(field[1]);
  return names;
}

TEST_CASE("every request of the wire is in the table of what must be allowed", "[authorization]") {
  const std::set<std::string> of_the_connection = {"hello", "cancel", "credit"};
  const std::vector<std::string> requests = requests_of_the_wire();
  REQUIRE(requests.size() > 20);
  for (const std::string& name : requests) {
    INFO(name);
    CHECK(topic_requests().count(name) + broker_requests().count(name) + of_the_connection.count(name) == 1);
  }
}

TEST_CASE("whoever may not use a topic hears the same whether it exists or not, from every request",
          "[authorization]") {
  for (const bool topics_only : {false, true}) {
    DeniedFixture f;
    f.denier.topics_only = topics_only;
    for (const auto& [name, ask] : topic_requests()) {
      INFO(name);
      CHECK(ask(f, "orders") == Errc::permission_denied);
      CHECK(ask(f, "nothing") == Errc::permission_denied);
    }
    CHECK(f.admin.list_topics(f.principal, true).empty());
    CHECK(f.groups.fetch(f.principal, "g", {}).ok() == topics_only);
    f.run();
    CHECK(f.topics.find("nothing") == nullptr);
    CHECK(f.partition("orders").get("k").value == "v");
  }
}

TEST_CASE("whoever may not ask the broker hears nothing of it", "[authorization]") {
  DeniedFixture f;
  for (const auto& [name, ask] : broker_requests()) {
    INFO(name);
    CHECK(ask(f, "") == Errc::permission_denied);
  }
}

}  // namespace
}  // namespace logcask::testing
