#include "partition/keydir.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

// Distinct, spread like a hash; the bits a keydir does not keep are zero, so a map may compare whole ones.
KeyIdentity spread(std::uint64_t n) {
  Random random(n * 2 + 1);
  const std::uint64_t high = random.next();
  return {high, random.next() & ~((std::uint64_t{1} << 48) - 1)};
}

using Spread = KeyIdentity (*)(std::uint64_t);
// What no keyed hash would give: identities that differ in few bits only.
KeyIdentity first_bits_only(std::uint64_t n) { return {n << 52, 0}; }
KeyIdentity last_bits_only(std::uint64_t n) { return {0x0123456789abcdef, n << 48}; }
KeyIdentity all_ones_before(std::uint64_t n) {
  return {~std::uint64_t{0}, ~(n << 48) & ~((std::uint64_t{1} << 48) - 1)};
}
KeyIdentity all_zero_before(std::uint64_t n) { return {0, n << 48}; }

struct Fixture {
  PageArena arena;
  KeydirBudget budget;
  Keydir keydir{arena, budget};

  RaiseOutcome raise(const KeyIdentity& id, std::int64_t offset, bool deleted = false) {
    return keydir.raise(id, Offset(offset), deleted);
  }
};

using Model = std::map<KeyIdentity, KeydirEntry>;

void require_same(const Keydir& keydir, const Model& model) {
  REQUIRE(keydir.size() == model.size());
  std::size_t deleted = 0;
  for (const auto& [identity, entry] : model) {
    deleted += entry.deleted ? 1 : 0;
    const auto found = keydir.find(identity);
    REQUIRE(found.has_value());
    REQUIRE(*found == entry);
  }
  REQUIRE(keydir.deleted_count() == deleted);
  REQUIRE(keydir.live_count() == model.size() - deleted);
  KeydirCursor cursor;
  auto expected = model.begin();
  while (!cursor.done())
    keydir.scan(cursor, 3, [&](const KeyIdentity& identity, const KeydirEntry& entry) {
      REQUIRE(expected != model.end());
      REQUIRE(identity == expected->first);
      REQUIRE(entry == expected->second);
      ++expected;
    });
  REQUIRE(expected == model.end());
}

TEST_CASE("an empty keydir finds nothing and costs no memory") {
  Fixture f;
  CHECK_FALSE(f.keydir.find(spread(1)));
  CHECK_FALSE(f.keydir.remove_if(spread(1), Offset(0)));
  CHECK(f.keydir.memory_bytes() == 0);
  CHECK(f.arena.bytes_mapped() == 0);
  CHECK(sizeof(Keydir) <= 200);
  KeydirCursor cursor;
  CHECK(f.keydir.remove_below(Offset(5), cursor, 1).values == 0);
  CHECK(cursor.done());
}

TEST_CASE("a keydir of a few keys costs two pages") {
  Fixture f;
  for (std::uint64_t i = 0; i < 100; ++i) f.raise(spread(i), static_cast<std::int64_t>(i));
  CHECK(f.arena.bytes_in_use() == 2 * PageArena::kPageBytes);
  CHECK(f.keydir.memory_bytes() < 2 * PageArena::kPageBytes + 200);
}

TEST_CASE("an entry only ever rises") {
  Fixture f;
  const KeyIdentity k = spread(1);
  CHECK(f.raise(k, 10).result == RaiseResult::inserted);
  RaiseOutcome outcome = f.raise(k, 10, true);
  CHECK(outcome.result == RaiseResult::stale);
  CHECK(outcome.previous == KeydirEntry{Offset(10), false});
  outcome = f.raise(k, 12, true);
  CHECK(outcome.result == RaiseResult::raised);
  CHECK(outcome.previous == KeydirEntry{Offset(10), false});
  CHECK(f.keydir.deleted_count() == 1);
  outcome = f.raise(k, 11);
  CHECK(outcome.result == RaiseResult::stale);
  CHECK(outcome.previous == KeydirEntry{Offset(12), true});
  CHECK(f.keydir.find(k) == KeydirEntry{Offset(12), true});
  CHECK(f.raise(k, 13).result == RaiseResult::raised);
  CHECK(f.keydir.deleted_count() == 0);
  CHECK(f.keydir.size() == 1);
}

TEST_CASE("a tombstone of an unknown key makes an entry, which hides what is older") {
  Fixture f;
  CHECK(f.raise(spread(1), 3, true).result == RaiseResult::inserted);
  CHECK(f.keydir.find(spread(1)) == KeydirEntry{Offset(3), true});
  CHECK(f.budget.used_entries() == 1);
  CHECK(f.raise(spread(1), 2).result == RaiseResult::stale);
  CHECK(f.raise(spread(1), 4, true).result == RaiseResult::raised);
  CHECK(f.budget.used_entries() == 1);
}

TEST_CASE("remove_if removes the entry it names and no other") {
  Fixture f;
  f.raise(spread(1), 10, true);
  CHECK_FALSE(f.keydir.remove_if(spread(1), Offset(9)));
  CHECK_FALSE(f.keydir.remove_if(spread(2), Offset(10)));
  CHECK(f.keydir.remove_if(spread(1), Offset(10)));
  CHECK_FALSE(f.keydir.find(spread(1)));
  CHECK(f.keydir.size() == 0);
  CHECK(f.keydir.deleted_count() == 0);
  CHECK(f.arena.bytes_in_use() == 0);
}

TEST_CASE("the first and the last offset of compacted topics fit an entry") {
  Fixture f;
  for (const std::int64_t offset :
       {std::int64_t{0}, std::int64_t{1} << 31, std::int64_t{1} << 32, kMaxCompactedOffset.value()}) {
    for (const bool deleted : {false, true}) {
      const KeyIdentity k = spread(static_cast<std::uint64_t>(offset) * 2 + (deleted ? 1 : 0));
      f.raise(k, offset, deleted);
      CHECK(f.keydir.find(k) == KeydirEntry{Offset(offset), deleted});
    }
  }
}

TEST_CASE("identities that differ in any of the first 80 bits are different keys") {
  Fixture f;
  const KeyIdentity base = spread(42);
  f.raise(base, 0);
  for (int bit = 0; bit < 80; ++bit) {
    KeyIdentity other = base;
    (bit < 64 ? other.high : other.low) ^= std::uint64_t{1} << (63 - bit % 64);
    REQUIRE(f.raise(other, bit + 1).result == RaiseResult::inserted);
  }
  for (int bit = 0; bit < 80; ++bit) {
    KeyIdentity other = base;
    (bit < 64 ? other.high : other.low) ^= std::uint64_t{1} << (63 - bit % 64);
    REQUIRE(f.keydir.find(other) == KeydirEntry{Offset(bit + 1), false});
  }
  KeyIdentity cut = base;
  cut.low ^= 1;
  CHECK(f.keydir.find(cut) == KeydirEntry{Offset(0), false});  // bit 128 is not kept
}

void random_operations(Spread identity, std::uint64_t keys, int steps, std::uint64_t expected_keys = 0) {
  const std::uint64_t seed = testing::test_seed(20240608);
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  Fixture f;
  f.keydir.reserve(expected_keys);
  const std::uint64_t reserved_bytes = f.arena.bytes_in_use();
  Model model;
  std::int64_t next = 0;
  for (int step = 0; step < steps; ++step) {
    const KeyIdentity id = identity(random.below(keys));
    const auto known = model.find(id);
    const std::uint64_t what = random.below(10);
    if (what < 7) {
      const std::int64_t offset = random.one_in(5) ? static_cast<std::int64_t>(random.below(next + 1)) : ++next;
      const bool deleted = random.one_in(4);
      const RaiseOutcome outcome = f.keydir.raise(id, Offset(offset), deleted);
      if (known == model.end()) {
        REQUIRE(outcome.result == RaiseResult::inserted);
        model[id] = {Offset(offset), deleted};
      } else {
        REQUIRE(outcome.previous == known->second);
        const bool rises = Offset(offset) > known->second.offset;
        REQUIRE(outcome.result == (rises ? RaiseResult::raised : RaiseResult::stale));
        if (rises) known->second = {Offset(offset), deleted};
      }
    } else if (what < 9) {
      const auto found = f.keydir.find(id);
      REQUIRE(found.has_value() == (known != model.end()));
      if (found) REQUIRE(*found == known->second);
    } else {
      const Offset offset = known != model.end() && !random.one_in(4) ? known->second.offset : Offset(next + 1);
      const bool removes = known != model.end() && known->second.offset == offset;
      REQUIRE(f.keydir.remove_if(id, offset) == removes);
      if (removes) model.erase(known);
    }
    if (step % (steps / 8) == 0) require_same(f.keydir, model);
  }
  require_same(f.keydir, model);
  REQUIRE(f.budget.used_entries() == model.size());
  while (!model.empty()) {
    REQUIRE(f.keydir.remove_if(model.begin()->first, model.begin()->second.offset));
    model.erase(model.begin());
  }
  CHECK(f.keydir.size() == 0);
  CHECK(f.budget.used_entries() == 0);
  CHECK(f.arena.bytes_in_use() == reserved_bytes);
}

TEST_CASE("a keydir agrees with a map under random operations") { random_operations(spread, 60'000, 600'000); }
TEST_CASE("a small keydir agrees with a map") { random_operations(spread, 300, 100'000); }
TEST_CASE("a keydir agrees with a map when identities differ in the first bits only") {
  random_operations(first_bits_only, 4096, 60'000);
}
TEST_CASE("a keydir agrees with a map when identities differ in the last kept bits only") {
  random_operations(last_bits_only, 20'000, 60'000);
}
TEST_CASE("a keydir agrees with a map when all want the last slot") {
  random_operations(all_ones_before, 5'000, 40'000);
}
TEST_CASE("a keydir agrees with a map when all want the first slot") {
  random_operations(all_zero_before, 5'000, 40'000);
}

TEST_CASE("a keydir that expects keys agrees with a map, too few of them and too many") {
  random_operations(spread, 6'000, 100'000, 20'000);
  random_operations(spread, 30'000, 200'000, 5'000);
  random_operations(all_ones_before, 5'000, 40'000, 20'000);
}

TEST_CASE("a keydir that expects keys takes their memory at once and no more for them", "[expected]") {
  for (const std::uint64_t expected : {1'000u, 3'605u, 50'000u, 1'000'000u}) {
    Fixture f;
    f.keydir.reserve(expected);
    const std::uint64_t reserved = f.keydir.memory_bytes();
    INFO("expected " << expected);
    for (std::uint64_t i = 0; i < expected; ++i) f.raise(spread(i), static_cast<std::int64_t>(i));
    CHECK(f.keydir.memory_bytes() == reserved);
    CHECK(f.budget.used_entries() == expected);
    f.keydir.reserve(expected * 10);  // too late, and harmless
    CHECK(f.keydir.memory_bytes() == reserved);
    f.keydir.clear();
    CHECK(f.keydir.memory_bytes() == 0);
    CHECK(f.budget.claimed_entries() == 0);
  }
}

TEST_CASE("no expected key takes more than the 20 bytes that the budget counts", "[expected]") {
  // Around each place where pages or shards are one more.
  for (std::uint64_t expected = 100'000; expected < 2'000'000; expected += expected / 70) {
    Fixture f;
    f.keydir.reserve(expected);
    INFO("expected " << expected);
    REQUIRE(f.keydir.memory_bytes() <= expected * kKeydirBytesPerEntry);
  }
  for (const std::uint64_t expected : {1'846'272u, 461'600u, 115'400u, 115'330u}) {
    Fixture f;
    f.keydir.reserve(expected);
    INFO("expected " << expected);
    CHECK(f.keydir.memory_bytes() <= expected * kKeydirBytesPerEntry);
  }
}

TEST_CASE("keydirs take no more ahead together than their budgets allow", "[expected]") {
  PageArena arena;
  KeydirBudget total(2'000'000);
  KeydirBudget topic(1'200'000, &total);
  Keydir first(arena, topic), second(arena, topic), third(arena, total);
  first.reserve(40'000);
  CHECK(topic.claimed_entries() == 40'000);
  second.reserve(40'000);
  CHECK(topic.claimed_entries() == 60'000);
  third.reserve(100'000);
  CHECK(total.claimed_entries() == 100'000);
  CHECK(first.memory_bytes() + second.memory_bytes() + third.memory_bytes() <= 2'000'000 + 6 * PageArena::kPageBytes);
  for (std::uint64_t i = 0; i < 30'000; ++i) second.raise(spread(i), Offset(static_cast<std::int64_t>(i)), false);
  CHECK(topic.used_entries() == 30'000);
  CHECK(topic.claimed_entries() == 60'000);
  first.clear();
  CHECK(topic.claimed_entries() == 30'000);
  CHECK(total.claimed_entries() == 60'000);
  second.clear();
  third.clear();
  CHECK(total.claimed_entries() == 0);
}

TEST_CASE("from 100,000 entries up a keydir never costs more than 20 bytes an entry") {
  Fixture f;
  std::vector<KeydirRaise> batch(64);
  double worst = 0;
  for (std::uint64_t done = 0; done < 2'000'000; done += batch.size()) {
    for (std::uint64_t i = 0; i < batch.size(); ++i)
      batch[i] = {spread(done + i), Offset(static_cast<std::int64_t>(done + i)), false};
    REQUIRE(f.keydir.raise_batch(batch) == batch.size());
    if (f.keydir.size() < 100'000) continue;
    const double bytes = static_cast<double>(f.keydir.memory_bytes());
    worst = std::max(worst, bytes / static_cast<double>(f.keydir.size()));
  }
  INFO("worst bytes per entry " << worst);
  CHECK(worst < kKeydirBytesPerEntry);
  CHECK(f.budget.used_entries() == 2'000'000);
}

TEST_CASE("a growing keydir never costs more than 20 bytes an entry and 8 KiB") {
  // Other secrets, other places where shards are full first.
  for (std::uint64_t round = 0; round < 20; ++round) {
    Fixture f;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      f.raise(spread(round << 32 | i), static_cast<std::int64_t>(i));
      INFO("round " << round << ", entries " << f.keydir.size());
      REQUIRE(f.keydir.memory_bytes() <= f.keydir.size() * kKeydirBytesPerEntry + sizing::kLogcaskPartitionBytes);
    }
  }
}

TEST_CASE("a keydir that loses its entries gives their memory back") {
  Fixture f;
  constexpr std::int64_t kEntries = 300'000;
  for (std::int64_t i = 0; i < kEntries; ++i) f.raise(spread(static_cast<std::uint64_t>(i)), i);
  for (std::int64_t i = 0; i < kEntries; ++i) {
    if (i % 10 != 0) REQUIRE(f.keydir.remove_if(spread(static_cast<std::uint64_t>(i)), Offset(i)));
  }
  CHECK(f.keydir.size() == kEntries / 10);
  CHECK(f.arena.bytes_in_use() < kEntries / 10 * 16 * 100 / 55);
  for (std::int64_t i = 0; i < kEntries; i += 10)
    REQUIRE(f.keydir.find(spread(static_cast<std::uint64_t>(i))) == KeydirEntry{Offset(i), false});
  f.keydir.clear();
  CHECK(f.arena.bytes_in_use() == 0);
  CHECK(f.keydir.memory_bytes() == 0);
  CHECK(f.budget.used_entries() == 0);
}

TEST_CASE("a batch of probes answers like single ones") {
  Fixture f;
  for (std::uint64_t i = 0; i < 50'000; i += 2) f.raise(spread(i), static_cast<std::int64_t>(i), i % 6 == 0);
  for (const std::size_t n : {0u, 1u, 5u, 64u, 1000u}) {
    std::vector<KeyIdentity> ids;
    for (std::uint64_t i = 0; i < n; ++i) ids.push_back(spread(i * 37));
    std::vector<std::optional<KeydirEntry>> out(n);
    f.keydir.find_batch(ids, out);
    for (std::size_t i = 0; i < n; ++i) REQUIRE(out[i] == f.keydir.find(ids[i]));
  }
}

// Applies the same records one by one and as a batch and requires the same outcomes and tables.
void compare_batch(Fixture& single, Fixture& batched, std::span<const KeydirRaise> records) {
  std::vector<RaiseOutcome> outcomes(records.size());
  const std::size_t before = single.keydir.size();
  const std::size_t inserted = batched.keydir.raise_batch(records, outcomes);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RaiseOutcome expected = single.keydir.raise(records[i].identity, records[i].offset, records[i].deleted);
    REQUIRE(outcomes[i].result == expected.result);
    REQUIRE(outcomes[i].previous == expected.previous);
  }
  for (const KeydirRaise& record : records)
    REQUIRE(batched.keydir.find(record.identity) == single.keydir.find(record.identity));
  REQUIRE(single.keydir.size() == before + inserted);
  REQUIRE(batched.keydir.size() == single.keydir.size());
  REQUIRE(batched.keydir.deleted_count() == single.keydir.deleted_count());
  REQUIRE(batched.budget.used_entries() == single.budget.used_entries());
}

void batches_like_singles(Spread identity, std::size_t largest, bool sorted) {
  const std::uint64_t seed = testing::test_seed(20240608);
  INFO("LOGCASK_TEST_SEED=" << seed);
  Fixture single, batched;
  Random random(seed);
  for (const std::size_t n : {std::size_t{3}, std::size_t{64}, largest / 20, largest, largest}) {
    std::vector<KeydirRaise> records;
    for (std::size_t i = 0; i < n; ++i)
      records.push_back(
          {identity(random.below(n)), Offset(static_cast<std::int64_t>(random.below(1'000'000))), random.one_in(3)});
    if (sorted)
      std::sort(records.begin(), records.end(),
                [](const KeydirRaise& a, const KeydirRaise& b) { return a.identity < b.identity; });
    compare_batch(single, batched, records);
    compare_batch(single, batched, std::span(records).first(n / 2));
  }
}

TEST_CASE("a batch of raises has the outcomes of single ones, repeated keys included") {
  batches_like_singles(spread, 100'000, false);
}
TEST_CASE("a batch in identity order has the outcomes of single raises, repeated keys included") {
  batches_like_singles(spread, 100'000, true);
  batches_like_singles(first_bits_only, 4096, true);
  batches_like_singles(last_bits_only, 12'000, true);
  batches_like_singles(all_ones_before, 6000, true);
}

TEST_CASE("hints in identity order load into at most 20 bytes an entry, too") {
  Fixture f;
  constexpr std::uint64_t kHints = 4, kEach = 100'000;
  double worst = 0;
  for (std::uint64_t hint = 0; hint < kHints; ++hint) {
    std::vector<KeydirRaise> records;
    for (std::uint64_t i = 0; i < kEach; ++i) records.push_back({spread(hint * kEach + i), Offset(1), false});
    std::sort(records.begin(), records.end(),
              [](const KeydirRaise& a, const KeydirRaise& b) { return a.identity < b.identity; });
    for (std::size_t i = 0; i < kEach; i += 8192)
      f.keydir.raise_batch(std::span(records).subspan(i, std::min<std::size_t>(8192, kEach - i)));
    worst = std::max(worst, static_cast<double>(f.keydir.memory_bytes()) / static_cast<double>(f.keydir.size()));
  }
  CHECK(f.keydir.size() == kHints * kEach);
  INFO("worst bytes per entry " << worst);
  CHECK(worst < kKeydirBytesPerEntry);
}

TEST_CASE("retention removes everything below log start, in slices, while entries come and go") {
  Fixture f;
  constexpr std::int64_t kEntries = 200'000, kLogStart = 150'000;
  for (std::int64_t i = 0; i < kEntries; ++i) f.raise(spread(static_cast<std::uint64_t>(i)), i, i % 5 == 0);
  KeydirCursor cursor;
  KeydirRemoved total;
  std::uint64_t heard = 0;
  std::int64_t next = kEntries;
  int slices = 0;
  while (!cursor.done()) {
    const KeydirRemoved removed = f.keydir.remove_below(Offset(kLogStart), cursor, 2, [&](const KeydirEntry& entry) {
      REQUIRE(entry.offset < Offset(kLogStart));
      ++heard;
    });
    total.values += removed.values;
    total.tombstones += removed.tombstones;
    ++slices;
    for (int i = 0; i < 2000; ++i, ++next) f.raise(spread(static_cast<std::uint64_t>(next)), next);  // shards split
  }
  CHECK(slices > 10);
  CHECK(total.values == kLogStart / 5 * 4);
  CHECK(total.tombstones == kLogStart / 5);
  CHECK(heard == static_cast<std::uint64_t>(kLogStart));
  REQUIRE(f.keydir.size() == static_cast<std::size_t>(next - kLogStart));
  CHECK(f.budget.used_entries() == f.keydir.size());
  for (std::int64_t i = 0; i < next; ++i)
    REQUIRE(f.keydir.find(spread(static_cast<std::uint64_t>(i))).has_value() == (i >= kLogStart));
}

TEST_CASE("a walk in slices sees every entry that stays exactly once, however shards split and merge") {
  Fixture f;
  constexpr std::uint64_t kStaying = 20'000;
  for (std::uint64_t i = 0; i < kStaying; ++i) f.raise(spread(i), 1);
  std::uint64_t next = kStaying;
  std::map<KeyIdentity, int> seen;
  KeydirCursor cursor;
  std::size_t most_shards = 0, fewest_shards = 1'000'000;
  for (int slice = 0; !cursor.done(); ++slice) {
    f.keydir.scan(cursor, 1, [&](const KeyIdentity& id, const KeydirEntry& entry) {
      if (entry.offset == Offset(1)) ++seen[id];
    });
    if (slice % 4 < 2) {
      for (int i = 0; i < 40'000; ++i) f.raise(spread(next++), 2);
    } else if (slice % 4 == 3) {
      while (next > kStaying) REQUIRE(f.keydir.remove_if(spread(--next), Offset(2)));
    }
    most_shards = std::max(most_shards, f.keydir.shard_count());
    fewest_shards = std::min(fewest_shards, f.keydir.shard_count());
  }
  CHECK(most_shards > fewest_shards + 8);
  REQUIRE(seen.size() == kStaying);
  for (const auto& [id, times] : seen) REQUIRE(times == 1);
}

TEST_CASE("collided identities are remembered by the bits a keydir compares") {
  Fixture f;
  const KeyIdentity k = spread(5);
  CHECK_FALSE(f.keydir.is_collided(k));
  f.keydir.mark_collided(k);
  f.keydir.mark_collided(k);
  f.keydir.mark_collided(spread(1));
  CHECK(f.keydir.collided_count() == 2);
  KeyIdentity other_key = k;
  other_key.low ^= 0xffff;  // below the 80 bits: the key it collided with
  CHECK(f.keydir.is_collided(other_key));
  CHECK_FALSE(f.keydir.is_collided(spread(2)));
}

TEST_CASE("keydirs share an arena and a budget and return what they took") {
  PageArena arena;
  KeydirBudget broker;
  KeydirBudget topic(KeydirBudget::kUnlimited, &broker);
  {
    Keydir first(arena, topic), second(arena, topic);
    for (std::uint64_t i = 0; i < 10'000; ++i) {
      first.raise(spread(i), Offset(1), false);
      second.raise(spread(i), Offset(2), false);
    }
    CHECK(broker.used_entries() == 20'000);
    CHECK(first.find(spread(7)) == KeydirEntry{Offset(1), false});
    CHECK(second.find(spread(7)) == KeydirEntry{Offset(2), false});
    CHECK(arena.bytes_in_use() <= first.memory_bytes() + second.memory_bytes());
  }
  CHECK(broker.used_entries() == 0);
  CHECK(arena.bytes_in_use() == 0);
}

}  // namespace
}  // namespace logcask
