// What an operator asks for: reopening reaches every partition that has something to mend, and the log says who did
// what.
#include "broker/services/admin_service.h"

#include <functional>
#include <sstream>

#include "broker/log.h"
#include "tests/broker/services/service_fixture.h"
#include "tests/support/child_process.h"

namespace logcask::testing {
namespace {

struct AdminFixture : ServiceFixture {
  AdminFixture() { factory.loads_when_waited_for = true; }
  BrokerFacts facts;
  OffsetsTopic offsets_topic{parts};
  GroupNames names;
  GroupCoordinator coordinator{{authorizer, clock, loop, offsets_topic, {}, &names}, {}};
  ConsumerGroupCoordinator consumers{{authorizer,
                                      clock,
                                      loop,
                                      offsets_topic,
                                      names,
                                      [this] { return topics.generation(); },
                                      [this] { return known_topics(topics); },
                                      {}},
                                     {}};
  GroupsService groups{parts, offsets_topic, coordinator, consumers};
  AdminService admin{parts, groups, facts, nullptr};
  std::vector<PerPartition<std::string>> reopen(int partition) {
    auto answers = admin.reopen(principal, "t", PartitionId(partition));
    REQUIRE_OK(answers);
    for (const auto& answer : *answers) REQUIRE_OK(answer.result);
    run();
    return *std::move(answers);
  }
};

TEST_CASE("reopen ends the quarantine of a partition's compaction", "[admin]") {
  for (const int partition : {-1, 1}) {
    AdminFixture f;
    f.create("t", 2);
    f.put("t", "a", "1", 1);
    f.partition("t", 1).partition().quarantine("a value without an entry");
    CHECK(f.partition("t", 1).partition().snapshot().compaction_quarantined);
    const auto answers = f.reopen(partition);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].partition == PartitionId(1));
    CHECK(!f.partition("t", 1).partition().snapshot().compaction_quarantined);
    CHECK(f.partition("t", 1).get("a").value == "1");
  }
}

TEST_CASE("reopen answers once lookups do", "[admin]") {
  AdminFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.make_read_only("t");
  const auto answers = f.admin.reopen(f.principal, "t", PartitionId(0));
  REQUIRE_OK(answers);
  CHECK(answers->front().result->find("still being loaded") == std::string::npos);
  CHECK(f.partition("t").get("a").value == "1");
}

TEST_CASE("a tight keydir is a note with its mend, and no problem", "[admin]") {
  AdminFixture f;
  f.facts.keydir_use = [](const TopicId*) {
    KeydirUse use;
    use.limit = "keydir.total.max.bytes";
    use.limit_bytes = 1000;
    use.limit_used_bytes = 760;
    use.verdict = sizing::Verdict::tight;
    return use;
  };
  auto description = f.admin.describe_broker(f.principal);
  REQUIRE_OK(description);
  CHECK(description->keydir_verdict == "TIGHT");
  CHECK(description->problems.empty());
  REQUIRE(description->notes.size() == 1);
  CHECK(description->notes[0].state == kKeydirTight);
  CHECK_THAT(description->notes[0].reason, Catch::Contains("760 of 1000 bytes of keydir.total.max.bytes"));
}

TEST_CASE("while a reopen waits for keys, another one says at once that they are still being loaded", "[admin]") {
  AdminFixture f;
  for (const char* topic : {"t", "u"}) {
    f.create(topic);
    f.put(topic, "a", "1");
    f.make_read_only(topic);
  }
  int waiting = 0;
  const auto reopen = [&](const char* topic) {
    const auto answers = f.admin.reopen(f.principal, topic, PartitionId(0));
    REQUIRE_OK(answers);
    REQUIRE_OK(answers->front().result);
    return *answers->front().result;
  };
  f.factory.before_loading = [&] {
    if (++waiting == 1) CHECK(reopen("u").find("its keys are still being loaded") != std::string::npos);
  };
  CHECK(reopen("t").find("still being loaded") == std::string::npos);
  CHECK(waiting == 1);
  f.run();
  f.make_read_only("t");
  CHECK(reopen("t").find("still being loaded") == std::string::npos);  // the next one waits again
  CHECK(waiting == 2);
}

TEST_CASE("reopen says so when keys are still being loaded, and a stop does not wait for them", "[admin]") {
  AdminFixture f;
  f.factory.loads_when_waited_for = false;
  f.create("t");
  f.put("t", "a", "1");
  f.make_read_only("t");
  f.admin.stop();
  const auto answers = f.admin.reopen(f.principal, "t", PartitionId(0));
  REQUIRE_OK(answers);
  CHECK(answers->front().result->find("its keys are still being loaded") != std::string::npos);
}

TEST_CASE("reopen leaves a sound partition alone and says so", "[admin]") {
  AdminFixture f;
  f.create("t", 2);
  CHECK(f.reopen(-1).empty());
  const auto answers = f.reopen(0);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].result->find("nothing to do") != std::string::npos);
}

TEST_CASE("a negative partition other than all is refused and deletes nothing", "[admin]") {
  AdminFixture f;
  f.create("t", 2);
  f.put("t", "a", "1", 1);
  CHECK(f.admin.delete_records(f.principal, "t", PartitionId(-5), kNoOffset).code() == Errc::unknown_partition);
  CHECK(f.partition("t", 1).get("a").value == "1");
  CHECK(f.admin.delete_records(f.principal, "t", PartitionId(1), Offset(-7))->front().result.code() ==
        Errc::offset_out_of_range);
  REQUIRE_OK(f.admin.delete_records(f.principal, "t", kAllPartitions, kNoOffset));
  CHECK(f.partition("t", 1).get("a").status == LookupAnswer::Status::absent);
}

// The lines of the log while `work` ran, without their times.
std::vector<std::string> logged(const std::function<void(AdminFixture&)>& work) {
  const ChildEnd end = in_child_process([&] {
    set_log_level("info");
    AdminFixture f;
    f.principal = {"ann", "10.0.0.7"};
    work(f);
  });
  CHECK(end.status == 0);
  std::vector<std::string> lines;
  std::istringstream all(end.said);
  for (std::string line; std::getline(all, line);) lines.push_back(line.substr(line.find(" info ") + 6));
  return lines;
}

TEST_CASE("each act that makes, alters or deletes has one line in the log with who did it", "[admin]") {
  const auto lines = logged([](AdminFixture& f) {
    const SettingMap settings = {{"segment.ms", "3600000"}};
    REQUIRE_OK(f.admin.create_topic(f.principal, "t", 4, settings, false));
    REQUIRE_OK(f.admin.create_topic(f.principal, "t", 4, settings, true));  // is there
    f.run();
    REQUIRE_OK(f.admin.alter_topic(f.principal, "t", {{"segment.ms", "7200000"}}, {}));
    REQUIRE_OK(f.admin.alter_topic(f.principal, "t", {}, {}));  // nothing
    for (int i = 0; i < 3; ++i) f.put("t", "a", "1", 0);
    f.put("t", "b", "1", 3);
    // Of four partitions two have records, and then none.
    REQUIRE_OK(f.admin.delete_records(f.principal, "t", kAllPartitions, kNoOffset));
    REQUIRE_OK(f.admin.delete_records(f.principal, "t", kAllPartitions, kNoOffset));
    REQUIRE_OK(f.admin.delete_records(f.principal, "t", PartitionId(0), Offset(1)));
    f.put("t", "a", "1", 0);
    f.put("t", "b", "1", 3);
    // Partition 3 has fewer.
    REQUIRE_OK(f.admin.delete_records(f.principal, "t", kAllPartitions, Offset(4)));
    CHECK(f.admin.delete_topic(f.principal, "other").code() == Errc::unknown_topic);
    f.run();
    REQUIRE_OK(f.admin.delete_topic(f.principal, "t"));
  });
  REQUIRE(lines.size() == 5);
  const std::string who = " by ann from 10.0.0.7";
  CHECK(lines[0] == "topic 't' with 4 partitions segment.ms=3600000 made" + who);
  CHECK(lines[1] == "settings of topic 't' changed: segment.ms=7200000" + who);
  CHECK(lines[2] == "all records of topic 't' deleted in 2 of 4 partitions (log start 0:3 3:1)" + who);
  CHECK(lines[3].find("records of topic 't' below 4 deleted in 1 of 4 partitions (log start 0:4), failed in 3 "
                      "(partition 1: offset_out_of_range: ") == 0);
  CHECK(lines[4] == "topic 't' deleted" + who);
}

TEST_CASE("the line of a deletion names many partitions only up to a bound", "[admin]") {
  const auto lines = logged([](AdminFixture& f) {
    f.create("t", 120);
    for (int p = 0; p < 120; ++p) f.put("t", "a", "1", p);
    REQUIRE_OK(f.admin.delete_records(f.principal, "t", kAllPartitions, kNoOffset));
  });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("deleted in 120 of 120 partitions (log start 0:1 1:1 ") != std::string::npos);
  CHECK(lines[0].find(" 99:1 and 20 more) by ann") != std::string::npos);
}

}  // namespace
}  // namespace logcask::testing
