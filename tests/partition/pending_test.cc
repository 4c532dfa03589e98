#include "partition/pending.h"

#include <deque>
#include <string>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

KeyIdentity key(std::uint64_t n) { return {n % 7, n * 0x9e3779b97f4a7c15 >> 20}; }

PendingEntry entry(std::uint64_t k, std::int64_t offset, std::uint32_t bytes = 0) {
  return {key(k), Offset(offset), bytes, offset % 3 == 0, offset % 2 == 0};
}

TEST_CASE("pending hands out committed records in order and keeps the others") {
  Pending pending;
  for (int i = 0; i < 10; ++i) pending.push(entry(1, 100 + i, 5));
  CHECK(pending.log_bytes() == 50);
  std::vector<std::int64_t> seen;
  const auto apply = [&seen](std::span<const PendingEntry> run) {
    for (const PendingEntry& e : run) seen.push_back(e.offset.value());
  };
  CHECK(pending.pop_committed(Offset(107), 4, apply) == 4);
  CHECK(pending.pop_committed(Offset(107), 4, apply) == 3);
  CHECK(pending.pop_committed(Offset(107), 4, apply) == 0);
  CHECK(seen == std::vector<std::int64_t>{100, 101, 102, 103, 104, 105, 106});
  CHECK(pending.size() == 3);
  CHECK(pending.log_bytes() == 15);
}

TEST_CASE("pending finds the newest record of a key and its predecessors") {
  Pending pending;
  pending.push(entry(1, 10));
  pending.push(entry(2, 11));
  pending.push(entry(1, 12));
  REQUIRE(pending.newest(key(1)) != nullptr);
  CHECK(pending.newest(key(1))->offset == Offset(12));
  CHECK(pending.newest(key(1))->tombstone == 1);
  CHECK(pending.newest(key(1))->creates == 1);
  pending.push(entry(1, 13));  // with the index standing
  const PendingEntry* newest = pending.newest(key(1));
  REQUIRE(newest != nullptr);
  CHECK(newest->offset == Offset(13));
  const PendingEntry* older = pending.previous(*newest);
  REQUIRE(older != nullptr);
  CHECK(older->offset == Offset(12));
  older = pending.previous(*older);
  REQUIRE(older != nullptr);
  CHECK(older->offset == Offset(10));
  CHECK(pending.previous(*older) == nullptr);
  CHECK(pending.newest(key(3)) == nullptr);
  pending.pop_committed(Offset(13), 100, [](auto) {});
  CHECK(pending.newest(key(2)) == nullptr);
  CHECK(pending.previous(*pending.newest(key(1))) == nullptr);
}

TEST_CASE("truncation takes the newest records away and brings their predecessors back") {
  Pending pending;
  for (int i = 0; i < 6; ++i) pending.push(entry(static_cast<std::uint64_t>(i % 2), i, 1));
  CHECK(pending.newest(key(1))->offset == Offset(5));
  std::vector<std::int64_t> dropped;
  CHECK(pending.drop_from(Offset(3), [&](const PendingEntry& e) { dropped.push_back(e.offset.value()); }) == 3);
  CHECK(dropped == std::vector<std::int64_t>{5, 4, 3});
  CHECK(pending.newest(key(1))->offset == Offset(1));
  CHECK(pending.log_bytes() == 3);
  pending.push(entry(1, 3));
  CHECK(pending.newest(key(1))->offset == Offset(3));
  CHECK(pending.drop_from(Offset(0), [](const PendingEntry&) {}) == 4);
  CHECK(pending.empty());
  CHECK(pending.newest(key(1)) == nullptr);
}

TEST_CASE("pending is full by records or by log bytes") {
  Pending by_count(PendingLimits{3, 1000});
  by_count.push(entry(1, 1));
  by_count.push(entry(2, 2));
  CHECK_FALSE(by_count.full());
  by_count.push(entry(3, 3));
  CHECK(by_count.full());
  by_count.pop_committed(Offset(2), 10, [](auto) {});
  CHECK_FALSE(by_count.full());
  Pending by_bytes(PendingLimits{1000, 10});
  by_bytes.push(entry(1, 1, 10));
  CHECK(by_bytes.full());
  by_bytes.drop_from(Offset(0), [](const PendingEntry&) {});
  CHECK_FALSE(by_bytes.full());
}

TEST_CASE("pending gives memory back after a burst") {
  Pending pending;
  CHECK(pending.memory_bytes() == 0);
  for (int i = 0; i < 100'000; ++i) pending.push(entry(static_cast<std::uint64_t>(i), i));
  CHECK(pending.newest(key(7)) != nullptr);
  CHECK(pending.memory_bytes() >= 100'000 * sizeof(PendingEntry));
  pending.pop_committed(Offset(100'000), 100'000, [](auto) {});
  for (int i = 0; i < 20; ++i) {  // small traffic afterwards
    pending.push(entry(1, 100'000 + i));
    pending.pop_committed(Offset(200'000), 1, [](auto) {});
  }
  CHECK(pending.memory_bytes() < 10'000);
  pending.trim();
  CHECK(pending.memory_bytes() == 0);
  pending.push(entry(1, 300'000));
  pending.trim();
  CHECK(pending.newest(key(1)) != nullptr);
}

TEST_CASE("pending agrees with a plain list under random operations") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  Pending pending;
  std::deque<PendingEntry> model;
  std::int64_t next = 0;
  for (int step = 0; step < 100'000; ++step) {
    switch (random.below(8)) {
      case 0:
        if (random.one_in(20)) {
          const Offset from(next - static_cast<std::int64_t>(random.below(50)));
          pending.drop_from(from, [&](const PendingEntry& e) {
            REQUIRE(e.offset == model.back().offset);
            model.pop_back();
          });
          REQUIRE((model.empty() || model.back().offset < from));
          next = std::max(next, std::int64_t{0});
        }
        break;
      case 1: {
        const Offset end(next - static_cast<std::int64_t>(random.below(40)));
        pending.pop_committed(end, random.below(30), [&](std::span<const PendingEntry> run) {
          for (const PendingEntry& e : run) {
            REQUIRE(e.offset == model.front().offset);
            REQUIRE(e.identity == model.front().identity);
            model.pop_front();
          }
        });
        break;
      }
      case 2: {
        const KeyIdentity id = key(random.below(40));
        const PendingEntry* found = pending.newest(id);
        for (auto it = model.rbegin(); it != model.rend(); ++it) {
          if (it->identity != id) continue;
          REQUIRE(found != nullptr);
          REQUIRE(found->offset == it->offset);
          found = pending.previous(*found);
        }
        REQUIRE(found == nullptr);
        break;
      }
      default:
        model.push_back(entry(random.below(40), next));
        pending.push(model.back());
        next += 1 + static_cast<std::int64_t>(random.below(2));
    }
    REQUIRE(pending.size() == model.size());
  }
}

}  // namespace
}  // namespace logcask
