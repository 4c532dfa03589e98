#include "partition/key_index.h"

#include <map>

#include "base/random.h"
#include "tests/partition/keyed_log.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

struct Index {
  PageArena arena;
  KeydirBudget budget;
  KeyIndex keys{arena, budget, PendingLimits{}};
  std::int64_t next = 0;

  static KeyIdentity id(const std::string& key) { return test_hasher().identity(key); }
  // As an append does it; false when the budget refuses.
  bool append(const std::string& key, bool tombstone = false) {
    std::vector<bool> creates;
    const KeyIdentity identities[] = {id(key)};
    if (!keys.reserve(identities, creates).empty()) return false;
    keys.push(PendingEntry(id(key), Offset(next++), 100, tombstone, creates[0]));
    return true;
  }
  void commit(std::int64_t end, std::int64_t log_start = 0) {
    while (keys.apply(Offset(end), Offset(log_start), 256, {}) < Offset(end)) {
    }
  }
};

}  // namespace

TEST_CASE("a condition sees pending records first, a reader only committed ones", "[keys]") {
  Index index;
  index.keys.set_complete();
  index.keys.stats().add({Offset(0), 0, 0, 0, 0, 0});
  CHECK(index.keys.newest(Index::id("a")).offset == kNoOffset);
  index.append("a");
  CHECK(index.keys.newest(Index::id("a")).pending);
  CHECK_FALSE(index.keys.keydir().find(Index::id("a")));
  index.commit(1);
  CHECK_FALSE(index.keys.newest(Index::id("a")).pending);
  CHECK(index.keys.newest(Index::id("a")).live());
  index.append("a", true);
  CHECK_FALSE(index.keys.newest(Index::id("a")).live());
  CHECK(index.keys.newest_below(Index::id("a"), Offset(1))->offset == Offset(0));
  CHECK(index.keys.newest_below(Index::id("a"), Offset(2))->deleted);
  index.keys.cut_pending(Offset(1));
  CHECK(index.keys.newest(Index::id("a")).live());
}

TEST_CASE("the budget counts what may be created until it is committed or cut", "[keys]") {
  Index index;
  index.keys.set_complete();
  index.keys.stats().add({Offset(0), 0, 0, 0, 0, 0});
  index.budget.set_limit_bytes(2 * kKeydirBytesPerEntry);
  CHECK(index.append("a"));
  CHECK(index.append("b"));
  CHECK_FALSE(index.append("c"));
  CHECK(index.append("a"));              // an overwrite of what is pending
  CHECK_FALSE(index.append("x", true));  // a delete of a key that never was makes an entry, too
  CHECK(index.append("b", true));        // one of a known key does not
  CHECK(index.budget.used_entries() == 2);
  index.commit(4);
  CHECK(index.budget.used_entries() == 2);
  CHECK(index.keys.keydir().size() == 2);
  CHECK_FALSE(index.append("c"));
  index.budget.set_limit_bytes(3 * kKeydirBytesPerEntry);
  CHECK(index.append("c"));
  CHECK(index.budget.used_entries() == 3);
  index.keys.cut_pending(Offset(4));
  CHECK(index.budget.used_entries() == 2);
  CHECK(index.append("c"));
}

TEST_CASE("a batch that names a new key twice needs one entry for it", "[keys]") {
  Index index;
  index.keys.set_complete();
  index.keys.stats().add({Offset(0), 0, 0, 0, 0, 0});
  index.budget.set_limit_bytes(kKeydirBytesPerEntry);
  const KeyIdentity identities[] = {Index::id("a"), Index::id("a")};
  std::vector<bool> creates;
  CHECK(index.keys.reserve(identities, creates).empty());
  CHECK(creates == std::vector<bool>{true, false});
  CHECK(index.budget.used_entries() == 1);
  index.budget.release(1);
}

TEST_CASE("records below log start never enter, and entries below it go in slices", "[keys]") {
  Index index;
  index.keys.set_complete();
  index.keys.stats().add({Offset(0), 100, 0, 0, 0, 0});
  for (int i = 0; i < 100; ++i) index.append("k" + std::to_string(i));
  index.commit(100, 10);
  CHECK(index.keys.keydir().size() == 90);
  KeydirCursor cursor;
  int slices = 0;
  while (!index.keys.remove_below(Offset(60), cursor, 1)) REQUIRE(++slices < 1000);
  CHECK(index.keys.keydir().size() == 40);
  CHECK(index.budget.used_entries() == 40);
  CHECK(index.keys.stats().find(Offset(0))->live_values == 40);
}

TEST_CASE("records are applied in slices, in order, and each is heard of once", "[keys]") {
  Index index;
  index.keys.set_complete();
  index.keys.stats().add({Offset(0), 0, 0, 0, 0, 0});
  for (int i = 0; i < 10; ++i) index.append("k" + std::to_string(i % 3));
  std::vector<std::int64_t> heard;
  const auto observe = [&](const KeyIndex::Applied& applied) { heard.push_back(applied.offset.value()); };
  CHECK(index.keys.apply(Offset(9), Offset(0), 4, observe) == Offset(4));
  CHECK(index.keys.apply(Offset(9), Offset(0), 4, observe) == Offset(8));
  CHECK(index.keys.apply(Offset(9), Offset(0), 4, observe) == Offset(9));
  CHECK(index.keys.pending_records() == 1);
  CHECK(heard == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("loading and committing mix in any order and end with the newest of each key", "[keys]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    Index index;
    index.next = 50;
    index.keys.stats().add({Offset(0), 50, 0, 0, 0, 0});
    index.keys.stats().add({Offset(50), 50, 0, 0, 0, 0});
    std::map<std::string, std::pair<std::int64_t, bool>> truth;
    std::vector<KeydirRaise> old;
    for (std::int64_t offset = 0; offset < 50; ++offset) {
      const std::string key = "k" + std::to_string(random.below(9));
      const bool tombstone = random.one_in(3);
      old.push_back({Index::id(key), Offset(offset), tombstone});
      truth[key] = {offset, tombstone};
    }
    for (std::size_t i = old.size(); i > 1; --i) std::swap(old[i - 1], old[random.below(i)]);
    while (!old.empty() || index.next < 80) {
      if (!old.empty() && random.one_in(2)) {
        const std::size_t n = std::min<std::size_t>(old.size(), 1 + random.below(7));
        index.keys.load(std::span(old).last(n));
        old.resize(old.size() - n);
      } else if (index.next < 80) {
        const std::string key = "k" + std::to_string(random.below(9));
        const bool tombstone = random.one_in(3);
        truth[key] = {index.next, tombstone};
        index.append(key, tombstone);
        if (random.one_in(2)) index.commit(index.next);
      }
    }
    index.commit(80);
    index.keys.set_complete();
    std::uint64_t live = 0;
    for (const auto& [key, newest] : truth) {
      const auto entry = index.keys.keydir().find(Index::id(key));
      REQUIRE(entry.has_value());
      REQUIRE(*entry == KeydirEntry{Offset(newest.first), newest.second});
      live += !newest.second;
    }
    REQUIRE(index.keys.keydir().live_count() == live);
    std::uint64_t counted = 0;
    for (const SegmentStats& stats : index.keys.stats().all()) counted += stats.live_values;
    REQUIRE(counted == live);
    REQUIRE(index.budget.used_entries() == truth.size());
  }
}
