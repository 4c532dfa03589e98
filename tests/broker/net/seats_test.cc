#include "broker/net/seats.h"

#include <utility>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

TEST_CASE("there are as many seats as connections.max, and fewer for one address", "[seats]") {
  Seats seats({3, 2});
  const auto first = seats.take("a");
  const auto second = seats.take("a");
  REQUIRE_OK(first);
  REQUIRE_OK(second);
  CHECK_FALSE(seats.take("a").ok());
  const auto other = seats.take("b");
  REQUIRE_OK(other);
  CHECK_FALSE(seats.take("c").ok());
}

TEST_CASE("who finds no seat is told which limit is reached, by its setting and number", "[seats]") {
  Seats seats({3, 2});
  const auto first = seats.take("a");
  const auto second = seats.take("a");
  const auto refused = seats.take("a");
  REQUIRE(refused.code() == Errc::limit_exceeded);
  CHECK_THAT(refused.error().message, Catch::Contains("from a as it takes: 2 (connections.max.per.address)"));
  const auto third = seats.take("b");
  const auto all = seats.take("c");
  REQUIRE(all.code() == Errc::limit_exceeded);
  CHECK_THAT(all.error().message, Catch::Contains("as it takes: 3 (connections.max)"));
}

TEST_CASE("a seat comes back when its connection ends, once", "[seats]") {
  Seats seats({2, 1});
  Seats::Seat taken = seats.take("a").value();
  {
    const Seats::Seat moved = std::move(taken);
    CHECK(moved);
    CHECK_FALSE(seats.take("a").ok());
  }
  taken = seats.take("a").value();
  CHECK(taken);
  taken = seats.take("b").value();  // gives back a's
  CHECK(taken);
  CHECK(seats.take("a").ok());
  taken = {};
  CHECK(seats.take("b").ok());
}

}  // namespace
}  // namespace logcask::testing
