#include "broker/metrics.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

TEST_CASE("a quantile of the histogram is at most an eighth above the true value") {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{8}, std::uint64_t{999},
                                    std::uint64_t{123'456}, std::uint64_t{40'000'000'000}}) {
    Histogram histogram;
    histogram.record(value);
    CAPTURE(value);
    CHECK(histogram.quantile_ns(0.5) >= value);
    CHECK(histogram.quantile_ns(0.5) <= value + value / 8);
  }
  Histogram histogram;
  for (std::uint64_t i = 1; i <= 1000; ++i) histogram.record(i * 1000);
  CHECK(histogram.count() == 1000);
  CHECK(histogram.quantile_ns(0.5) >= 500'000);
  CHECK(histogram.quantile_ns(0.5) <= 563'000);
  CHECK(histogram.quantile_ns(0.99) >= 990'000);
  histogram.record(UINT64_MAX);
  CHECK(histogram.count() == 1001);
}

TEST_CASE("finished requests show up under their service's name") {
  Metrics metrics;
  metrics.service(ServiceName::lookup).finished(1000, 3000, true);
  metrics.service(ServiceName::lookup).finished(1000, 3000, false);
  bool seen = false;
  for (const auto& [name, value] : metrics.list()) {
    if (name == "lookup.requests") CHECK(value == 2);
    if (name == "lookup.errors") CHECK(value == 1);
    if (name == "lookup.p50_us") {
      seen = true;
      CHECK(value >= 2);
      CHECK(value < 2.3);
    }
  }
  CHECK(seen);
}

}  // namespace
}  // namespace logcask
