#include "partition/keydir_budget.h"

#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace logcask {
namespace {

TEST_CASE("a budget takes reservations up to its limit and not one more") {
  KeydirBudget budget(10 * kKeydirBytesPerEntry);
  CHECK(budget.limit_entries() == 10);
  CHECK(budget.try_reserve(7));
  CHECK_FALSE(budget.try_reserve(4));
  CHECK(budget.used_entries() == 7);
  CHECK(budget.try_reserve(3));
  CHECK_FALSE(budget.try_reserve(1));
  CHECK(budget.try_reserve(0));
  budget.release(1);
  CHECK(budget.try_reserve(1));
}

TEST_CASE("a topic's reservation needs room in the broker's budget too") {
  KeydirBudget broker(10 * kKeydirBytesPerEntry);
  KeydirBudget first(8 * kKeydirBytesPerEntry, &broker);
  KeydirBudget second(KeydirBudget::kUnlimited, &broker);
  CHECK(first.try_reserve(8));
  CHECK_FALSE(second.try_reserve(3));
  CHECK(second.used_entries() == 0);
  CHECK(second.try_reserve(2));
  CHECK(broker.used_entries() == 10);
  first.release(5);
  CHECK(broker.used_entries() == 5);
  CHECK(broker.used_bytes() == 5 * kKeydirBytesPerEntry);
}

TEST_CASE("existing data is counted past the limit and then nothing new is taken") {
  KeydirBudget broker;
  KeydirBudget topic(2 * kKeydirBytesPerEntry, &broker);
  topic.charge(5);
  CHECK(topic.used_entries() == 5);
  CHECK(broker.used_entries() == 5);
  CHECK_FALSE(topic.try_reserve(1));
  topic.set_limit_bytes(6 * kKeydirBytesPerEntry);
  CHECK(topic.try_reserve(1));
  CHECK_FALSE(topic.try_reserve(1));
}

TEST_CASE("an unlimited budget stays unlimited") {
  KeydirBudget budget;
  CHECK(budget.limit_bytes() == KeydirBudget::kUnlimited);
  CHECK(budget.try_reserve(std::uint64_t{1} << 40));
}

TEST_CASE("threads that race for the last entries never get more than there are") {
  KeydirBudget broker(1000 * kKeydirBytesPerEntry);
  std::vector<std::thread> threads;
  std::atomic<int> served{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      KeydirBudget topic(KeydirBudget::kUnlimited, &broker);
      for (int i = 0; i < 1000; ++i) served += topic.try_reserve(1) ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(served <= 1000);
  CHECK(broker.used_entries() == static_cast<std::uint64_t>(served));
}

}  // namespace
}  // namespace logcask
