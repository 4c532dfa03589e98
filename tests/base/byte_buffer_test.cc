#include "base/byte_buffer.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

TEST_CASE("what a byte buffer holds stays as it is while it grows, and what is cut off is written over") {
  ByteBuffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.view().empty());
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(static_cast<std::size_t>(i * i), static_cast<char>('a' + i % 26));
    if (i % 2 == 0) {
      buffer.append(piece);
    } else {
      const std::span<char> room = buffer.extend(piece.size());
      REQUIRE(room.size() == piece.size());
      std::copy(piece.begin(), piece.end(), room.begin());
    }
    expected += piece;
    if (i % 7 == 0) {
      expected.resize(expected.size() / 2);
      buffer.cut(expected.size());
    }
    REQUIRE(buffer.view() == expected);
    REQUIRE(buffer.size() == expected.size());
  }
  buffer.clear();
  CHECK(buffer.empty());
  buffer.append("again");
  CHECK(ByteView(buffer) == "again");
}

TEST_CASE("a byte buffer that has reserved room grows into it without a move") {
  ByteBuffer buffer(ByteView("front"));
  buffer.reserve(1000);
  const char* const at = buffer.view().data();
  (void)buffer.extend(995);
  CHECK(buffer.view().data() == at);
  CHECK(buffer.view().substr(0, 5) == "front");
}

}  // namespace
}  // namespace logcask
