#include "base/coding.h"

#include <limits>

#include "base/random.h"
#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("fixed numbers are big-endian", "[base]") {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(std::int32_t{0x01020304});
  writer.fixed(std::int16_t{-2});
  CHECK(out == std::string("\x01\x02\x03\x04\xff\xfe", 6));
  ByteReader reader(out);
  CHECK(reader.fixed<std::int32_t>() == 0x01020304);
  CHECK(reader.fixed<std::int16_t>() == -2);
  CHECK(reader.at_end());
}

TEST_CASE("varlong survives the round trip at the edges", "[base]") {
  Random random(7);
  std::vector<std::int64_t> values = {
      0, -1, 1, 63, 64, -64, -65, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<std::int64_t>(random.next() >> random.below(64)));
  for (const std::int64_t value : values) {
    std::string out;
    ByteWriter(out).varlong(value);
    ByteReader reader(out);
    CHECK(reader.varlong() == value);
    CHECK(reader.at_end());
  }
}

TEST_CASE("a varint longer than five bytes or out of range fails", "[base]") {
  ByteReader six_bytes(std::string_view("\x80\x80\x80\x80\x80\x00", 6));
  six_bytes.varint();
  CHECK_FALSE(six_bytes.ok());

  std::string big;
  ByteWriter(big).varlong(std::int64_t{1} << 40);
  ByteReader too_big(big);
  too_big.varint();
  CHECK_FALSE(too_big.ok());

  ByteReader endless(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11));
  endless.varlong();
  CHECK_FALSE(endless.ok());
}

TEST_CASE("a reader that ran out of bytes stays failed and yields nothing", "[base]") {
  ByteReader reader("abc");
  CHECK(reader.fixed<std::int32_t>() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.bytes(1).empty());
  CHECK(reader.remaining() == 0);
}

TEST_CASE("short strings carry their length and refuse null", "[base]") {
  std::string out;
  ByteWriter(out).short_string("topic");
  ByteReader reader(out);
  CHECK(reader.short_string() == "topic");
  ByteReader null_string(std::string_view("\xff\xff", 2));
  null_string.short_string();
  CHECK_FALSE(null_string.ok());
}
