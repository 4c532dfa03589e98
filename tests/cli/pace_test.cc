#include "cli/pace.h"

#include "tests/support/catch.h"

using namespace logcask::cli;
using namespace std::chrono_literals;

TEST_CASE("a pace waits until so many records are due, and never without one") {
  const Pace::Clock::time_point start{};
  const Pace slow(100, start);
  CHECK(slow.wait_after(50, start) == 500ms);
  CHECK(slow.wait_after(50, start + 200ms) == 300ms);
  CHECK(slow.wait_after(50, start + 700ms) == 0ms);
  CHECK(Pace(std::nullopt, start).wait_after(1000000, start) == 0ms);
}
