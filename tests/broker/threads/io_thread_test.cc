#include "broker/threads/io_thread.h"

#include <future>
#include <string>

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("what is ready comes between two large tasks", "[io_thread]") {
  IoThread loop(system_clock(), "test");
  loop.start();
  std::promise<std::string> done;
  std::string order;
  bool waiting = false;
  loop.post([&] {
    loop.post_large([&] { order += 'A'; });
    loop.post_large([&] { order += 'B'; });
    loop.post_large([&] {
      order += 'C';
      loop.post([&] { done.set_value(order + (loop.large_waiting() ? " and more" : "")); });
    });
    waiting = loop.large_waiting();
    loop.post([&] {
      order += '1';
      loop.post([&] { order += '2'; });
    });
  });
  CHECK(done.get_future().get() == "A1B2C");
  CHECK(waiting);
  loop.stop();
}
