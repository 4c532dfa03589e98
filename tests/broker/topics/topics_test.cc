#include "broker/topics/topics.h"

#include "broker/door/offline_partition.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/topic_name.h"
#include "partition/prepare.h"
#include "tests/broker/services/service_fixture.h"
#include "tests/broker/topics/topic_storage.h"

namespace logcask::testing {
namespace {

Errc create(ServiceFixture& f, const std::string& name, std::int64_t partitions = 1, const SettingMap& settings = {},
            bool if_not_exists = false) {
  return f.topics.create(name, partitions, settings, if_not_exists).code();
}

TEST_CASE("a topic can be made once, under a proper name, within the limits", "[topics]") {
  ServiceFixture f;
  CHECK(create(f, "orders") == Errc::ok);
  CHECK(create(f, "orders") == Errc::topic_exists);
  CHECK(create(f, "orders", 1, {}, true) == Errc::ok);
  CHECK(create(f, "ORDERS") == Errc::invalid_topic_name);
  CHECK(create(f, "a/b") == Errc::invalid_topic_name);
  CHECK(create(f, "__mine") == Errc::invalid_topic_name);
  CHECK(create(f, "big", 10'000) == Errc::limit_exceeded);  // with "orders", until that is deleted
  CHECK(create(f, "negative", -1) == Errc::invalid_argument);
  CHECK(create(f, "bad", 1, {{"segment.bytes", "x"}}) == Errc::invalid_config);
  CHECK(f.topics.find("orders") != nullptr);
  CHECK(f.topics.snapshot()->size() == 1);
}

TEST_CASE("what a topic would have is told without making it, and so is what it would be refused for", "[topics]") {
  ServiceFixture f;
  const auto checked = [&](const std::string& name, std::int64_t partitions, const SettingMap& settings) {
    return f.topics.create(name, partitions, settings, false, true);
  };
  const auto planned = checked("t", 3, {{"cleanup.policy", "delete"}});
  REQUIRE(planned.ok());
  CHECK(planned->topic->record.partitions == 3);
  CHECK(planned->topic->record.settings.at("cleanup.policy") == "delete");
  CHECK(planned->topic->record.id == TopicId());
  CHECK_FALSE(f.topics.find("t"));
  CHECK(create(f, "t", 3) == Errc::ok);
  CHECK(checked("t", 3, {}).code() == Errc::topic_exists);
  CHECK(checked("T", 3, {}).code() == Errc::invalid_topic_name);
  CHECK(checked("no/name", 3, {}).code() == Errc::invalid_topic_name);
  CHECK(checked("u", 10'001, {}).code() == Errc::unsupported);
  CHECK(checked("u", 1, {{"no.such", "1"}}).code() == Errc::invalid_config);
}

TEST_CASE("a topic is found by its id, and one that is made anew has another", "[topics]") {
  ServiceFixture f;
  TopicView view(f.topics);
  CHECK_FALSE(view.find(TopicId()));
  for (int i = 0; i < 20; ++i) f.create("t" + std::to_string(i));
  for (int i = 0; i < 20; ++i) {
    const TopicPtr topic = f.topics.find("t" + std::to_string(i));
    CHECK(view.find(topic->record.id) == topic);
  }
  const TopicId first = f.topics.find("t7")->record.id;
  REQUIRE_OK(f.topics.remove("t7", [](const std::function<void()>& work) { work(); }));
  CHECK_FALSE(view.find(first));
  f.create("t7");
  CHECK_FALSE(view.find(first));
  CHECK(view.find(f.topics.find("t7")->record.id)->record.name == "t7");
  // Settings are another Topic with the same id.
  REQUIRE_OK(f.topics.alter("t3", {{"segment.bytes", "2MiB"}}, {}));
  CHECK(view.find(f.topics.find("t3")->record.id)->config.partition.segment_bytes == 2 << 20);
  CHECK_FALSE(view.find(TopicId()));
}

TEST_CASE("more partitions than the broker may ever hold are refused for good, with the limit", "[topics]") {
  ServiceFixture f;
  const auto made = f.topics.create("huge", 100'000, {}, false);
  CHECK_FALSE(errc_retriable(made.code()));
  CHECK_THAT(made.error().message, Catch::Contains("100000 partitions") && Catch::Contains("10000 (partitions.max"));
}

TEST_CASE("a topic whose record cannot be written does not exist and its directories are marked", "[topics]") {
  ServiceFixture f;
  f.metadata.fail_writes = true;
  CHECK(create(f, "orders", 2) == Errc::io_error);
  CHECK(f.topics.find("orders") == nullptr);
  CHECK(f.factory.marked == std::vector<std::string>{"orders-0", "orders-1"});
  // The record may still turn up after a restart, so the directories stay.
  CHECK(f.factory.removed.empty());
}

TEST_CASE("settings change for every partition, but none loses compact", "[topics]") {
  ServiceFixture f;
  f.create("t", 2);
  REQUIRE_OK(f.topics.alter("t", {{"segment.bytes", "2MiB"}}, {}));
  CHECK(f.topics.find("t")->config.partition.segment_bytes == 2 << 20);
  CHECK(f.metadata.topics["t"].settings.at("segment.bytes") == "2MiB");
  REQUIRE_OK(f.topics.alter("t", {}, {"segment.bytes"}));
  CHECK(f.topics.find("t")->config.partition.segment_bytes == 1 << 30);
  CHECK(f.topics.alter("t", {{"cleanup.policy", "delete"}}, {}).code() == Errc::unsupported);
  CHECK(f.topics.alter("t", {{"nonsense", "1"}}, {}).code() == Errc::invalid_config);
  CHECK(f.topics.alter("t", {}, {"nonsense"}).code() == Errc::invalid_config);
  CHECK(f.topics.alter("u", {}, {}).code() == Errc::unknown_topic);
}

TEST_CASE("a partitioner changes over records only to any, and the refusal says how to copy", "[topics]") {
  ServiceFixture f;
  f.create("t", 3, {{"partitioner", "murmur2"}});
  REQUIRE_OK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}));  // it is empty
  f.put("t", "k", "v", 1);
  for (const char* to : {"murmur2", "fnv1a"}) {
    const Status refused = f.topics.alter("t", {{"partitioner", to}}, {});
    CHECK(refused.code() == Errc::unsupported);
    CHECK(refused.error().message.find("logcask produce NEW --input json") != std::string::npos);
  }
  CHECK(f.topics.find("t")->config.partitioner == Partitioner::crc32);
  CHECK(f.metadata.topics["t"].settings.at("partitioner") == "crc32");
  REQUIRE_OK(f.topics.alter("t", {{"partitioner", "crc32"}, {"segment.ms", "1h"}}, {}));
  REQUIRE_OK(f.topics.alter("t", {}, {"partitioner"}));
  CHECK(f.topics.find("t")->config.partitioner == Partitioner::any);
  CHECK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}).code() == Errc::unsupported);
  REQUIRE_OK(f.partition("t", 1).partition().delete_records(kNoOffset));
  REQUIRE_OK(f.topics.alter("t", {{"partitioner", "murmur2"}}, {}));  // empty again
  f.create("one", 1);
  f.put("one", "k", "v");
  REQUIRE_OK(f.topics.alter("one", {{"partitioner", "crc32"}}, {}));  // every key stays where it is
}

TEST_CASE("records on their way while the partitioner changes are refused, not put where lookups do not ask",
          "[topics]") {
  ServiceFixture f;
  f.create("t", 3, {{"partitioner", "murmur2"}});
  const auto prepared = [&] {
    return std::make_pair(make_batch({{"k", "v", {}}}), f.topics.find("t")->config.partition);
  };
  const auto append = [&](const std::pair<std::string, PartitionConfig>& sent) {
    auto batch = prepare_batch(sent.first, sent.second, f.hasher);
    REQUIRE_OK(batch);
    AppendResult result;
    f.partition("t", 1).partition().append(*std::move(batch), Acks::none,
                                           [&](AppendResult answer) { result = std::move(answer); });
    return result.error.code();
  };
  const auto before = prepared();
  f.metadata.fail_writes = true;
  SECTION("the change took hold") {
    f.metadata.fail_writes = false;
    REQUIRE_OK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}));
    CHECK(append(before) == Errc::wrong_partition);
    CHECK(append(prepared()) == Errc::ok);
    REQUIRE_OK(f.topics.alter("t", {}, {"partitioner"}));
    CHECK(append(before) == Errc::ok);  // a key may be in any partition now
  }
  SECTION("the change may turn up after a restart") {
    const Status failed = f.topics.alter("t", {{"partitioner", "crc32"}}, {});
    CHECK(failed.code() == Errc::io_error);
    CHECK(failed.error().message.find("it takes no records") != std::string::npos);
    CHECK(append(before) == Errc::wrong_partition);
    f.metadata.fail_writes = false;
    REQUIRE_OK(f.topics.alter("t", {{"partitioner", "murmur2"}}, {}));
    CHECK(append(before) == Errc::ok);
  }
  SECTION("another setting that cannot be recorded keeps nothing out") {
    CHECK(f.topics.alter("t", {{"segment.ms", "1h"}}, {}).code() == Errc::io_error);
    CHECK(append(before) == Errc::ok);
  }
  SECTION("the change was refused because of a later partition") {
    f.metadata.fail_writes = false;
    f.put("t", "k", "v", 2);
    CHECK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}).code() == Errc::unsupported);
    CHECK(append(before) == Errc::ok);
  }
}

TEST_CASE("a change of the partitioner that may turn up after a restart keeps records out until an alter is recorded",
          "[topics]") {
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", 3, {{"partitioner", "murmur2"}});
  const std::uint32_t before = f.topics.find("t")->config.partition.placement;
  const auto put = [&] { return f.put("t", "k", "v", 1).error.code(); };
  const auto alter = [&](const SettingMap& set) { return f.topics.alter("t", set, {}); };
  f.metadata.fail_writes = true;
  REQUIRE(alter({{"partitioner", "crc32"}}).code() == Errc::io_error);
  CHECK(put() == Errc::wrong_partition);
  SECTION("another setting that cannot be recorded decides nothing, and its error says so") {
    const Status failed = alter({{"retention.ms", "1h"}});
    CHECK(failed.code() == Errc::io_error);
    CHECK(failed.error().message.find("it takes no records") != std::string::npos);
    CHECK(put() == Errc::wrong_partition);
    f.metadata.fail_writes = false;
    REQUIRE_OK(alter({{"retention.ms", "1h"}}));
    CHECK(put() == Errc::ok);
  }
  SECTION("a full disk and the way back do not decide it either") {
    f.metadata.write_error = Errc::storage_full;
    CHECK(alter({{"partitioner", "fnv1a"}}).code() == Errc::storage_full);
    CHECK(alter({{"partitioner", "murmur2"}}).code() == Errc::storage_full);
    CHECK(alter({{"partitioner", "any"}}).code() == Errc::storage_full);
    CHECK(put() == Errc::wrong_partition);
    f.metadata.fail_writes = false;
    REQUIRE_OK(alter({{"partitioner", "murmur2"}}));
    CHECK(put() == Errc::ok);
  }
  SECTION("a partition that is opened again, and a change that is refused because of one offline, decide nothing") {
    asked.never_opened = true;
    f.partition("t", 2).partition().close(Error{Errc::io_error, "gone"});
    CHECK(alter({{"partitioner", "fnv1a"}}).code() == Errc::unsupported);
    CHECK(put() == Errc::wrong_partition);
    (void)f.topics.reopen("t", PartitionId(2)).ok();
    CHECK(f.factory.opened_under != before);
    f.metadata.fail_writes = false;
    REQUIRE_OK(alter({{"retention.ms", "1h"}}));
    CHECK(put() == Errc::ok);
    (void)f.topics.reopen("t", PartitionId(2)).ok();
    CHECK(f.factory.opened_under == before);
  }
}

TEST_CASE("a refused change of the partitioner keeps nothing out, not even for a moment", "[topics]") {
  ServiceFixture f;
  FixtureFactory::Asked asked;
  f.factory.asked = &asked;
  f.create("t", 3, {{"partitioner", "murmur2"}});
  SECTION("a later partition holds records") {
    f.put("t", "k", "v", 2);
    CHECK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}).code() == Errc::unsupported);
    CHECK(asked.placed == 0);
  }
  SECTION("records come in after the look") {
    asked.before_placing = [&] {
      if (asked.placed == 2) f.put("t", "k", "v", 2);
    };
    CHECK(f.topics.alter("t", {{"partitioner", "crc32"}}, {}).code() == Errc::unsupported);
    CHECK(asked.placed == 3);
    CHECK(f.put("t", "k", "v", 0).error.code() == Errc::ok);
  }
}

TEST_CASE("a plain topic grows, and keeps the partitions that it has", "[topics][growth]") {
  ServiceFixture f;
  REQUIRE(create(f, "log", 1, {{"cleanup.policy", "delete"}}) == Errc::ok);
  const auto old = f.topics.find("log")->partitions[0];
  CHECK(f.topics.grow("log", 3, true).ok());  // only a check
  CHECK(f.topics.find("log")->partitions.size() == 1);
  REQUIRE_OK(f.topics.grow("log", 3));
  const TopicPtr grown = f.topics.find("log");
  REQUIRE(grown->partitions.size() == 3);
  CHECK(grown->partitions[0] == old);
  CHECK(f.metadata.topics.at("log").partitions == 3);
  Topics again(f.metadata, f.factory, f.clock, Topics::Limits());
  REQUIRE_OK(again.load(make_offline_partition("not looked at"), 1, {}));
  CHECK(again.find("log")->partitions.size() == 3);
}

TEST_CASE("a topic that must not grow is refused with the reason", "[topics][growth]") {
  ServiceFixture f;
  const auto refusal = [&](const std::string& name, std::int64_t partitions) {
    const Status grown = f.topics.grow(name, partitions);
    REQUIRE(!grown.ok());
    return grown.error();
  };
  REQUIRE(create(f, "keyed", 2, {{"cleanup.policy", "compact"}}) == Errc::ok);
  REQUIRE(create(f, "placed", 2, {{"cleanup.policy", "delete"}, {"partitioner", "murmur2"}}) == Errc::ok);
  REQUIRE(create(f, "log", 2, {{"cleanup.policy", "delete"}}) == Errc::ok);
  CHECK(refusal("keyed", 3).code == Errc::unsupported);
  CHECK_THAT(refusal("keyed", 3).message, Catch::Contains("is compacted") && Catch::Contains("logcask replay"));
  CHECK_THAT(refusal("placed", 3).message, Catch::Contains("set partitioner=any first"));
  CHECK(refusal("log", 2).code == Errc::invalid_argument);
  CHECK(refusal("log", 1).code == Errc::invalid_argument);
  CHECK(refusal("log", 20'000).code == Errc::limit_exceeded);
  CHECK(refusal("none", 3).code == Errc::unknown_topic);
  CHECK(f.topics.find("log")->partitions.size() == 2);
}

TEST_CASE("a growth that may turn up after a restart leaves its directories, never a topic's marker",
          "[topics][growth]") {
  ServiceFixture f;
  REQUIRE(create(f, "log", 1, {{"cleanup.policy", "delete"}}) == Errc::ok);
  f.metadata.fail_writes = true;
  const Status grown = f.topics.grow("log", 3);
  CHECK(grown.code() == Errc::io_error);
  CHECK_THAT(grown.error().message, Catch::Contains("keeps its 1 partitions, unless the next start"));
  CHECK(f.topics.find("log")->partitions.size() == 1);
  CHECK(f.factory.marked.empty());
  CHECK(f.factory.removed.empty());
  f.metadata.write_error = Errc::storage_full;  // nothing is there of such a write
  CHECK(f.topics.grow("log", 4).code() == Errc::storage_full);
  CHECK(f.factory.marked.empty());
  // What the first one needs, should it turn up, stays.
  CHECK(f.factory.removed == std::vector<std::string>{"log-3"});
  f.metadata.fail_writes = false;
  REQUIRE_OK(f.topics.grow("log", 3));
  f.metadata.fail_writes = true;
  CHECK(f.topics.grow("log", 5).code() == Errc::storage_full);
  CHECK(f.factory.removed == std::vector<std::string>{"log-3", "log-3", "log-4"});
}

TEST_CASE("what a growth has left that did not take hold goes with its topic", "[topics][growth]") {
  const bool restarted = GENERATE(false, true);
  TopicStorage storage;
  const auto directories = [&] {
    const auto listed = storage.data->list_partitions();
    REQUIRE_OK(listed);
    return listed->size();
  };
  for (const char* name : {"log", "other"})
    REQUIRE_OK(storage.topics->create(name, 1, {{"cleanup.policy", "delete"}}, false));
  storage.metadata.fail_writes = true;
  CHECK(storage.topics->grow("log", 3).code() == Errc::io_error);
  storage.metadata.fail_writes = false;
  CHECK(directories() == 4);
  if (restarted) {
    storage.stop();
    storage.start();
    REQUIRE_OK(storage.topics->load(make_offline_partition("not looked at"), 1, {}));
  }
  REQUIRE_OK(storage.topics->remove("log", [](const std::function<void()>& task) { task(); }));
  CHECK(directories() == 1);
  CHECK(storage.topics->find("other"));
}

TEST_CASE("names that differ only in case or in dots for underscores are refused, as no success", "[topics]") {
  ServiceFixture f;
  REQUIRE(create(f, "my.topic_1") == Errc::ok);
  for (const char* name : {"my_topic_1", "my_topic.1", "My.topic_1"}) {
    INFO(name);
    CHECK(create(f, name) == Errc::invalid_topic_name);
    CHECK(create(f, name, 1, {}, true) == Errc::invalid_topic_name);
  }
  CHECK(create(f, "my-topic-1") == Errc::ok);
}

TEST_CASE("a start publishes its topics in one step, however many there are", "[topics]") {
  ServiceFixture f;
  for (int i = 0; i < 20; ++i) f.create("t" + std::to_string(i));
  Topics again(f.metadata, f.factory, f.clock, Topics::Limits());
  const std::uint64_t before = again.generation();
  REQUIRE_OK(again.load(make_offline_partition("not looked at"), 1, {}));
  CHECK(again.snapshot()->size() == 21);
  CHECK(again.generation() == before + 2);  // the metadata topic, then the others
}

TEST_CASE("a deletion is marked before it is recorded, and the files go last", "[topics]") {
  ServiceFixture f;
  f.create("t", 2);
  ManualExecutor later;
  REQUIRE_OK(f.topics.remove("t", [&](std::function<void()> work) { later.post(std::move(work)); }));
  CHECK(f.factory.marked == std::vector<std::string>{"t-0", "t-1"});
  CHECK(f.metadata.topics.empty());
  CHECK(f.topics.find("t") == nullptr);
  CHECK(f.factory.removed.empty());
  later.run_all();
  CHECK(f.factory.removed == std::vector<std::string>{"t-0", "t-1"});
  CHECK(create(f, "t") == Errc::ok);
}

TEST_CASE("the files of a deleted topic go one partition at a time, and a stop comes in between", "[topics]") {
  ServiceFixture f;
  f.create("t", 3);
  const TopicPtr topic = f.topics.find("t");
  ManualExecutor later;
  REQUIRE_OK(f.topics.remove("t", [&](std::function<void()> work) { later.post(std::move(work)); }));
  // Whoever waits for one of them hears of it first.
  REQUIRE(later.run_one());
  CHECK(f.factory.removed.empty());
  for (const auto& partition : topic->partitions)
    CHECK(partition->snapshot().state == PartitionSnapshot::State::offline);
  REQUIRE(later.run_one());
  CHECK(f.factory.removed == std::vector<std::string>{"t-0"});
  // What a stopping executor takes no more is left to the next start.
  later.drop_all();
  CHECK(f.factory.removed == std::vector<std::string>{"t-0"});
  CHECK(later.empty());
}

// Partitions without files: what is left is how the work is cut.
struct CountingFactory final : PartitionFactory {
  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec&) override {
    return make_offline_partition("none");
  }
  Status mark_deleted(const PartitionSpec&) override { return {}; }
  Status remove(const PartitionSpec&) override {
    ++removed;
    return {};
  }
  int removed = 0;
};

TEST_CASE("a stop waits for the files of one partition at most, of a deleted topic of 5,000, too", "[topics]") {
  constexpr int kPartitions = 5000;
  MemoryMetadata metadata;
  CountingFactory factory;
  ManualClock clock;
  Topics topics(metadata, factory, clock, Topics::Limits());
  REQUIRE_OK(topics.create("t", kPartitions, {}, false));
  ManualExecutor later;
  REQUIRE_OK(topics.remove("t", [&](std::function<void()> work) { later.post(std::move(work)); }));
  REQUIRE(later.run_one());
  REQUIRE(factory.removed == 0);
  // Whatever job a stop comes upon is the only one it waits for.
  int jobs = 0;
  for (; later.run_one(); ++jobs) REQUIRE(factory.removed == jobs + 1);
  CHECK(jobs == kPartitions);
}

TEST_CASE("a deletion that a crash interrupted is completed at the next start", "[topics]") {
  ServiceFixture f;
  f.create("t", 2);
  f.create("kept");
  const TopicId id = f.topics.find("t")->record.id;
  Topics restarted(f.metadata, f.factory, f.clock, Topics::Limits());
  const auto report = restarted.load(make_offline_partition("not needed"), 1, {id});
  REQUIRE_OK(report);
  CHECK(restarted.find("t") == nullptr);
  CHECK(restarted.find("kept") != nullptr);
  CHECK(!f.metadata.topics.contains("t"));
  CHECK(f.factory.marked == std::vector<std::string>{"t-0", "t-1"});
  CHECK(report->undeleted.empty());
  // The files are left to the background, like those of every marked directory without a record.
  CHECK(f.factory.removed.empty());
}

TEST_CASE("a deletion that cannot be recorded at a start keeps its files for the next one", "[topics]") {
  ServiceFixture f;
  f.create("t");
  const TopicId id = f.topics.find("t")->record.id;
  f.metadata.fail_writes = true;
  Topics restarted(f.metadata, f.factory, f.clock, Topics::Limits());
  const auto report = restarted.load(make_offline_partition("not needed"), 1, {id});
  REQUIRE_OK(report);
  CHECK(restarted.find("t") == nullptr);
  CHECK(report->undeleted == std::vector{id});
}

TEST_CASE("settings that this build cannot read take a topic offline, not away", "[topics]") {
  ServiceFixture f;
  TopicRecord record;
  record.name = "future";
  record.partitions = 2;
  record.settings = {{"from.the.future", "1"}};
  f.metadata.topics["future"] = record;
  Topics restarted(f.metadata, f.factory, f.clock, Topics::Limits());
  const auto report = restarted.load(make_offline_partition("not needed"), 1, {});
  REQUIRE_OK(report);
  CHECK(report->offline.size() == 2);
  REQUIRE(restarted.find("future") != nullptr);
  CHECK(restarted.find("future")->partitions[0]->fetch(Offset(0), 1).code() == Errc::partition_offline);
}

TEST_CASE("a thread's view follows changes", "[topics]") {
  ServiceFixture f;
  CHECK(f.view.find("t") == nullptr);
  f.create("t");
  REQUIRE(f.view.find("t") != nullptr);
  REQUIRE_OK(f.topics.remove("t", [](std::function<void()> work) { work(); }));
  CHECK(f.view.find("t") == nullptr);
}

TEST_CASE("the metadata topic gives back topics, deletions and reserved ids after a restart", "[topics]") {
  PartitionFixture partition;
  const KeyHasher hasher{KeyHasher::Secret{}};
  ManualClock clock;
  // Writes wait for the disk; here the disk is run by hand, so they are prepared as the store prepares them.
  const auto write = [&](const std::string& key, const std::optional<std::string>& value) {
    partition.append({{key, value, {}}});
  };
  write("what/is/this", "x");
  write("topic/broken", "\xff");
  LocalMetadataStore store(partition.shared(), hasher, clock);
  const auto topics = store.load_topics();
  REQUIRE_OK(topics);
  CHECK(topics->empty());
  CHECK(store.problems().size() == 2);
  write("producer_ids", "\xff");
  CHECK(store.load_topics().code() == Errc::corrupt_file);
}

}  // namespace
}  // namespace logcask::testing
