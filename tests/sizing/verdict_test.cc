#include "sizing/verdict.h"

#include "sizing/keydir_cost.h"
#include "tests/support/catch.h"

using namespace logcask::sizing;

TEST_CASE("exactly three quarters of the budget fits, a byte more is tight") {
  CHECK(verdict(0, 1000) == Verdict::fits);
  CHECK(verdict(749, 1000) == Verdict::fits);
  CHECK(verdict(750, 1000) == Verdict::fits);
  CHECK(verdict(751, 1000) == Verdict::tight);
  CHECK(verdict(192'000'000, 256'000'000) == Verdict::fits);
  CHECK(verdict(192'000'001, 256'000'000) == Verdict::tight);
  // Halves of bytes, as 44.5 a key gives them.
  CHECK(verdict(750.5, 1000) == Verdict::tight);
}

TEST_CASE("exactly the whole budget is tight, a byte more is OOM") {
  CHECK(verdict(1000, 1000) == Verdict::tight);
  CHECK(verdict(1001, 1000) == Verdict::oom);
  CHECK(verdict(1000.5, 1000) == Verdict::oom);
  CHECK(verdict(256'000'000, 256'000'000) == Verdict::tight);
  CHECK(verdict(256'000'001, 256'000'000) == Verdict::oom);
  CHECK(verdict(1, 0) == Verdict::oom);
}

TEST_CASE("the advice to use a quarter begins strictly above a quarter, and before tight") {
  CHECK_FALSE(above_quarter(250, 1000));
  CHECK(above_quarter(250.5, 1000));
  CHECK(above_quarter(251, 1000));
  CHECK(verdict(251, 1000) == Verdict::fits);
}

TEST_CASE("verdicts have one word each") {
  CHECK(verdict_text(Verdict::fits) == "FITS");
  CHECK(verdict_text(Verdict::tight) == "TIGHT");
  CHECK(verdict_text(Verdict::oom) == "OOM");
}
