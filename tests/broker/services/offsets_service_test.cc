#include "broker/services/offsets_service.h"

#include <optional>

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

void put_at(ServiceFixture& f, std::int64_t time) {
  bool taken = false;
  f.partition("t").start_batch(make_batch({{"k", "v", {}}}, {}, TimestampMs(time)), Acks::all,
                               [&](const AppendResult& result) { taken = result.error.ok(); });
  f.run();
  REQUIRE(taken);
}

OffsetAnswer newest(ServiceFixture& f) {
  const auto answer = f.offsets.find(f.principal, {"t", PartitionId(0), kNewestTimestamp});
  REQUIRE_OK(answer);
  return *answer;
}

TEST_CASE("the newest record by time is found wherever it stands, whatever the times are", "[offsets]") {
  ServiceFixture f;
  f.create("t");
  CHECK(newest(f).offset == kNoOffset);
  std::int64_t highest = INT64_MIN;
  std::int64_t at = -1, count = 0;
  for (const std::int64_t time :
       std::initializer_list<std::int64_t>{-5'000'000'000'000, -3, -3, 0, -1, 1, 1'700'000'000'000, 1'600'000'000'000,
                                           4'000'000'000'000'000'000, 3'999'999'999'999'999'999}) {
    put_at(f, time);
    if (time > highest) {
      highest = time;
      at = count;
    }
    ++count;
    INFO("after " << time);
    CHECK(newest(f).offset == Offset(at));
    CHECK(newest(f).timestamp == TimestampMs(highest));
  }
}

TEST_CASE("who asks for the end after acks=1 gets the end behind it, once it is on disk", "[offsets]") {
  ServiceFixture f;
  f.create("t");
  const std::vector<OffsetQuery> latest{{"t", PartitionId(0), kLatestTimestamp}};
  const auto end = [&] {
    const auto answer = f.offsets.find(f.principal, latest[0]);
    REQUIRE_OK(answer);
    return answer->offset;
  };
  CHECK(f.offsets.not_shown_yet(f.principal, latest).empty());
  std::optional<AppendResult> answer;
  f.partition("t").start_append({{"k", "v", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  REQUIRE(end() == Offset(0));
  CHECK(f.offsets.not_shown_yet(f.principal, {{"t", PartitionId(0), kEarliestTimestamp}}).empty());
  REQUIRE(f.offsets.not_shown_yet(f.principal, latest).size() == 1);
  REQUIRE(f.offsets.not_shown_yet(f.principal, {{"t", PartitionId(0), 0}}).size() == 1);
  int ready = 0;
  const auto open = f.offsets.when_shown(f.context(), latest, [&] { ++ready; });
  while (f.turn_loop()) {
  }
  CHECK(ready == 0);
  f.run();
  CHECK(ready == 1);
  CHECK(end() == Offset(1));
  f.loop.advance_ms(OffsetsService::kShowWaitMs);
  f.run();
  CHECK(ready == 1);
}

TEST_CASE("who asks for the end of a topic that shows what is written gets that end, and does not wait", "[offsets]") {
  ServiceFixture f;
  REQUIRE_OK(f.topics.create("t", 1, {{"read.visibility", "written"}}, false));
  std::optional<AppendResult> answer;
  f.partition("t").start_append({{"k", "v", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  REQUIRE(f.partition("t").partition().marks().committed_end == Offset(0));
  const std::vector<OffsetQuery> latest{{"t", PartitionId(0), kLatestTimestamp}};
  CHECK(f.offsets.not_shown_yet(f.principal, latest).empty());
  const auto end = f.offsets.find(f.principal, latest[0]);
  REQUIRE_OK(end);
  CHECK(end->offset == Offset(1));
  const auto epoch = f.offsets.end_of_epoch(f.principal, "t", PartitionId(0), end->leader_epoch);
  REQUIRE_OK(epoch);
  CHECK(epoch->end == Offset(1));
}

TEST_CASE("who asks for the end does not wait for a disk that stands still, nor after its connection has ended",
          "[offsets]") {
  ServiceFixture f;
  f.create("t");
  const std::vector<OffsetQuery> latest{{"t", PartitionId(0), kLatestTimestamp}};
  std::optional<AppendResult> answer;
  f.partition("t").start_append({{"k", "v", {}}}, Acks::one, answer);
  int ready = 0;
  const auto late = f.offsets.when_shown(f.context(), latest, [&] { ++ready; });
  f.loop.advance_ms(OffsetsService::kShowWaitMs);
  CHECK(ready == 1);
  const auto cancelled = f.offsets.when_shown(f.context(), latest, [&] { ++ready; });
  cancelled->cancel(Error{Errc::cancelled, "the connection has ended"});
  CHECK(ready == 2);
  f.run();
  CHECK(ready == 2);
}

TEST_CASE("an epoch ends where the records of a newer one begin", "[offsets]") {
  ServiceFixture f;
  f.create("t");
  const auto end_of = [&](std::int32_t epoch) {
    const auto end = f.offsets.end_of_epoch(f.principal, "t", PartitionId(0), LeaderEpoch(epoch));
    REQUIRE_OK(end);
    return std::pair(end->epoch.value(), end->end.value());
  };
  const auto epoch_now = [&] { return f.partition("t").partition().marks().leader_epoch.value(); };
  std::vector<std::int64_t> begins;  // of each epoch
  for (int round = 0; round < 3; ++round) {
    begins.push_back(f.partition("t").partition().marks().next_offset.value());
    put_at(f, 1);
    put_at(f, 1);
    // Its log ends in bytes that are no batch, as after a crash.
    PartitionFixture& partition = f.partition("t");
    std::string log;
    for (const std::string& path : partition.disk().paths())
      if (path.ends_with(".log")) log = path;
    partition.partition().quarantine("test");
    partition.disk().set_content(log, *partition.disk().content(log) + std::string(30, 'r'));
    REQUIRE_OK(partition.partition().reopen());
    f.run();
    REQUIRE(epoch_now() == round + 1);
  }
  begins.push_back(f.partition("t").partition().marks().next_offset.value());
  for (int epoch = 0; epoch < 3; ++epoch) CHECK(end_of(epoch) == std::pair(epoch, begins[epoch + 1]));
  put_at(f, 1);
  CHECK(end_of(3) == std::pair(3, begins[3] + 1));
  CHECK(end_of(4) == std::pair(-1, std::int64_t{-1}));
  CHECK(end_of(-1) == std::pair(-1, std::int64_t{-1}));
}

}  // namespace
}  // namespace logcask::testing
