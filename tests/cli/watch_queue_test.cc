#include "cli/watch_queue.h"

#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

client::Lookup lookup_at(std::int64_t offset) {
  client::Lookup lookup;
  lookup.status = client::Lookup::Status::found;
  lookup.offset = Offset(offset);
  return lookup;
}

}  // namespace

TEST_CASE("a printer that keeps up sees every change in order") {
  WatchQueue queue(4);
  for (int i = 0; i < 4; ++i) queue.push(0, lookup_at(i));
  const auto events = queue.wait(0);
  REQUIRE(events.size() == 4);
  for (int i = 0; i < 4; ++i) CHECK(events[static_cast<std::size_t>(i)].lookup.offset == Offset(i));
  CHECK(queue.wait(0).empty());
}

TEST_CASE("a printer that falls behind gets the newest state of each key, in bounded memory") {
  WatchQueue queue(4);
  for (int i = 0; i < 1000; ++i) queue.push(static_cast<std::size_t>(i % 3), lookup_at(i));
  const auto events = queue.wait(0);
  CHECK(events.size() <= 4 + 3);
  Offset newest[3];
  for (const auto& event : events) newest[event.key_index] = std::max(newest[event.key_index], event.lookup.offset);
  CHECK(newest[0] == Offset(999));
  CHECK(newest[1] == Offset(997));
  CHECK(newest[2] == Offset(998));
}

TEST_CASE("the end of a watch is told after its last event") {
  WatchQueue queue(4);
  queue.push(0, lookup_at(1));
  queue.end(Error{Errc::unknown_topic, "gone"});
  CHECK(!queue.ended());
  CHECK(queue.wait(0).size() == 1);
  REQUIRE(queue.ended());
  CHECK(queue.ended()->code == Errc::unknown_topic);
}
