#include "broker/threads/blocking_turn.h"

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

using namespace logcask;
using logcask::testing::ManualClock;

namespace {

// Whether the thread may block within an offer; the turn takes so long.
bool blocks(BlockingTurns& turns, std::size_t thread, ManualClock& clock, std::int64_t takes_ns = 0) {
  const BlockingTurns::Offer offer(turns, thread);
  const auto turn = BlockingTurns::Turn::take();
  clock.advance_ns(takes_ns);
  return static_cast<bool>(turn);
}

}  // namespace

TEST_CASE("connections go to the thread that has the fewest, the accepting one last", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 3);
  CHECK(turns.join() == 2);
  CHECK(turns.join() == 1);
  CHECK(turns.join() == 0);
  CHECK(turns.join() == 2);
  turns.left(1);
  CHECK(turns.join() == 1);
}

TEST_CASE("a thread may block for its only connection, never the one that accepts", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 2);
  CHECK_FALSE(blocks(turns, 1, clock));
  REQUIRE(turns.join() == 1);
  CHECK(blocks(turns, 1, clock));
  REQUIRE(turns.join() == 0);
  CHECK_FALSE(blocks(turns, 0, clock));
  REQUIRE(turns.join() == 1);
  CHECK_FALSE(blocks(turns, 1, clock));
  turns.left(1);
  CHECK(blocks(turns, 1, clock));
}

TEST_CASE("one I/O thread alone never blocks", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 1);
  REQUIRE(turns.join() == 0);
  CHECK_FALSE(blocks(turns, 0, clock));
}

TEST_CASE("one thread blocks at a time, and no connection goes where one blocks", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 3);
  REQUIRE(turns.join() == 2);
  REQUIRE(turns.join() == 1);
  const BlockingTurns::Offer offer(turns, 2);
  {
    const auto turn = BlockingTurns::Turn::take();
    REQUIRE(turn);
    bool other = true;
    std::thread([&] { other = blocks(turns, 1, clock); }).join();
    CHECK_FALSE(other);
    // All have one but the accepting thread; after that the blocking one would be next.
    CHECK(turns.join() == 0);
    CHECK(turns.join() == 0);
  }
  CHECK(turns.join() == 2);
}

TEST_CASE("of one offer comes one turn, and none without", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 2);
  REQUIRE(turns.join() == 1);
  CHECK_FALSE(BlockingTurns::Turn::take());
  {
    const BlockingTurns::Offer offer(turns, 1);
    CHECK(BlockingTurns::Turn::take());
    CHECK_FALSE(BlockingTurns::Turn::take());
  }
  CHECK_FALSE(BlockingTurns::Turn::take());
}

TEST_CASE("after a slow disk nobody blocks for a minute", "[threads]") {
  ManualClock clock;
  BlockingTurns turns(clock, 2);
  REQUIRE(turns.join() == 1);
  CHECK(blocks(turns, 1, clock, BlockingTurns::kSlowNs));
  CHECK(blocks(turns, 1, clock, BlockingTurns::kSlowNs + 1));
  clock.advance_ns(BlockingTurns::kPauseNs - 1);
  CHECK_FALSE(blocks(turns, 1, clock));
  clock.advance_ns(1);
  CHECK(blocks(turns, 1, clock));
}
