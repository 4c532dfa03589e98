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
