#include "partition/segment_stats.h"

#include "tests/support/catch.h"

using namespace logcask;

namespace {

SegmentStatsTable three() {
  SegmentStatsTable table;
  table.add({Offset(10), 5, 0, 0, 0, 0});
  table.add({Offset(20), 5, 0, 0, 0, 0});
  table.add({Offset(40), 5, 0, 0, 0, 0});
  return table;
}

RaiseOutcome inserted() { return {RaiseResult::inserted, {}}; }
RaiseOutcome raised(std::int64_t previous, bool deleted = false) {
  return {RaiseResult::raised, {Offset(previous), deleted}};
}

}  // namespace

TEST_CASE("an offset belongs to the segment whose base it follows", "[stats]") {
  SegmentStatsTable table = three();
  CHECK(table.find(Offset(9)) == nullptr);
  CHECK(table.find(Offset(10))->base == Offset(10));
  CHECK(table.find(Offset(39))->base == Offset(20));
  CHECK(table.find(Offset(1000))->base == Offset(40));
}

TEST_CASE("live counts follow the keydir", "[stats]") {
  SegmentStatsTable table = three();
  table.on_raise(Offset(12), false, inserted());
  table.on_raise(Offset(21), true, inserted());
  CHECK(table.all()[0].live_values == 1);
  CHECK(table.all()[1].live_tombstones == 1);
  table.on_raise(Offset(41), true, raised(12));
  CHECK(table.all()[0].live() == 0);
  CHECK(table.all()[0].dead() == 5);
  CHECK(table.all()[2].live_tombstones == 1);
  table.on_raise(Offset(42), false, raised(21, true));
  CHECK(table.all()[1].live() == 0);
  // A stale record changes nothing.
  table.on_raise(Offset(11), false, {RaiseResult::stale, {Offset(42), false}});
  CHECK(table.all()[0].live() == 0);
  table.on_remove({Offset(42), false});
  CHECK(table.all()[2].live_values == 0);
  // Below the first segment nobody counts.
  table.on_raise(Offset(44), false, raised(3));
  table.on_remove({Offset(3), false});
  CHECK(table.all()[2].live_values == 1);
}

TEST_CASE("what is superseded behind a rewrite's probes is remembered", "[stats]") {
  SegmentStatsTable table = three();
  for (const std::int64_t offset : {11, 12, 13, 21}) table.on_raise(Offset(offset), false, inserted());
  table.begin_rewrite(Offset(10), Offset(40));
  table.on_raise(Offset(41), false, raised(11));  // not probed yet: the rewrite will see it
  table.rewrite_probed(Offset(13));
  table.on_raise(Offset(42), false, raised(12));  // probed: the rewrite has counted it
  table.on_raise(Offset(43), false, raised(13));  // not probed
  table.rewrite_probed(Offset(40));
  table.on_remove({Offset(21), false});
  const auto superseded = table.end_rewrite();
  CHECK(superseded == std::vector<KeydirEntry>{{Offset(12), false}, {Offset(21), false}});
  CHECK_FALSE(table.rewriting());
}

TEST_CASE("segments are swapped by the range of their bases", "[stats]") {
  SegmentStatsTable table = three();
  table.replace(Offset(10), Offset(40), {{Offset(10), 3, 0, 3, 0, 0}});
  REQUIRE(table.all().size() == 2);
  CHECK(table.find(Offset(25))->records == 3);
  table.replace(Offset(10), Offset(40), {});
  REQUIRE(table.all().size() == 1);
  CHECK(table.find(Offset(25)) == nullptr);
  table.replace(Offset(0), Offset(40), {{Offset(5), 1, 0, 0, 0, 0}, {Offset(8), 2, 0, 0, 0, 0}});
  CHECK(table.find(Offset(8))->records == 2);
}
