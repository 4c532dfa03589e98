// The whole broker over real sockets, one test per promise of the wiring.
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "proto/lookup_codec.h"
#include "tests/broker/broker_fixture.h"

namespace logcask::testing {
namespace {

TEST_CASE("what is produced is found, fetched, and still there after a restart", "[broker]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("accounts");
    CHECK(client.put("accounts", "a", "1") == 0);
    CHECK(client.put("accounts", "b", "2") == 1);
    CHECK(client.put("accounts", "a", "3") == 2);
    CHECK(client.put("accounts", "b", std::nullopt) == 3);
    CHECK(client.get("accounts", "a") == "3");
    CHECK(client.get("accounts", "b") == "<deleted>");
    CHECK(client.get("accounts", "c") == "<absent>");
  }
  broker.restart();
  NativeClient client(broker.port());
  CHECK(client.get("accounts", "a") == "3");
  CHECK(client.get("accounts", "b") == "<deleted>");
  CHECK(client.put("accounts", "c", "4") == 4);
}

TEST_CASE("a broker whose port is taken says so and ends", "[broker]") {
  BrokerFixture running;
  const TempDir other;
  ConfigSources sources;
  sources.flags = {{"data.dir", other.path() + "/data"},
                   {"listen", "127.0.0.1:" + std::to_string(running.port())},
                   {"log.level", "error"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  const auto second = Broker::start(*config, "test");
  REQUIRE(second.code() == Errc::in_use);
  CHECK(second.error().message.find(std::to_string(running.port())) != std::string::npos);
}

TEST_CASE("topics, settings and deletions survive restarts", "[broker]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("kept", 3, {{"segment.bytes", "2097152"}});
    client.create_topic("gone", 2);
    v1::RequestHeader alter;
    alter.mutable_alter_topic()->set_name("kept");
    (*alter.mutable_alter_topic()->mutable_set())["segment.bytes"] = "4194304";
    CHECK(client.call(alter).header.error_code() == 0);
    v1::RequestHeader remove;
    remove.mutable_delete_topic()->set_name("gone");
    CHECK(client.call(remove).header.error_code() == 0);
  }
  broker.restart();
  NativeClient client(broker.port());
  v1::RequestHeader metadata;
  metadata.mutable_metadata();
  const auto topics = client.call(metadata).header.metadata().topics();
  REQUIRE(topics.size() == 1);
  CHECK(topics[0].name() == "kept");
  CHECK(topics[0].partitions() == 3);
  v1::RequestHeader describe;
  describe.mutable_describe_topic()->set_name("kept");
  const auto settings = client.call(describe).header.describe_topic().settings();
  for (const auto& setting : settings)
    if (setting.name() == "segment.bytes") CHECK(setting.value() == "4194304");
  // A stop does not wait for the files of what was deleted; the next start goes on.
  const auto left = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(broker.data_path()))
      if (entry.path().filename().string().find("gone") != std::string::npos) return true;
    return false;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (left()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
}

TEST_CASE("a directory without a record is reported and kept, a missing directory takes its partition offline",
          "[broker]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("t", 2);
  }
  broker.stop();
  namespace fs = std::filesystem;
  fs::path victim;
  for (const auto& entry : fs::directory_iterator(broker.data_path()))
    if (entry.path().filename().string().starts_with("t-1.")) victim = entry.path();
  REQUIRE(!victim.empty());
  const fs::path orphan = fs::path(broker.data_path()) / "stray-0.00112233445566778899aabbccddeeff";
  fs::rename(victim, orphan);
  broker.start();
  CHECK(fs::exists(orphan));
  NativeClient client(broker.port());
  v1::RequestHeader health;
  health.mutable_describe_broker();
  const auto problems = client.call(health).header.describe_broker().problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].partition() == 1);
  CHECK(problems[0].state() == "offline");
  CHECK(client.put("t", "a", "1") == 0);
  // Put back, it is opened without a restart.
  fs::rename(orphan, victim);
  v1::RequestHeader reopen;
  reopen.mutable_reopen()->set_topic("t");
  reopen.mutable_reopen()->set_partition(-1);
  const auto reopened = client.call(reopen).header.reopen().partitions();
  REQUIRE(reopened.size() == 1);
  CHECK(reopened[0].error().code() == 0);
  CHECK(client.call(health).header.describe_broker().problems().empty());
}

TEST_CASE("health says why consumer groups cannot be read, until they can", "[broker]") {
  BrokerFixture broker;
  v1::RequestHeader commit;
  commit.mutable_commit_offsets()->set_group("g");
  commit.mutable_commit_offsets()->add_entries()->set_topic("t");
  {
    NativeClient client(broker.port());
    client.create_topic("t");
    CHECK(client.call(commit).header.commit_offsets().errors(0).code() == 0);
  }
  broker.stop();
  namespace fs = std::filesystem;
  fs::path offsets;
  for (const auto& entry : fs::directory_iterator(broker.data_path()))
    if (entry.path().filename().string().starts_with("__consumer_offsets-0.")) offsets = entry.path();
  REQUIRE(!offsets.empty());
  const fs::path away = fs::path(broker.data_path()) / "away";
  fs::rename(offsets, away);
  broker.start();
  NativeClient client(broker.port());
  // What is said of groups, which are tried every second; "" while nothing is.
  const auto said = [&] {
    v1::RequestHeader health;
    health.mutable_describe_broker();
    const auto answer = client.call(health);
    for (const auto& problem : answer.header.describe_broker().problems())
      if (problem.state() == "groups_unreadable") return problem.topic() + ": " + problem.reason();
    return std::string();
  };
  const auto wait_until = [&](bool unreadable) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (said().empty() == unreadable) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
    }
  };
  wait_until(true);
  CHECK_THAT(said(), Catch::StartsWith("__consumer_offsets: consumer groups cannot be read") &&
                         Catch::Contains("partition_offline"));
  fs::rename(away, offsets);
  v1::RequestHeader reopen;
  reopen.mutable_reopen()->set_topic("__consumer_offsets");
  reopen.mutable_reopen()->set_partition(-1);
  CHECK(client.call(reopen).header.reopen().partitions(0).error().code() == 0);
  wait_until(false);
  CHECK(client.call(commit).header.commit_offsets().errors(0).code() == 0);
}

TEST_CASE("a lost metadata topic stops the start instead of passing for an empty broker", "[broker]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("t");
  }
  broker.stop();
  namespace fs = std::filesystem;
  for (const auto& entry : fs::directory_iterator(broker.data_path()))
    if (entry.path().filename().string().starts_with("__logcask_metadata")) fs::remove_all(entry.path());
  ConfigSources sources;
  sources.flags = {{"data.dir", broker.data_path()}, {"listen", "127.0.0.1:0"}};
  const auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  const auto started = Broker::start(*config, "test");
  REQUIRE(!started.ok());
  CHECK(started.error().message.find("__logcask_metadata") != std::string::npos);
}

TEST_CASE("a second broker on the same directory or port is told who is in its way", "[broker]") {
  BrokerFixture broker;
  ConfigSources sources;
  sources.flags = {{"data.dir", broker.data_path()}, {"listen", "127.0.0.1:0"}};
  auto config = make_broker_config(sources);
  REQUIRE_OK(config);
  CHECK(Broker::start(*config, "test").code() == Errc::in_use);
  TempDir other;
  config->data_dir = other.path();
  config->listen = "127.0.0.1:" + std::to_string(broker.port());
  CHECK(Broker::start(*config, "test").code() == Errc::in_use);
}

struct OptionalListener {
  std::string setting, flag, note;
  std::string BrokerConfig::*listen;
  std::optional<SocketAddress> (Broker::*address)() const;
};
const OptionalListener kOptionalListeners[] = {
    {"kafka.listen", "--kafka-listen", "kafka_listener_left_out", &BrokerConfig::kafka_listen, &Broker::kafka_address},
    {"http.listen", "--http-listen", "http_listener_left_out", &BrokerConfig::http_listen, &Broker::http_address}};

struct TakenPort {
  TakenPort(const OptionalListener& of, const std::string& listen, bool asked) {
    ConfigSources sources;
    sources.flags = {{"data.dir", directory.path() + "/data"}, {"listen", "127.0.0.1:0"}, {"log.level", "error"}};
    if (asked) sources.flags[of.setting] = listen;
    const auto read = make_broker_config(sources);
    REQUIRE_OK(read);
    config = *read;
    CHECK(config.*of.listen == (asked ? listen : "127.0.0.1:0"));
    config.*of.listen = listen;
  }
  TempDir directory;
  BrokerConfig config;
};

TEST_CASE("a listener that nobody asked for is left out when its port is taken and health says so", "[broker]") {
  const OptionalListener& of = kOptionalListeners[GENERATE(0, 1)];
  BrokerFixture in_the_way;
  const std::string taken = "127.0.0.1:" + std::to_string(in_the_way.port());
  const TakenPort second(of, taken, false);
  const auto broker = Broker::start(second.config, "test");
  REQUIRE_OK(broker);
  CHECK(!((**broker).*of.address)());
  NativeClient client((*broker)->native_address().port);
  v1::RequestHeader health;
  health.mutable_describe_broker();
  const auto answer = client.call(health);
  CHECK(answer.header.describe_broker().problems().empty());
  REQUIRE(answer.header.describe_broker().notes_size() == 1);
  const auto& note = answer.header.describe_broker().notes(0);
  CHECK(note.state() == of.note);
  CHECK(note.reason().find(taken) != std::string::npos);
  CHECK(note.reason().find(of.flag) != std::string::npos);
}

TEST_CASE("a listener that was asked for refuses the start when its port is taken", "[broker]") {
  const OptionalListener& of = kOptionalListeners[GENERATE(0, 1)];
  BrokerFixture in_the_way;
  const std::string taken = "127.0.0.1:" + std::to_string(in_the_way.port());
  const TakenPort second(of, taken, true);
  const auto broker = Broker::start(second.config, "test");
  REQUIRE(!broker.ok());
  CHECK(broker.code() == Errc::in_use);
  CHECK(broker.error().message.find(of.flag) != std::string::npos);
}

TEST_CASE("a Kafka listener is there unless it is switched off", "[broker]") {
  BrokerFixture plain;
  CHECK(plain.kafka_address());
  BrokerFixture without(SettingValues{{"kafka.listen", "off"}});
  CHECK(!without.kafka_address());
}

TEST_CASE("committed offsets are read back, listed, deleted, and survive a restart", "[broker]") {
  BrokerFixture broker;
  const auto commit = [](NativeClient& client, const std::string& topic, std::int64_t offset) {
    v1::RequestHeader request;
    request.mutable_commit_offsets()->set_group("readers");
    auto& entry = *request.mutable_commit_offsets()->add_entries();
    entry.set_topic(topic);
    entry.set_offset(offset);
    entry.set_leader_epoch(1);
    entry.set_metadata("note");
    const auto answer = client.call(request);
    return answer.header.error_code() != 0 ? answer.header.error_code()
                                           : answer.header.commit_offsets().errors(0).code();
  };
  const auto fetch_all = [](NativeClient& client) {
    v1::RequestHeader request;
    request.mutable_fetch_offsets()->set_group("readers");
    return client.call(request).header.fetch_offsets().entries();
  };
  {
    NativeClient client(broker.port());
    CHECK(fetch_all(client).empty());
    client.create_topic("t");
    client.create_topic("u");
    client.put("t", "a", "1");
    for (int i = 0; i < 5; ++i) client.put("u", "a", "1");
    CHECK(commit(client, "t", 1) == 0);
    CHECK(commit(client, "u", 5) == 0);
    CHECK(commit(client, "nothing", 5) == static_cast<int>(Errc::unknown_topic));
    CHECK(commit(client, "t", 1) == 0);
  }
  broker.restart();
  NativeClient client(broker.port());
  auto entries = fetch_all(client);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].topic() == "t");
  CHECK(entries[0].offset() == 1);
  CHECK(entries[0].leader_epoch() == 1);
  CHECK(entries[0].metadata() == "note");
  CHECK(entries[0].committed_end() == 1);
  CHECK(entries[1].offset() == 5);
  CHECK(commit(client, "u", -1) == 0);
  entries = fetch_all(client);
  REQUIRE(entries.size() == 1);
  v1::RequestHeader list;
  list.mutable_list_groups();
  const auto groups = client.call(list).header.list_groups().groups();
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].name() == "readers");
  CHECK(groups[0].partitions() == 1);

  // Other records will be at those offsets.
  CHECK(commit(client, "u", 5) == 0);
  v1::RequestHeader deletion;
  deletion.mutable_delete_topic()->set_name("t");
  CHECK(client.call(deletion).header.error_code() == 0);
  client.create_topic("t");
  entries = fetch_all(client);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].topic() == "u");
  CHECK(commit(client, "t", 0) == 0);
  CHECK(fetch_all(client).size() == 2);
}

TEST_CASE("a group commits no offset that was never given out, and none below log start", "[broker]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  for (int i = 0; i < 5; ++i) client.put("t", "k" + std::to_string(i), "v");
  const auto commit = [&](std::int64_t offset, std::uint32_t partition = 0) {
    v1::RequestHeader request;
    request.mutable_commit_offsets()->set_group("g");
    auto& entry = *request.mutable_commit_offsets()->add_entries();
    entry.set_topic("t");
    entry.set_partition(partition);
    entry.set_offset(offset);
    return static_cast<Errc>(client.call(request).header.commit_offsets().errors(0).code());
  };
  const auto committed = [&] {
    v1::RequestHeader request;
    request.mutable_fetch_offsets()->set_group("g");
    const auto answer = client.call(request);
    REQUIRE(answer.header.fetch_offsets().entries_size() == 1);
    return answer.header.fetch_offsets().entries(0);
  };
  CHECK(commit(999) == Errc::offset_out_of_range);
  CHECK(commit(6) == Errc::offset_out_of_range);
  CHECK(commit(5) == Errc::ok);
  CHECK(commit(2) == Errc::ok);
  CHECK(committed().log_start_offset() == 0);
  v1::RequestHeader deletion;
  deletion.mutable_delete_records()->set_topic("t");
  deletion.mutable_delete_records()->set_before_offset(4);
  CHECK(client.call(deletion).header.error_code() == 0);
  // What was committed before stays as it is; its lag counts from log start.
  CHECK(committed().offset() == 2);
  CHECK(committed().log_start_offset() == 4);
  CHECK(commit(1) == Errc::ok);
  CHECK(committed().offset() == 4);
  CHECK(commit(-1, 4294967295u) == Errc::unknown_partition);
}

TEST_CASE("every service counts its requests, what is refused too", "[broker]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  client.put("t", "k", "v");
  client.get("t", "k");
  v1::RequestHeader segments, commit, ids, offsets, fetch;
  segments.mutable_segments()->set_topic("nothing");
  client.call(segments);
  commit.mutable_commit_offsets()->set_group("g");
  client.call(commit);
  ids.mutable_init_producer_id()->set_producer_id(-1);
  client.call(ids);
  offsets.mutable_list_offsets()->add_partitions()->set_topic("t");
  client.call(offsets);
  fetch.mutable_fetch()->add_partitions()->set_topic("t");
  client.call(fetch);

  v1::RequestHeader request;
  request.mutable_describe_broker();
  std::map<std::string, double> numbers;
  const auto answer = client.call(request);
  for (const auto& counter : answer.header.describe_broker().counters()) numbers[counter.name()] = counter.value();
  for (const std::string& service : std::vector<std::string>{"produce", "lookup", "admin", "groups", "producer_ids",
                                                             "list_offsets", "fetch", "topics"}) {
    INFO(service);
    CHECK(numbers[service + ".requests"] == 1);
    CHECK(numbers[service + ".errors"] == (service == "admin" ? 1 : 0));
    CHECK(numbers[service + ".p99_us"] > 0);
  }
}

TEST_CASE("producer ids are never given twice", "[broker]") {
  BrokerFixture broker;
  std::set<std::int64_t> seen;
  for (int run = 0; run < 3; ++run) {
    {
      NativeClient client(broker.port());
      for (int i = 0; i < 5; ++i) {
        v1::RequestHeader request;
        request.mutable_init_producer_id()->set_producer_id(-1);
        request.mutable_init_producer_id()->set_producer_epoch(-1);
        const auto id = client.call(request).header.init_producer_id().producer_id();
        CHECK(seen.insert(id).second);
      }
      v1::RequestHeader next;
      next.mutable_init_producer_id()->set_producer_id(*seen.begin());
      next.mutable_init_producer_id()->set_producer_epoch(3);
      const auto bumped = client.call(next).header.init_producer_id();
      CHECK(bumped.producer_id() == *seen.begin());
      CHECK(bumped.producer_epoch() == 4);
    }
    broker.restart();
  }
}

TEST_CASE("an offset is found by time, and records before an offset can be deleted", "[broker]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  for (int i = 0; i < 5; ++i) client.put("t", "k" + std::to_string(i), "v");
  v1::RequestHeader offsets;
  for (const std::int64_t time :
       {std::int64_t{-1}, std::int64_t{-2}, std::int64_t{0}, std::int64_t{1'800'000'000'000}}) {
    auto& part = *offsets.mutable_list_offsets()->add_partitions();
    part.set_topic("t");
    part.set_timestamp_ms(time);
  }
  const auto answers = client.call(offsets).header.list_offsets().partitions();
  REQUIRE(answers.size() == 4);
  CHECK(answers[0].offset() == 5);
  CHECK(answers[1].offset() == 0);
  CHECK(answers[2].offset() == 0);
  CHECK(answers[2].timestamp_ms() == 1'700'000'000'000);
  CHECK(answers[3].offset() == -1);
  v1::RequestHeader trim;
  trim.mutable_delete_records()->set_topic("t");
  trim.mutable_delete_records()->set_partition(-1);
  trim.mutable_delete_records()->set_before_offset(3);
  CHECK(client.call(trim).header.delete_records().partitions(0).log_start_offset() == 3);
  CHECK(client.get("t", "k1") == "<absent>");
  CHECK(client.get("t", "k4") == "v");
}

TEST_CASE("a watch over the wire shows the value and its changes", "[broker]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  client.put("t", "a", "1");
  v1::RequestHeader watch;
  watch.mutable_watch()->set_topic("t");
  watch.mutable_watch()->set_partition(-1);
  watch.mutable_watch()->set_key_count(1);
  watch.mutable_watch()->set_credit_bytes(1u << 20);
  std::string keys;
  append_key(keys, "a");
  const auto id = client.send(watch, keys);
  const auto next = [&] {
    const NativeAnswer answer = client.answer_to(id);
    const auto events = decode_lookup_results(answer.attachment, answer.header.watch().event_count());
    REQUIRE(events.ok());
    return (*events)[0].status == LookupStatus::deleted ? std::string("<deleted>") : std::string((*events)[0].value);
  };
  CHECK(next() == "1");
  client.put("t", "a", "2");
  CHECK(next() == "2");
  client.put("t", "a", std::nullopt);
  CHECK(next() == "<deleted>");
}

}  // namespace
}  // namespace logcask::testing
