// Bytes shared by many: never more than there are, served in turn, given back by whoever ends.
#include "broker/net/memory_share.h"

#include <memory>
#include <thread>
#include <vector>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

TEST_CASE("a share gives what it has, and in turn") {
  MemoryShare share(100);
  auto a = share.try_take(60);
  CHECK(a);
  CHECK(!share.try_take(41));
  std::vector<int> order;
  std::vector<MemoryShare::Lease> leases;
  std::uint64_t first = 0, second = 0, third = 0;
  const auto note = [&](int who) {
    return [&, who](MemoryShare::Lease lease) {
      order.push_back(who);
      leases.push_back(std::move(lease));
    };
  };
  CHECK(!share.take_or_wait(50, note(1), first));
  CHECK(!share.take_or_wait(30, note(2), second));
  CHECK(!share.take_or_wait(30, note(3), third));
  // There would be room, but others came first.
  CHECK(!share.try_take(10));
  share.leave(second);
  a = {};
  CHECK(order == std::vector<int>{1, 3});
  CHECK(share.used() == 80);
  leases.clear();
  CHECK(share.used() == 0);
  CHECK(share.waiting() == 0);
}

TEST_CASE("what is larger than a share gets through alone") {
  MemoryShare share(100);
  auto huge = share.try_take(1000);
  CHECK(huge);
  CHECK(!share.try_take(1));
  huge = {};
  auto small = share.try_take(1);
  CHECK(!share.try_take(1000));
}

TEST_CASE("many threads never hold more than the share, and all are served") {
  const std::uint64_t seed = testing::test_seed();
  INFO("seed " << seed);
  constexpr std::size_t kLimit = 1000;
  MemoryShare share(kLimit);
  std::atomic<int> granted{0};
  std::atomic<bool> over{false};
  int wanted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    wanted += 2000;
    threads.emplace_back([&, t] {
      Random random(seed + static_cast<std::uint64_t>(t));
      for (int i = 0; i < 2000; ++i) {
        auto arrived = std::make_shared<std::atomic<bool>>(false);
        auto held = std::make_shared<MemoryShare::Lease>();
        std::uint64_t place = 0;
        auto lease = share.take_or_wait(
            1 + random.below(kLimit),
            [arrived, held](MemoryShare::Lease got) {
              *held = std::move(got);
              *arrived = true;
            },
            place);
        if (!lease)
          while (!*arrived) std::this_thread::yield();
        if (share.used() > kLimit) over = true;
        ++granted;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(!over);
  CHECK(granted == wanted);
  CHECK(share.used() == 0);
}

}  // namespace
}  // namespace logcask
