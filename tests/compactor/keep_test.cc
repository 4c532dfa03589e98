// The one decision of compaction, as a table.

#include "compactor/keep.h"

#include "compactor/hot_keys.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr KeepRules kRules{Offset(100), Offset(10), Offset(50)};

ProbeAnswer newest(Offset offset) { return {RecordStanding::newest, offset}; }
ProbeAnswer superseded_by(Offset offset) { return {RecordStanding::superseded, offset}; }
ProbeAnswer unknown() { return {RecordStanding::unknown, kNoOffset}; }
ProbeAnswer collided(Offset newest_offset) { return {RecordStanding::protected_, newest_offset}; }

Verdict value(Offset offset, const ProbeAnswer& answer, Offset later = kNoOffset) {
  return judge_record(kRules, offset, false, answer, later);
}
Verdict tombstone(Offset offset, const ProbeAnswer& answer, Offset later = kNoOffset) {
  return judge_record(kRules, offset, true, answer, later);
}

TEST_CASE("a value goes only when a newer record below the bound supersedes it") {
  CHECK(value(Offset(20), newest(Offset(20))) == Verdict::keep_live);
  CHECK(value(Offset(20), superseded_by(Offset(21))) == Verdict::drop_superseded);
  CHECK(value(Offset(20), superseded_by(Offset(99))) == Verdict::drop_superseded);
  CHECK(value(Offset(20), superseded_by(Offset(100))) == Verdict::keep_newer_above);
  CHECK(value(Offset(20), superseded_by(Offset(500))) == Verdict::keep_newer_above);
}

TEST_CASE("a record at or above the bound is not judged, whatever the keydir says") {
  CHECK(value(Offset(100), superseded_by(Offset(101))) == Verdict::keep_unjudged);
  CHECK(value(Offset(120), unknown()) == Verdict::keep_unjudged);
  CHECK(tombstone(Offset(100), newest(Offset(100))) == Verdict::keep_unjudged);
}

TEST_CASE("a newer record above the bound needs a witness below it among the inputs") {
  CHECK(value(Offset(20), superseded_by(Offset(100)), Offset(30)) == Verdict::drop_superseded);
  CHECK(value(Offset(30), superseded_by(Offset(100)), Offset(30)) == Verdict::keep_newer_above);
  CHECK(tombstone(Offset(30), superseded_by(Offset(100)), Offset(30)) == Verdict::keep_newer_above);
  CHECK(tombstone(Offset(20), superseded_by(Offset(100)), Offset(30)) == Verdict::drop_superseded);
}

TEST_CASE("absence is no evidence: a committed value without entry is a broken invariant") {
  CHECK(value(Offset(20), unknown()) == Verdict::broken);
  CHECK(value(Offset(10), unknown()) == Verdict::broken);
  CHECK(value(Offset(20), {RecordStanding::superseded, Offset(20)}) == Verdict::broken);
  CHECK(value(Offset(20), {RecordStanding::superseded, Offset(5)}) == Verdict::broken);
}

TEST_CASE("below log start a record goes once the keydir has let go of it") {
  CHECK(value(Offset(9), unknown()) == Verdict::drop_expired);
  CHECK(value(Offset(9), superseded_by(Offset(400))) == Verdict::drop_expired);
  CHECK(value(Offset(9), newest(Offset(9))) == Verdict::keep_live);
}

TEST_CASE("a tombstone goes when it is due and nothing newer of its key exists or something newer does") {
  CHECK(tombstone(Offset(49), newest(Offset(49))) == Verdict::drop_tombstone);
  CHECK(tombstone(Offset(49), unknown()) == Verdict::drop_tombstone);
  CHECK(tombstone(Offset(50), newest(Offset(50))) == Verdict::keep_live);
  CHECK(tombstone(Offset(50), unknown()) == Verdict::keep_unindexed);
  CHECK(tombstone(Offset(50), superseded_by(Offset(60))) == Verdict::drop_superseded);
}

TEST_CASE("what has collided never goes") {
  CHECK(value(Offset(20), collided(Offset(60))) == Verdict::keep_protected);
  CHECK(tombstone(Offset(20), collided(Offset(20))) == Verdict::keep_protected);
  CHECK(value(Offset(20), collided(kNoOffset)) == Verdict::keep_protected);
}

TEST_CASE("hints hold every tombstone and every value but those superseded") {
  CHECK(hint_needs(Verdict::keep_live, false));
  CHECK(hint_needs(Verdict::keep_protected, false));
  CHECK(hint_needs(Verdict::keep_newer_above, true));
  CHECK_FALSE(hint_needs(Verdict::keep_newer_above, false));
}

KeyIdentity identity(std::uint64_t i) { return {i * 0x9e3779b97f4a7c15u, i * 0xbf58476d1ce4e5b9u}; }

TEST_CASE("hot keys remember the last offset of each, and forget none when they grow") {
  HotKeys keys;
  CHECK(keys.last(identity(1)) == kNoOffset);
  for (std::uint64_t i = 0; i < 10'000; ++i) keys.note(identity(i), Offset(static_cast<std::int64_t>(i)));
  keys.note(identity(7), Offset(90'000));
  keys.note(identity(8), Offset(1));
  CHECK(keys.size() == 10'000);
  CHECK(keys.refused() == 0);
  for (std::uint64_t i = 0; i < 10'000; ++i)
    REQUIRE(keys.last(identity(i)) == Offset(i == 7 ? 90'000 : static_cast<std::int64_t>(i)));
  CHECK(keys.last(identity(10'001)) == kNoOffset);
}

TEST_CASE("hot keys are bounded: what does not fit is not remembered") {
  HotKeys keys(64);
  for (std::uint64_t i = 0; i < 100; ++i) keys.note(identity(i), Offset(static_cast<std::int64_t>(i)));
  CHECK(keys.size() == 48);
  CHECK(keys.refused() == 52);
  CHECK(keys.last(identity(3)) == Offset(3));
  CHECK(keys.last(identity(99)) == kNoOffset);
  keys.note(identity(3), Offset(500));
  CHECK(keys.last(identity(3)) == Offset(500));
}

}  // namespace
}  // namespace logcask
