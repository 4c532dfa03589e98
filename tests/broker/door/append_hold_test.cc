#include "broker/door/append_hold.h"

#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr std::int64_t kAt = 5'000'000'000;

// Small segments full of one key: what is closed is garbage.
PartitionConfig overwritten() {
  PartitionConfig config;
  config.segment_bytes = 1024;
  return config;
}

void overwrite(PartitionFixture& fixture, int times) {
  for (int i = 0; i < times; ++i) REQUIRE(fixture.append({{"k", std::string(500, 'v'), {}}}).error.ok());
}

// Starts appends until one is not written, and so not answered.
bool comes_to_wait(PartitionFixture& fixture, std::optional<AppendResult>& answer) {
  for (int i = 0; i < 50; ++i) {
    answer.reset();
    fixture.start_append({{"k", std::string(500, 'v'), {}}}, Acks::one, answer);
    fixture.flush().run_all();
    if (!answer) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a hold begins where compaction is behind and ends with the look that finds it has caught up", "[hold]") {
  AppendHold hold;
  CHECK_FALSE(hold.holds());
  hold.looked(CompactionLook::behind, kAt);
  CHECK(hold.holds());
  hold.looked(CompactionLook::due, kAt);
  CHECK_FALSE(hold.holds());
  REQUIRE(hold.may_begin());
  hold.hold(kAt);
  CHECK(hold.holds());
  CHECK_FALSE(hold.may_begin());
  hold.looked(CompactionLook::barred, kAt);
  CHECK_FALSE(hold.holds());
}

TEST_CASE("nobody waits for a compaction that is not at work", "[hold]") {
  AppendHold hold;
  CHECK_FALSE(hold.may_begin());
  for (const CompactionLook look : {CompactionLook::barred, CompactionLook::idle}) {
    hold.looked(CompactionLook::due, kAt);
    CHECK(hold.may_begin());
    hold.looked(look, kAt);
    CHECK_FALSE(hold.may_begin());
  }
  hold.rewrite_installed(kAt);
  CHECK(hold.may_begin());
  // Nobody looks, nobody would end it.
  AppendHold alone;
  alone.rewrite_installed(kAt);
  CHECK_FALSE(alone.may_begin());
}

TEST_CASE("a hold that no rewrite follows is given up until one is installed", "[hold]") {
  AppendHold hold;
  hold.looked(CompactionLook::behind, kAt);
  CHECK_FALSE(hold.give_up(kAt + AppendHold::kHoldNs - 1));
  hold.rewrite_installed(kAt + AppendHold::kHoldNs - 1);
  CHECK_FALSE(hold.give_up(kAt + AppendHold::kHoldNs));
  CHECK(hold.give_up(kAt + 2 * AppendHold::kHoldNs));
  CHECK_FALSE(hold.holds());
  hold.looked(CompactionLook::behind, kAt + 3 * AppendHold::kHoldNs);
  CHECK_FALSE(hold.holds());
  CHECK_FALSE(hold.may_begin());
  hold.rewrite_installed(kAt + 4 * AppendHold::kHoldNs);
  hold.looked(CompactionLook::behind, kAt + 4 * AppendHold::kHoldNs);
  CHECK(hold.holds());
}

TEST_CASE("a writer that outruns compaction waits for it and goes on in order", "[hold][runner]") {
  PartitionFixture fixture(overwritten());
  overwrite(fixture, 4);
  fixture.partition().note_look(CompactionLook::due);
  std::optional<AppendResult> answer;
  REQUIRE(comes_to_wait(fixture, answer));
  const Offset end = fixture.partition().marks().next_offset;
  std::optional<AppendResult> later;
  fixture.start_append({{"later", "1", {}}}, Acks::all, later);
  fixture.run_all();
  CHECK_FALSE(answer);
  CHECK(fixture.partition().marks().next_offset == end);
  CHECK(fixture.get("k").status == LookupAnswer::Status::found);

  fixture.partition().note_look(CompactionLook::behind);
  fixture.run_all();
  CHECK_FALSE(answer);
  fixture.partition().note_look(CompactionLook::due);
  fixture.run_all();
  REQUIRE(answer);
  CHECK(answer->base_offset == end);
  REQUIRE(later);
  CHECK(later->base_offset == end + 1);
}

TEST_CASE("where compaction does not come, appends go on after a second", "[hold][runner]") {
  PartitionFixture fixture(overwritten());
  fixture.partition().note_look(CompactionLook::due);
  std::optional<AppendResult> answer;
  REQUIRE(comes_to_wait(fixture, answer));
  fixture.partition().tick();
  fixture.run_all();
  CHECK_FALSE(answer);
  fixture.clock().advance_ms(AppendHold::kHoldNs / 1'000'000);
  fixture.partition().tick();
  fixture.run_all();
  REQUIRE(answer);
  CHECK(answer->error.ok());
  CHECK_FALSE(comes_to_wait(fixture, answer));
}

TEST_CASE("what waits for compaction is told when the partition closes, and no lag holds anybody up",
          "[hold][runner]") {
  PartitionConfig config = overwritten();
  config.min_compaction_lag_ms = 60'000;
  PartitionFixture lagging(config);
  lagging.partition().note_look(CompactionLook::due);
  std::optional<AppendResult> answer;
  CHECK_FALSE(comes_to_wait(lagging, answer));

  PartitionFixture fixture(overwritten());
  fixture.partition().note_look(CompactionLook::due);
  REQUIRE(comes_to_wait(fixture, answer));
  fixture.run_all();
  fixture.partition().close({Errc::shutting_down, "end"});
  fixture.run_all();
  REQUIRE(answer);
  CHECK(answer->error.code() == Errc::shutting_down);
}
