// The one decision of compaction, as a table.

#include "compactor/keep.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr KeepRules kRules{Offset(100), Offset(10), Offset(50)};

ProbeAnswer newest(Offset offset) { return {RecordStanding::newest, offset}; }
ProbeAnswer superseded_by(Offset offset) { return {RecordStanding::superseded, offset}; }
ProbeAnswer unknown() { return {RecordStanding::unknown, kNoOffset}; }
ProbeAnswer collided(Offset newest_offset) { return {RecordStanding::protected_, newest_offset}; }

Verdict value(Offset offset, const ProbeAnswer& answer) { return judge_record(kRules, offset, false, answer); }
Verdict tombstone(Offset offset, const ProbeAnswer& answer) { return judge_record(kRules, offset, true, answer); }

TEST_CASE("a value that is old enough goes when the keydir names a newer record, wherever that lies") {
  CHECK(value(Offset(20), newest(Offset(20))) == Verdict::keep_live);
  CHECK(value(Offset(20), superseded_by(Offset(21))) == Verdict::drop_superseded);
  CHECK(value(Offset(20), superseded_by(Offset(99))) == Verdict::drop_superseded);
  CHECK(value(Offset(20), superseded_by(Offset(100))) == Verdict::drop_superseded);
  CHECK(value(Offset(99), superseded_by(Offset(500))) == Verdict::drop_superseded);
  CHECK(tombstone(Offset(60), superseded_by(Offset(500))) == Verdict::drop_superseded);
}

TEST_CASE("a record at or above the bound is not judged, whatever the keydir says") {
  CHECK(value(Offset(100), superseded_by(Offset(101))) == Verdict::keep_unjudged);
  CHECK(value(Offset(120), unknown()) == Verdict::keep_unjudged);
  CHECK(tombstone(Offset(100), newest(Offset(100))) == Verdict::keep_unjudged);
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

}  // namespace
}  // namespace logcask
