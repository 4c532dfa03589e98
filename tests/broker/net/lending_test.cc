#include "broker/net/lending.h"

#include <map>
#include <string>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

struct LendingFixture {
  explicit LendingFixture(std::size_t answer_bytes = 64 * kMiB) : memory(kMiB, answer_bytes) {}

  // The stream puts all it has been lent into the output, and the peer takes it.
  void use_up(std::uint64_t stream) {
    lending.sent(stream, granted[stream]);
    granted[stream] = 0;
    lending.output_taken();
  }

  WireMemory memory;
  OutQueue output{memory.answers};
  std::map<std::uint64_t, std::uint64_t> granted;
  Lending lending{output, 8 * kMiB, memory,
                  [this](std::uint64_t stream, std::uint64_t bytes) { granted[stream] += bytes; }};
};

TEST_CASE("a stream gets all of its client's credit, a loan at a time", "[lending]") {
  LendingFixture f;
  constexpr std::uint64_t kCredit = 30 * kMiB;
  std::uint64_t got = f.lending.first_loan(kCredit);
  CHECK(got == 4 * kMiB);
  f.lending.open(1, kCredit, got);
  f.granted[1] = got;
  for (int i = 0; i < 20; ++i) {
    f.use_up(1);
    CHECK(f.granted[1] <= 4 * kMiB);
    got += f.granted[1];
  }
  CHECK(got == kCredit);
  f.lending.add_credit(1, 5);
  CHECK(f.granted[1] == 5);
}

TEST_CASE("nothing more is lent while the peer takes nothing", "[lending]") {
  LendingFixture f;
  f.lending.open(1, 100 * kMiB, 4 * kMiB);
  f.lending.sent(1, 4 * kMiB);
  f.output.add(std::string(4 * kMiB, 'x'));
  f.lending.output_taken();
  f.lending.add_credit(1, kMiB);
  CHECK(f.granted.empty());
  f.output.consume(4 * kMiB);
  f.lending.output_taken();
  CHECK(f.granted[1] == 4 * kMiB);
}

TEST_CASE("nothing more is lent while memory for answers is short", "[lending]") {
  LendingFixture f(4 * kMiB);
  f.lending.open(1, 100 * kMiB, 4 * kMiB);
  f.lending.sent(1, 4 * kMiB);
  f.memory.answers.add(3 * kMiB);  // other connections'
  f.lending.output_taken();
  CHECK(f.granted.empty());
  f.memory.answers.sub(3 * kMiB);
  f.lending.output_taken();
  CHECK(f.granted[1] == 4 * kMiB);
}

TEST_CASE("streams share the output: the more there are, the less each is lent, down to a floor", "[lending]") {
  LendingFixture f;
  for (std::uint64_t stream = 0; stream < 3; ++stream) f.lending.open(stream, 100 * kMiB, 0);
  f.lending.output_taken();
  CHECK(f.granted[0] == 2 * kMiB);
  for (std::uint64_t stream = 3; stream < 1000; ++stream) f.lending.open(stream, 100 * kMiB, 0);
  CHECK(f.lending.first_loan(kMiB) == (64u << 10));
}

TEST_CASE("a stream that has ended is lent nothing", "[lending]") {
  LendingFixture f;
  f.lending.open(1, 100 * kMiB, 0);
  CHECK(f.lending.is_open(1));
  f.lending.closed(1);
  CHECK_FALSE(f.lending.is_open(1));
  f.lending.add_credit(1, kMiB);
  f.lending.sent(1, kMiB);
  f.lending.output_taken();
  CHECK(f.granted.empty());
}

}  // namespace
}  // namespace logcask::testing
