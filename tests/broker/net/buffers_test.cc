// The buffers of a connection: what goes in comes out, in order, without growing on a promise.
#include <array>
#include <cstring>

#include "base/random.h"
#include "broker/net/in_buffer.h"
#include "broker/net/out_queue.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

TEST_CASE("an out queue yields small, moved and referenced bytes in the order they came") {
  const std::uint64_t seed = testing::test_seed();
  INFO("seed " << seed);
  Random random(seed);
  OutQueue queue;
  std::string expected, got;
  for (int step = 0; step < 5000; ++step) {
    const std::string bytes(random.below(random.one_in(50) ? 100'000 : 300), static_cast<char>('a' + step % 26));
    switch (random.below(4)) {
      case 0:
        queue.small().append(bytes);
        queue.appended();
        expected += bytes;
        break;
      case 1:
        queue.add(bytes);
        expected += bytes;
        break;
      case 2: {
        const auto owner = std::make_shared<const std::string>(bytes);
        queue.add(ByteView(*owner), owner);
        expected += bytes;
        break;
      }
      default: {
        std::array<ByteView, 5> pieces;
        const std::size_t count = queue.gather(pieces);
        std::string gathered;
        for (std::size_t i = 0; i < count; ++i) gathered += pieces[i];
        const std::size_t taken = gathered.empty() ? 0 : random.below(gathered.size() + 1);
        got += gathered.substr(0, taken);
        queue.consume(taken);
      }
    }
    REQUIRE(queue.bytes() == expected.size() - got.size());
  }
  while (!queue.empty()) {
    std::array<ByteView, 64> pieces;
    const std::size_t count = queue.gather(pieces);
    REQUIRE(count > 0);
    got += pieces[0];
    queue.consume(pieces[0].size());
  }
  CHECK(got == expected);
}

TEST_CASE("an in buffer grows with what was received, not with what a frame declares") {
  InBuffer buffer;
  constexpr std::size_t kDeclared = std::size_t{1} << 30;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::span<char> room = buffer.prepare(kDeclared);
    REQUIRE(!room.empty());
    const std::size_t received = std::min<std::size_t>(room.size(), 1000);
    std::memset(room.data(), 'a' + i % 26, received);
    buffer.commit(received);
    expected.append(received, static_cast<char>('a' + i % 26));
    REQUIRE(buffer.capacity() <= std::max<std::size_t>(64u << 10, 2 * expected.size()));
  }
  CHECK(buffer.view() == expected);
  buffer.consume(10);
  CHECK(buffer.view() == ByteView(expected).substr(10));
  buffer.consume(expected.size() - 10);
  CHECK(buffer.empty());
}

}  // namespace
}  // namespace logcask
