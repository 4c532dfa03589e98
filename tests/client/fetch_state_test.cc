#include "client/fetch_state.h"

#include "tests/support/catch.h"

namespace logcask::client {
namespace {

using OutOfRange = ConsumerOptions::OutOfRange;
constexpr PartitionId kFetchedPartition{0};

FetchedPart part_with(Offset next, ByteView bytes, Offset end, Offset horizon = Offset(0)) {
  FetchedPart part;
  part.next_fetch_offset = next;
  part.bytes = bytes;
  part.committed_end = end;
  part.log_start = Offset(0);
  part.tombstone_horizon = horizon;
  return part;
}

FetchedPart part_failing(Errc code, Offset log_start = Offset(0)) {
  FetchedPart part;
  part.error = {code, "test"};
  part.log_start = log_start;
  part.committed_end = Offset(50);
  return part;
}

TEST_CASE("A fetch goes on where the last answer says, over holes too") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(5), true);
  const auto question = state.questions().at(0);
  CHECK(question.offset == Offset(5));
  CHECK(state.answered(question, part_with(Offset(40), {}, Offset(50)), nullptr));
  CHECK(state.questions().at(0).offset == Offset(40));
  CHECK(state.position(kFetchedPartition) == Offset(5));  // until it is polled
  const auto item = state.pop();
  REQUIRE(item.has_value());
  CHECK(item->next == Offset(40));
}

TEST_CASE("What was fetched before a seek is dropped, queued or still under way") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), true);
  const auto first = state.questions().at(0);
  CHECK(state.answered(first, part_with(Offset(10), "0123456789", Offset(50)), nullptr));
  CHECK(state.queued_bytes() == 10);
  const auto second = state.questions().at(0);
  CHECK(state.seek(kFetchedPartition, Offset(3)));
  CHECK(state.queued_bytes() == 0);
  CHECK_FALSE(state.answered(second, part_with(Offset(20), "x", Offset(50)), nullptr));
  CHECK(state.empty());
  CHECK(state.questions().at(0).offset == Offset(3));
  CHECK_FALSE(state.seek(PartitionId(9), Offset(0)));
}

TEST_CASE("What was fetched of an earlier share is dropped, of a partition that comes back, too") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), true);
  CHECK(state.answered(state.questions().at(0), part_with(Offset(10), "0123456789", Offset(50)), nullptr));
  const auto under_way = state.questions().at(0);
  state.assign({});
  CHECK(state.empty());
  CHECK(state.queued_bytes() == 0);
  CHECK(state.questions().empty());
  CHECK(state.position(kFetchedPartition) == kNoOffset);
  state.assign({kFetchedPartition, PartitionId(1)});
  state.start_at(kFetchedPartition, Offset(7), false);
  state.start_at(PartitionId(1), Offset(3), false);
  CHECK_FALSE(state.answered(under_way, part_with(Offset(20), "x", Offset(50)), nullptr));
  CHECK(state.empty());
  CHECK(state.position(kFetchedPartition) == Offset(7));
  CHECK(state.questions().size() == 2);
}

TEST_CASE("An error stops its partition only, and a seek starts it again") {
  FetchState state({kFetchedPartition, PartitionId(1)}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), true);
  state.start_at(PartitionId(1), Offset(0), true);
  for (const auto& question : state.questions())
    if (question.partition == kFetchedPartition)
      CHECK(state.answered(question, part_failing(Errc::corrupt_range), nullptr));
  REQUIRE(state.questions().size() == 1);
  CHECK(state.questions().at(0).partition == PartitionId(1));
  CHECK(state.pop()->error.code == Errc::corrupt_range);
  CHECK(state.seek(kFetchedPartition, Offset(7)));
  CHECK(state.questions().size() == 2);
}

TEST_CASE("Retriable errors stay inside") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  CHECK_FALSE(state.answered(state.questions().at(0), part_failing(Errc::loading), nullptr));
  CHECK(state.empty());
  CHECK(state.questions().size() == 1);
}

TEST_CASE("A position that has left the log fails or moves, as told") {
  const auto moved = [](OutOfRange policy) {
    FetchState state({kFetchedPartition}, policy);
    state.start_at(kFetchedPartition, Offset(3), false);
    state.answered(state.questions().at(0), part_failing(Errc::offset_out_of_range, Offset(20)), nullptr);
    return state.questions().empty() ? kNoOffset : state.questions().at(0).offset;
  };
  CHECK(moved(OutOfRange::fail) == kNoOffset);
  CHECK(moved(OutOfRange::earliest) == Offset(20));
  CHECK(moved(OutOfRange::latest) == Offset(50));
}

TEST_CASE("Who reads everything is warned only when the horizon passes on the way") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), true);
  CHECK(state.answered(state.questions().at(0), part_with(Offset(10), "x", Offset(90), Offset(40)), nullptr));
  CHECK_FALSE(state.pop()->behind_horizon);  // the horizon lay there from the start
  CHECK(state.answered(state.questions().at(0), part_with(Offset(20), "x", Offset(90), Offset(60)), nullptr));
  CHECK(state.pop()->behind_horizon);
  CHECK(state.answered(state.questions().at(0), part_with(Offset(30), "x", Offset(90), Offset(60)), nullptr));
  CHECK_FALSE(state.pop()->behind_horizon);  // told once
}

TEST_CASE("Who resumes below the horizon is warned at once, who resumes at it is not") {
  const auto warned = [](std::int64_t from) {
    FetchState state({kFetchedPartition}, OutOfRange::fail);
    state.start_at(kFetchedPartition, Offset(from), false);
    state.answered(state.questions().at(0), part_with(Offset(from + 1), "x", Offset(90), Offset(40)), nullptr);
    return state.pop()->behind_horizon;
  };
  CHECK(warned(39));
  CHECK_FALSE(warned(40));
}

TEST_CASE("The end is known per partition and reached by polling") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), true);
  CHECK_FALSE(state.at_end());
  CHECK_FALSE(state.all_ends_known());
  state.answered(state.questions().at(0), part_with(Offset(2), "x", Offset(2)), nullptr);
  CHECK(state.all_ends_known());
  CHECK_FALSE(state.at_end());
  state.set_position(kFetchedPartition, Offset(2), kNoRun);
  CHECK(state.at_end());
}

TEST_CASE("A fetch goes on with the run that came with its position, and a seek forgets it") {
  FetchState state({kFetchedPartition}, OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(5), false, RunId(4));
  CHECK(state.questions().at(0).run == RunId(4));
  CHECK(state.run(kFetchedPartition) == RunId(4));
  FetchedPart part = part_with(Offset(9), "xx", Offset(50));
  part.run = RunId(6);
  CHECK(state.answered(state.questions().at(0), part, nullptr));
  CHECK(state.questions().at(0).run == RunId(6));
  CHECK(state.run(kFetchedPartition) == RunId(4));  // until it is polled
  CHECK(state.pop()->run == RunId(6));
  state.seek(kFetchedPartition, Offset(3));
  CHECK(state.questions().at(0).run == kNoRun);
}

TEST_CASE("Another log is told like a position out of range, and begun at the same offset, too") {
  const bool may_begin_anew = GENERATE(true, false);
  FetchState state({kFetchedPartition}, may_begin_anew ? OutOfRange::earliest : OutOfRange::fail);
  state.start_at(kFetchedPartition, Offset(0), false, RunId(4));
  CHECK(state.answered(state.questions().at(0), part_failing(Errc::topic_changed), nullptr));
  const auto item = state.pop();
  REQUIRE(item.has_value());
  CHECK((item->error.code == Errc::topic_changed) == !may_begin_anew);
  REQUIRE(state.questions().size() == (may_begin_anew ? 1 : 0));
  if (may_begin_anew) CHECK(state.questions().at(0).run == kNoRun);
}

TEST_CASE("Who goes on in another log is warned of that one's horizon, wherever the old one lay") {
  FetchState state({kFetchedPartition}, OutOfRange::earliest);
  state.start_at(kFetchedPartition, Offset(0), true, RunId(4));
  CHECK(state.answered(state.questions().at(0), part_with(Offset(80), "x", Offset(90), Offset(70)), nullptr));
  CHECK(state.answered(state.questions().at(0), part_failing(Errc::topic_changed), nullptr));
  state.pop();
  state.pop();
  CHECK(state.answered(state.questions().at(0), part_with(Offset(10), "x", Offset(50), Offset(5)), nullptr));
  CHECK_FALSE(state.pop()->behind_horizon);  // the horizon lay there from the start
  CHECK(state.answered(state.questions().at(0), part_with(Offset(12), "x", Offset(50), Offset(40)), nullptr));
  CHECK(state.pop()->behind_horizon);
}

}  // namespace
}  // namespace logcask::client
