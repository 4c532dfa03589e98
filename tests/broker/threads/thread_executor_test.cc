#include "broker/threads/thread_executor.h"

#include <atomic>
#include <future>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

using namespace logcask;
using logcask::testing::ManualClock;

namespace {

// Returns once what was posted before has been taken and everything due has been promoted.
void settle(ThreadExecutor& executor) {
  std::promise<void> reached;
  executor.post([&] { reached.set_value(); });
  reached.get_future().wait();
}

}  // namespace

TEST_CASE("every task runs once, one thread's in the order they were posted", "[executor]") {
  ManualClock clock;
  std::vector<int> order;
  {
    ThreadExecutor executor("one", 1, clock);
    for (int i = 0; i < 1000; ++i) executor.post([&order, i] { order.push_back(i); });
    executor.stop();  // runs what is queued
  }
  REQUIRE(order.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("tasks run at once on as many threads as there are", "[executor]") {
  ManualClock clock;
  ThreadExecutor executor("three", 3, clock);
  std::promise<void> gate;
  const auto open = gate.get_future().share();
  std::atomic<int> inside{0};
  std::promise<void> all_inside;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 3; ++i)
    executor.post([&, open] {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      if (++inside == 3) all_inside.set_value();
      open.wait();
    });
  // With fewer threads this would not come.
  CHECK(all_inside.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
  gate.set_value();
  executor.stop();
  CHECK(threads.size() == 3);
  CHECK_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_CASE("what is due later runs when its time has come, the soonest first, in the order posted when equal",
          "[executor]") {
  ManualClock clock;
  ThreadExecutor executor("later", 1, clock);
  std::vector<std::string> order;
  const auto note = [&order](const char* name) { return [&order, name] { order.emplace_back(name); }; };
  executor.post_after(300, note("300"));
  executor.post_after(100, note("100 a"));
  executor.post_after(200, note("200"));
  executor.post_after(100, note("100 b"));
  settle(executor);
  CHECK(order.empty());
  clock.advance_ms(99);
  settle(executor);
  CHECK(order.empty());
  clock.advance_ms(1);
  settle(executor);
  settle(executor);  // what was promoted stands behind the first
  CHECK(order == std::vector<std::string>{"100 a", "100 b"});
  clock.advance_ms(200);
  settle(executor);
  settle(executor);
  CHECK(order == std::vector<std::string>{"100 a", "100 b", "200", "300"});
}

TEST_CASE("a sooner task wakes a thread that sleeps until a later one", "[executor]") {
  ThreadExecutor executor("sooner", 1, system_clock());
  std::promise<void> ran;
  executor.post_after(3'600'000, [] {});
  executor.post_after(1, [&] { ran.set_value(); });
  CHECK(ran.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
}

TEST_CASE("a stop runs what is queued and due, drops what is later, and takes nothing any more", "[executor]") {
  ManualClock clock;
  ThreadExecutor executor("stop", 2, clock);
  std::atomic<int> ran{0};
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> weak = held;
  executor.post_after(1000, [held] { ++*held; });
  held.reset();
  CHECK_FALSE(weak.expired());
  std::promise<void> gate;
  executor.post([&, open = gate.get_future().share()] {
    open.wait();
    executor.post([&] { ran += 100; });  // the stop may have begun or not
    ++ran;
  });
  for (int i = 0; i < 10; ++i) executor.post([&] { ++ran; });
  gate.set_value();
  executor.stop();
  CHECK(ran % 100 == 11);
  CHECK(weak.expired());  // and gave back what it held
  executor.post([&] { ran = -1; });
  executor.post_after(0, [&] { ran = -1; });
  executor.stop();
  CHECK(ran != -1);
}
