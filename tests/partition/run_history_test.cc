#include "partition/run_history.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

RunHistory history(std::vector<RunStart> runs) {
  RunHistory made;
  for (const RunStart& run : runs) made.add(run);
  return made;
}

TEST_CASE("a position carries the run that wrote the record before it", "[runs]") {
  const RunHistory runs = history({{RunId(1), Offset(0)}, {RunId(2), Offset(10)}, {RunId(3), Offset(25)}});
  CHECK(runs.of(Offset(0)) == RunId(1));
  CHECK(runs.of(Offset(10)) == RunId(1));
  CHECK(runs.of(Offset(11)) == RunId(2));
  CHECK(runs.of(Offset(25)) == RunId(2));
  CHECK(runs.of(Offset(1000)) == RunId(3));
  CHECK(RunHistory().of(Offset(5)) == kNoRun);
}

TEST_CASE("a run that the history does not know, or that ended before the position, is another log", "[runs]") {
  const RunHistory runs = history({{RunId(1), Offset(0)}, {RunId(2), Offset(10)}});
  CHECK(runs.check(RunId(1), Offset(10), Offset(30)).ok());
  CHECK(runs.check(RunId(1), Offset(11), Offset(30)).code() == Errc::topic_changed);
  CHECK(runs.check(RunId(2), Offset(30), Offset(30)).ok());
  CHECK(runs.check(RunId(2), Offset(31), Offset(30)).code() == Errc::topic_changed);
  CHECK(runs.check(RunId(9), Offset(0), Offset(30)).code() == Errc::topic_changed);
  CHECK(runs.check(kNoRun, Offset(99), Offset(30)).ok());
}

TEST_CASE("restarts that write nothing take no place in the history, and the first run stays", "[runs]") {
  RunHistory runs = history({{RunId(1), Offset(0)}});
  for (std::uint64_t id = 2; id < 1000; ++id) runs.add({RunId(id), Offset(0)});
  REQUIRE(runs.runs().size() == 2);
  CHECK(runs.check(RunId(1), Offset(0), Offset(0)).ok());
  CHECK(runs.of(Offset(1)) == RunId(999));
  runs.add({RunId(999), Offset(7)});
  CHECK(runs.runs().size() == 2);
}

TEST_CASE("the history is bounded, and what has left it is another log to a reader", "[runs]") {
  RunHistory runs;
  for (std::uint64_t id = 1; id <= 500; ++id) runs.add({RunId(id), Offset(static_cast<std::int64_t>(id) * 10)});
  CHECK(runs.runs().size() == RunHistory::kMost);
  CHECK(runs.check(RunId(500), Offset(5001), Offset(6000)).ok());
  CHECK(runs.check(RunId(1), Offset(11), Offset(6000)).code() == Errc::topic_changed);
}

}  // namespace
}  // namespace logcask
