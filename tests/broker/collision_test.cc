// Two keys with one identity, as far as a keydir can see (docs/ARCHITECTURE.md): no other key's value is ever shown,
// and nothing that was asked for is lost.
//
// No two keys are known to collide, so this program's linker puts colliding_hasher.cc before KeyHasher::identity: keys
// that are the same up to a '~' share the 80 bits that a keydir compares, and differ in the other 48.

#include <map>

#include "base/random.h"
#include "broker/services/replay_advance.h"
#include "compactor/compactor.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

using Status_ = LookupAnswer::Status;

const std::string kA = "pair~a";
const std::string kB = "pair~b";

Status no_pace(std::uint64_t, std::uint64_t) { return {}; }

Result<CompactionStats> compact(PartitionFixture& fixture) {
  Compactor compactor(fixture.partition(), {0, 0, 32 * 1024, 0});
  auto stats = compactor.run_due(CompactionMode::forced, no_pace);
  fixture.run_all();
  return stats;
}

void roll(PartitionFixture& fixture) {
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
}

std::uint64_t collisions(PartitionFixture& fixture) { return fixture.partition().snapshot().collisions; }

using State = std::map<std::string, std::string>;

// What a reader has at the end who applies values and tombstones in order.
State applied(const std::vector<PartitionFixture::Stored>& records) {
  State state;
  for (const auto& record : records) {
    if (record.value)
      state[record.key] = *record.value;
    else
      state.erase(record.key);
  }
  return state;
}

std::vector<Offset> offsets(const std::vector<PartitionFixture::Stored>& records) {
  std::vector<Offset> all;
  for (const auto& record : records) all.push_back(record.offset);
  return all;
}

}  // namespace

TEST_CASE("the hasher of this program lets keys collide in 80 bits, and no others", "[collision]") {
  const KeyHasher hasher(KeyHasher::Secret{});
  const KeyIdentity a = hasher.identity(kA);
  const KeyIdentity b = hasher.identity(kB);
  CHECK(a.high == b.high);
  CHECK(a.low >> 48 == b.low >> 48);
  CHECK(a != b);
  CHECK(hasher.identity("other~a").high != a.high);
  CHECK(hasher.identity("pair").high == a.high);
  CHECK(hasher.identity("plain").high != a.high);
}

TEST_CASE("a key hidden by a later one with its identity is absent, never the other's value, and is counted",
          "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  CHECK(fixture.get(kA).value == "of a");
  fixture.put(kB, "of b");
  CHECK(fixture.get(kB).value == "of b");
  CHECK(collisions(fixture) == 0);
  const Got hidden = fixture.get(kA);
  CHECK(hidden.status == Status_::absent);
  CHECK(hidden.value.empty());
  CHECK(hidden.offset == kNoOffset);
  CHECK(collisions(fixture) == 1);
  CHECK(fixture.get(kA).status == Status_::absent);
  CHECK(collisions(fixture) == 2);
  // Written anew it is the one that is seen.
  fixture.put(kA, "of a again");
  CHECK(fixture.get(kA).value == "of a again");
  CHECK(fixture.get(kB).status == Status_::absent);
  CHECK(fixture.get("plain").status == Status_::absent);
  CHECK(collisions(fixture) == 3);
  fixture.restart();
  CHECK(fixture.get(kA).value == "of a again");
  CHECK(fixture.get(kB).status == Status_::absent);
  CHECK(collisions(fixture) == 1);
}

TEST_CASE("a tombstone deletes its own key, and the other one with its identity is absent, not deleted",
          "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put(kB, "of b");
  fixture.remove(kA);
  CHECK(fixture.get(kA).status == Status_::deleted);
  CHECK(fixture.get(kA).offset == Offset(2));
  CHECK(fixture.get(kB).status == Status_::absent);
  CHECK(collisions(fixture) == 1);
  fixture.put(kB, "of b again");
  CHECK(fixture.get(kB).value == "of b again");
  CHECK(fixture.get(kA).status == Status_::absent);
}

TEST_CASE("a get of many keys answers each by its own key, whatever shares its identity", "[collision]") {
  PartitionFixture fixture;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i)
    for (const char* side : {"~a", "~b"}) keys.push_back("k" + std::to_string(i) + side);
  for (const std::string& key : keys) fixture.put(key, "of " + key);
  const std::vector<ByteView> asked(keys.begin(), keys.end());
  std::size_t answers = 0;
  fixture.partition().get(asked, false, [&](std::size_t index, const LookupAnswer& answer) {
    ++answers;
    const bool shown = keys[index].back() == 'b';
    REQUIRE(answer.status == (shown ? Status_::found : Status_::absent));
    if (shown) REQUIRE(answer.value == "of " + keys[index]);
    if (!shown) REQUIRE(answer.offset == kNoOffset);
  });
  CHECK(answers == keys.size());
  CHECK(collisions(fixture) == 100);
}

TEST_CASE("a replay's mark moves for what went beside a record that its collision kept", "[collision]") {
  PartitionFixture fixture;
  fixture.put("plain", "1");
  fixture.put(kA, "of a");
  fixture.put(kB, "of b");
  ReplayPosition position = first_replay_position(fixture.partition(), PartitionId(0)).value();
  fixture.put("plain", "2");
  ReplayFilter filter;
  filter.live_only = true;
  std::map<std::string, std::string> seen;
  bool marker = false;
  const auto step = [&] {
    const auto done = advance_replay(fixture.partition(), position, filter, 1);
    REQUIRE_OK(done);
    for (const ByteView piece : done->pieces)
      for (const auto& stored : decode_records(piece)) seen[stored.key] = stored.value.value_or("");
    position = done->position;
    marker = done->marker;
  };
  while (position.phase == ReplayPhase::walk) step();
  fixture.put("plain", "3");
  roll(fixture);
  CHECK(fixture.get(kA).status == Status_::absent);  // now it is known
  REQUIRE(compact(fixture)->records_dropped == 2);
  REQUIRE(fixture.partition().segments()[0].compacted_through == Offset(0));
  for (int steps = 0; !marker; ++steps) {
    REQUIRE(steps < 20);
    step();
  }
  CHECK(seen["plain"] == "3");
}

TEST_CASE("keys alone are compared too", "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put(kB, "of b");
  const ByteView asked[] = {kA, kB};
  std::vector<Status_> found(2);
  fixture.partition().get(asked, true,
                          [&](std::size_t index, const LookupAnswer& answer) { found[index] = answer.status; });
  CHECK(found == std::vector<Status_>{Status_::absent, Status_::found});
}

TEST_CASE("before the disk has it a record is told apart by all bits of its identity", "[collision]") {
  PartitionConfig config;
  config.read_visibility = ReadVisibility::written;
  PartitionFixture fixture(config);
  fixture.put(kA, "of a");
  std::optional<AppendResult> answer;
  fixture.start_append({{kB, "of b", {}}}, Acks::one, answer);
  REQUIRE(answer.has_value());
  CHECK(fixture.get(kA).value == "of a");
  CHECK(fixture.get(kB).value == "of b");
  fixture.flush().run_later();
  fixture.run_all();
  CHECK(fixture.get(kA).status == Status_::absent);
  CHECK(fixture.get(kB).value == "of b");
}

TEST_CASE("a condition is decided by the key's own pending record, then by what the keydir has under its identity",
          "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  std::optional<AppendResult> pending_b, create_b, update_a;
  fixture.start_append({{kB, "of b", {}}}, Acks::all, pending_b);
  // B has a record of its own in the tail, A has none there: each sees its own.
  fixture.start_append({{kB, "again", {}}}, Acks::all, create_b, {{0, Condition::Kind::absent, {}}});
  fixture.start_append({{kA, "of a 2", {}}}, Acks::all, update_a, {{0, Condition::Kind::offset, Offset(0)}});
  fixture.run_all();
  REQUIRE((pending_b && create_b && update_a));
  CHECK(create_b->error.code() == Errc::condition_failed);
  CHECK(create_b->current_offset == pending_b->base_offset);
  CHECK(update_a->error.ok());
  // Committed, A's record is what the identity stands for: a condition on B fails, it never overwrites unseen.
  const AppendResult create = fixture.append({{kB, "new", {}}}, Acks::all, {{0, Condition::Kind::absent, {}}});
  CHECK(create.error.code() == Errc::condition_failed);
  CHECK(create.current_offset == update_a->base_offset);
  const AppendResult stale =
      fixture.append({{kB, "new", {}}}, Acks::all, {{0, Condition::Kind::offset, pending_b->base_offset}});
  CHECK(stale.error.code() == Errc::condition_failed);
  CHECK(applied(fixture.fetch_all()) == State{{kA, "of a 2"}, {kB, "of b"}});
}

TEST_CASE("a key that was asked for loses no record to compaction, whoever shares its identity", "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put("plain", "1");
  roll(fixture);
  fixture.put(kB, "of b");
  fixture.put("plain", "2");
  roll(fixture);
  REQUIRE(fixture.get(kA).status == Status_::absent);
  const auto stats = compact(fixture);
  REQUIRE_OK(stats);
  CHECK(stats->records_dropped == 1);  // of "plain"
  const State all{{kA, "of a"}, {kB, "of b"}, {"plain", "2"}};
  CHECK(applied(fixture.replay_live()) == all);
  CHECK(fixture.get(kB).value == "of b");
  CHECK_FALSE(fixture.partition().snapshot().compaction_quarantined);
  fixture.restart();  // from the files, not from memory
  CHECK(applied(fixture.fetch_all()) == all);
}

TEST_CASE("before anybody asks, a hidden record counts as superseded, and nothing else does", "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put("plain", "1");
  roll(fixture);
  fixture.put(kB, "of b");
  roll(fixture);
  CHECK(applied(fixture.replay_live()) == State{{kB, "of b"}, {"plain", "1"}});
  CHECK(applied(fixture.fetch_all()) == State{{kA, "of a"}, {kB, "of b"}, {"plain", "1"}});
  const auto stats = compact(fixture);
  REQUIRE_OK(stats);
  CHECK(stats->records_dropped == 1);
  CHECK_FALSE(fixture.partition().snapshot().compaction_quarantined);
  fixture.restart();  // from the files, not from memory
  CHECK(applied(fixture.fetch_all()) == State{{kB, "of b"}, {"plain", "1"}});
  CHECK(fixture.get(kA).status == Status_::absent);
}

TEST_CASE("the mark ends with the process, and the next get sets it again", "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put(kB, "of b");
  REQUIRE(fixture.get(kA).status == Status_::absent);
  CHECK(fixture.replay_live().size() == 2);
  fixture.restart();
  CHECK(fixture.replay_live().size() == 1);
  REQUIRE(fixture.get(kA).status == Status_::absent);
  CHECK(fixture.replay_live().size() == 2);
}

TEST_CASE("a replay of live records brings no deleted key back because its identity has collided",
          "[collision][regression]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  fixture.put("plain", "1");
  fixture.remove("plain");
  fixture.remove(kA);
  fixture.put(kB, "of b");
  roll(fixture);
  REQUIRE(fixture.get(kA).status == Status_::absent);  // hidden, and marked
  CHECK(applied(fixture.replay_live()) == State{{kB, "of b"}});
  // The tombstone that A needs, none that nobody needs.
  CHECK(offsets(fixture.replay_live()) == std::vector<Offset>{Offset(0), Offset(3), Offset(4)});
}

TEST_CASE("what a collision kept does not outlive the tombstone that hides it", "[collision][regression]") {
  PartitionConfig config;
  config.segment_bytes = 4000;  // the first segment is as large, and stays alone
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  std::vector<TestRecord> records = {{kA, "of a", {}}};
  for (int i = 0; i < 60; ++i) records.push_back({"live" + std::to_string(i), std::string(60, 'x'), {}});
  REQUIRE(fixture.append(records).error.ok());
  roll(fixture);
  fixture.put(kB, "of b");
  roll(fixture);
  REQUIRE(fixture.get(kA).status == Status_::absent);  // marked: compaction keeps both from now on
  fixture.remove(kB);
  for (int i = 0; i < 20; ++i) fixture.put("hot" + std::to_string(i), "1");
  roll(fixture);
  REQUIRE_OK(compact(fixture));
  // The mark is forgotten, and the tombstone's time passes. Its segment has more garbage than A's.
  fixture.restart();
  CHECK(applied(fixture.fetch_all()).contains(kA));
  for (int i = 0; i < 20; ++i) fixture.put("hot" + std::to_string(i), "2");
  roll(fixture);
  fixture.clock().advance_ms(5000);
  for (int round = 0; round < 3; ++round) {
    const auto stats = compact(fixture);
    REQUIRE_OK(stats);
    fixture.clock().advance_ms(5000);
  }
  CHECK_FALSE(fixture.partition().snapshot().compaction_quarantined);
  const Got before = fixture.get(kA);
  fixture.restart();
  CHECK(fixture.get(kA).status == before.status);
  CHECK(fixture.get(kB).status != Status_::found);
}

TEST_CASE("watchers hear of their own key only", "[collision]") {
  PartitionFixture fixture;
  fixture.put(kA, "of a");
  std::vector<KeyChange> changes;
  const ByteView watched[] = {kA};
  const auto start = fixture.partition().watch(watched, [&](Result<std::vector<KeyChange>> more) {
    REQUIRE_OK(more);
    changes.insert(changes.end(), more->begin(), more->end());
  });
  REQUIRE_OK(start);
  CHECK(start->current[0].offset == Offset(0));
  fixture.put(kB, "of b");
  CHECK(changes.empty());
  fixture.put(kA, "of a 2");
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].offset == Offset(2));
  fixture.partition().cancel_wait(start->id);
}

// Writes, restarts, gets, compactions at random over colliding keys, against what every reader is promised.
TEST_CASE("through any mixture of writes, restarts and compactions no answer is another key's", "[collision]") {
  const std::uint64_t seed = test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  PartitionConfig config;
  config.segment_bytes = 700;
  config.delete_retention_ms = 2000;
  PartitionFixture fixture(config);
  std::vector<std::string> keys;
  for (int i = 0; i < 5; ++i)
    for (const char* side : {"~a", "~b", "~c"}) keys.push_back("k" + std::to_string(i) + side);
  std::map<std::string, std::pair<Offset, std::optional<std::string>>> model;
  // The key that was written last of those with its identity.
  const auto shown = [&](const std::string& key) {
    for (const auto& [other, written] : model)
      if (other.substr(0, 2) == key.substr(0, 2) && written.first > model.at(key).first) return false;
    return true;
  };
  for (int step = 0; step < 1500; ++step) {
    const std::string& key = keys[random.below(keys.size())];
    const std::uint64_t what = random.below(100);
    if (what < 60) {
      const std::string value = key + "@" + std::to_string(step);
      model[key] = {fixture.put(key, value).base_offset, value};
    } else if (what < 75) {
      model[key] = {fixture.remove(key).base_offset, std::nullopt};
    } else if (what < 95) {
      const Got got = fixture.get(key);
      INFO("step " << step << " key " << key << " " << got.error.to_string());
      REQUIRE(got.status != Status_::failed);
      if (!model.contains(key)) {
        REQUIRE(got.status == Status_::absent);
        continue;
      }
      // The newest or nothing, and nothing only when another key hides it.
      const auto& [offset, value] = model[key];
      if (got.status == Status_::found) REQUIRE((value && got.value == *value && got.offset == offset));
      if (value && shown(key)) REQUIRE(got.status == Status_::found);
    } else if (what < 97) {
      roll(fixture);
      REQUIRE_OK(compact(fixture));
      REQUIRE_FALSE(fixture.partition().snapshot().compaction_quarantined);
    } else if (what < 99) {
      fixture.clock().advance_ms(1500);
    } else {
      fixture.restart();
    }
    if (step % 100 != 99) continue;
    // Replay ends with the newest record of every key that no other hides.
    const State live = applied(fixture.replay_live());
    for (const auto& [written, last] : model) {
      if (!shown(written)) continue;
      INFO("step " << step << " key " << written);
      REQUIRE(live.contains(written) == last.second.has_value());
      if (last.second) REQUIRE(live.at(written) == *last.second);
    }
  }
}
