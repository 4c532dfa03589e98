#include "broker/net/seats.h"

#include <utility>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

TEST_CASE("there are as many seats as connections.max, and fewer for one address", "[seats]") {
  Seats seats({3, 2});
  Seats::Seat first = seats.try_take("a");
  Seats::Seat second = seats.try_take("a");
  CHECK((first && second));
  CHECK_FALSE(seats.try_take("a"));
  const Seats::Seat other = seats.try_take("b");
  CHECK(other);
  CHECK_FALSE(seats.try_take("c"));
}

TEST_CASE("who finds no seat is told which limit is reached, by its setting and number", "[seats]") {
  Seats seats({3, 2});
  const Seats::Seat first = seats.try_take("a");
  const Seats::Seat second = seats.try_take("a");
  CHECK_FALSE(seats.try_take("a"));
  CHECK(seats.refusal("a").code == Errc::limit_exceeded);
  CHECK_THAT(seats.refusal("a").message, Catch::Contains("from a as it takes: 2 (connections.max.per.address)"));
  const Seats::Seat third = seats.try_take("b");
  CHECK_FALSE(seats.try_take("c"));
  CHECK_THAT(seats.refusal("c").message, Catch::Contains("as it takes: 3 (connections.max)"));
}

TEST_CASE("a seat comes back when its connection ends, once", "[seats]") {
  Seats seats({2, 1});
  Seats::Seat taken = seats.try_take("a");
  {
    const Seats::Seat moved = std::move(taken);
    CHECK(moved);
    CHECK_FALSE(seats.try_take("a"));
  }
  taken = seats.try_take("a");
  CHECK(taken);
  taken = seats.try_take("b");  // gives back a's
  CHECK(taken);
  CHECK(seats.try_take("a"));
  taken = {};
  CHECK(seats.try_take("b"));
}

}  // namespace
}  // namespace logcask::testing
