#include "cli/latency_histogram.h"
#include "tests/support/catch.h"

using logcask::cli::LatencyHistogram;

TEST_CASE("percentiles are within a bucket of the truth and never above the greatest value") {
  LatencyHistogram histogram;
  for (std::uint64_t i = 1; i <= 100000; ++i) histogram.add(i);
  for (const double share : {0.001, 0.5, 0.95, 0.99, 0.999, 1.0}) {
    const double wanted = share * 100000;
    const auto got = static_cast<double>(histogram.percentile(share));
    INFO(share << ": " << got);
    CHECK(got >= wanted);
    CHECK(got <= wanted * 1.04 + 1);
  }
  CHECK(histogram.percentile(1.0) == 100000);
  CHECK(histogram.max() == 100000);
}

TEST_CASE("an empty histogram has no percentile, a merged one has both halves") {
  LatencyHistogram one, other;
  CHECK(one.percentile(0.5) == 0);
  one.add(7);
  other.add(UINT64_MAX);
  one.merge(other);
  CHECK(one.count() == 2);
  CHECK(one.percentile(0.5) == 7);
  CHECK(one.percentile(1.0) == UINT64_MAX);
}
