#include "base/types.h"

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("offsets add and subtract as positions", "[base]") {
  CHECK(Offset(5) + 3 == Offset(8));
  CHECK(Offset(8) - Offset(5) == 3);
  CHECK(Offset(5) < Offset(6));
}

TEST_CASE("topic ids round-trip through hex", "[base]") {
  TopicId id;
  id.bytes[0] = 0xab;
  id.bytes[15] = 1;
  TopicId back;
  REQUIRE(TopicId::from_hex(id.to_hex(), back));
  CHECK(back == id);
  CHECK_FALSE(TopicId::from_hex("xyz", back));
  CHECK_FALSE(TopicId::from_hex(std::string(32, 'g'), back));
}
