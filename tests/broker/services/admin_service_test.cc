// What an operator asks for: here reopening, which must reach every partition that has something to mend.
#include "broker/services/admin_service.h"

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

struct AdminFixture : ServiceFixture {
  AdminFixture() { factory.loads_when_waited_for = true; }
  BrokerFacts facts;
  GroupsService groups{parts};
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

}  // namespace
}  // namespace logcask::testing
