#include "broker/door/key_watchers.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace logcask;

namespace {

const KeyIdentity kA{1, 10};
const KeyIdentity kB{1, 11};  // as near to A as can be
const KeyIdentity kC{2, 10};

// What one watch was told: "index@offset", a trailing d for deleted, x for expired.
struct KeyTold {
  std::vector<std::string> all;
  int calls = 0;
  Errc error = Errc::ok;
  KeyWatchers::OnChange sink() {
    return [this](const Result<std::vector<KeyChange>>& changes) {
      ++calls;
      if (!changes.ok()) {
        error = changes.code();
        return;
      }
      for (const KeyChange& change : *changes)
        all.push_back(std::to_string(change.watch_index) + "@" + std::to_string(change.offset.value()) +
                      (change.deleted ? "d" : "") + (change.expired ? "x" : ""));
    };
  }
};

KeyChange at(std::int64_t offset, bool deleted = false, bool expired = false) {
  return {99, Offset(offset), deleted, expired};
}

void flush(KeyWatchers& watchers) {
  Outbox out;
  watchers.flush(out);
  run_outbox(out);
}

}  // namespace

TEST_CASE("a watch hears of its keys by their place in it, in order, in one call a flush", "[watchers]") {
  KeyWatchers watchers;
  CHECK(watchers.empty());
  KeyTold told;
  watchers.add({kA, kC}, told.sink());
  CHECK_FALSE(watchers.empty());
  watchers.note(kC, at(1));
  watchers.note(kB, at(2));
  watchers.note(kA, at(3, true));
  watchers.note(kC, at(4, false, true));
  CHECK(told.calls == 0);
  flush(watchers);
  CHECK(told.calls == 1);
  CHECK(told.all == std::vector<std::string>{"1@1", "0@3d", "1@4x"});
  flush(watchers);
  CHECK(told.calls == 1);
  watchers.note(kA, at(5));
  flush(watchers);
  CHECK(told.all.back() == "0@5");
}

TEST_CASE("several watches of one key each hear of it, and a key named twice is told at both places", "[watchers]") {
  KeyWatchers watchers;
  KeyTold first, second, twice;
  watchers.add({kA}, first.sink());
  watchers.add({kB, kA}, second.sink());
  watchers.add({kA, kA}, twice.sink());
  watchers.note(kA, at(7));
  flush(watchers);
  CHECK(first.all == std::vector<std::string>{"0@7"});
  CHECK(second.all == std::vector<std::string>{"1@7"});
  std::sort(twice.all.begin(), twice.all.end());
  CHECK(twice.all == std::vector<std::string>{"0@7", "1@7"});
}

TEST_CASE("a removed watch hears nothing, of what was noted before neither, and leaves the others alone",
          "[watchers]") {
  KeyWatchers watchers;
  KeyTold gone, stays;
  const auto id = watchers.add({kA, kA, kB}, gone.sink());
  const auto other = watchers.add({kA}, stays.sink());
  CHECK(id != other);
  watchers.note(kA, at(1));
  watchers.remove(id);
  watchers.remove(id);
  watchers.remove(12345);
  flush(watchers);
  watchers.note(kA, at(2));
  watchers.note(kB, at(3));
  flush(watchers);
  CHECK(gone.calls == 0);
  CHECK(stays.all == std::vector<std::string>{"0@1", "0@2"});
  watchers.remove(other);
  CHECK(watchers.empty());
  int visited = 0;
  watchers.for_each([&](const KeyIdentity&) { ++visited; });
  CHECK(visited == 0);
}

// An expiry was told twice to each of two watchers of one key.
TEST_CASE("a key that several watch is visited once", "[watchers][regression]") {
  KeyWatchers watchers;
  KeyTold told;
  watchers.add({kA, kB, kA}, told.sink());
  watchers.add({kA}, told.sink());
  watchers.add({kC}, told.sink());
  std::vector<KeyIdentity> visited;
  watchers.for_each([&](const KeyIdentity& key) { visited.push_back(key); });
  std::sort(visited.begin(), visited.end());
  CHECK(visited == std::vector<KeyIdentity>{kA, kB, kC});
}

TEST_CASE("ids of watches and of waiters are never the same", "[watchers]") {
  KeyWatchers watchers;
  OffsetWaiters waiters;
  KeyTold told;
  const auto watch = watchers.add({kA}, told.sink());
  for (int i = 0; i < 1000; ++i) CHECK(waiters.add(Offset(1), [](const Status&) {}) != watch);
}

TEST_CASE("an end is told to every watch once, and what was noted is not told after it", "[watchers]") {
  KeyWatchers watchers;
  KeyTold first, second;
  watchers.add({kA}, first.sink());
  watchers.add({kB}, second.sink());
  watchers.note(kA, at(1));
  Outbox out;
  watchers.fail_all({Errc::partition_offline, ""}, out);
  watchers.flush(out);
  run_outbox(out);
  CHECK(first.error == Errc::partition_offline);
  CHECK(second.error == Errc::partition_offline);
  CHECK(first.calls == 1);
  CHECK(first.all.empty());
  CHECK(watchers.empty());
  watchers.note(kA, at(2));
  flush(watchers);
  CHECK(first.calls == 1);
}
