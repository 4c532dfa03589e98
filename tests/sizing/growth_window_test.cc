#include "sizing/growth_window.h"

#include "tests/support/catch.h"

namespace logcask::sizing {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

TEST_CASE("growth is not known before half a minute of it was seen") {
  GrowthWindow window;
  CHECK_FALSE(window.per_hour(0, 5).has_value());
  window.add(1'000, 5);
  CHECK_FALSE(window.per_hour(30'999, 5).has_value());
  CHECK(window.per_hour(31'000, 5) == 0.0);
  CHECK(window.per_hour(61'000, 65) == Approx(3'600));
  CHECK(window.per_hour(61'000, 4) == Approx(-60));
}

TEST_CASE("steady growth has one rate, whatever the window has thinned out") {
  GrowthWindow window;
  for (std::int64_t at = 0; at < 3 * GrowthWindow::kSpanMs; at += 1'000) {
    const auto value = static_cast<std::uint64_t>(7 * at / 1'000);
    window.add(at, value);
    if (at >= GrowthWindow::kShortestMs) REQUIRE(*window.per_hour(at, value) == Approx(7 * 3'600));
  }
}

TEST_CASE("growth is that of the last hour, not of the hours before") {
  GrowthWindow window;
  std::uint64_t value = 0;
  std::int64_t at = 0;
  for (; at < 2 * GrowthWindow::kSpanMs; at += 1'000) window.add(at, value += 1'000);
  for (const std::int64_t quiet_since = at; at < quiet_since + GrowthWindow::kSpanMs + 5 * kMinuteMs; at += 1'000)
    window.add(at, value);
  CHECK(*window.per_hour(at, value) == 0.0);
  // Nor is it that of the last minutes alone.
  for (const std::int64_t since = at; at < since + 6 * kMinuteMs; at += 1'000) window.add(at, value += 1'000);
  CHECK(*window.per_hour(at, value) < 3'600'000.0 / 5);
  CHECK(*window.per_hour(at, value) > 3'600'000.0 / 15);
}

TEST_CASE("time until a limit") {
  CHECK(*seconds_until(100, 200, 3'600) == Approx(100));
  CHECK(*seconds_until(200, 200, 3'600) == 0.0);
  CHECK(*seconds_until(201, 200, -1) == 0.0);
  CHECK_FALSE(seconds_until(100, 200, 0).has_value());
  CHECK_FALSE(seconds_until(100, 200, -5).has_value());
}

}  // namespace
}  // namespace logcask::sizing
