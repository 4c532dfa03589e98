#pragma once
// The one decision of compaction: may this record go? Pure.
//
// Two questions, kept apart. Is the record old enough to go? The bound says so: it lies in a closed, listed segment
// that is older than min.compaction.lag.ms. What proves that it may? Positive evidence only (docs/ARCHITECTURE.md,
// invariant 4); a record r of key k below the bound goes when it is
//   superseded  the keydir names a newer record of k, wherever that lies: the keydir holds committed records only, so
//               the newer one is on disk;
//   expired     r lies below log start and the keydir does not name it (it is absent everywhere already);
//   tombstone   r is a tombstone below due_through that the keydir names, or that has no entry at all: every older
//               record of k was gone delete.retention.ms ago (partition/clean_through.h).
// A committed value at or above log start which no entry covers is a broken invariant: nothing may go any more.

#include <cstdint>

#include "partition/compaction_port.h"

namespace logcask {

struct KeepRules {
  Offset bound;  // records below are old enough
  Offset log_start;
  Offset due_through;  // 0 with delete.mode keep
};

enum class Verdict : std::uint8_t {
  keep_live,       // the keydir names it
  keep_unindexed,  // a tombstone without entry, not due yet
  keep_protected,  // its identity has collided
  keep_unjudged,   // not below the bound, or without a key
  drop_superseded,
  drop_expired,
  drop_tombstone,
  broken,
};

constexpr bool dropped(Verdict verdict) {
  return verdict == Verdict::drop_superseded || verdict == Verdict::drop_expired || verdict == Verdict::drop_tombstone;
}

Verdict judge_record(const KeepRules& rules, Offset offset, bool tombstone, const ProbeAnswer& answer);

}  // namespace logcask
