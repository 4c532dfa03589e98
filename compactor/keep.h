#pragma once
// The one decision of compaction: may this record go? Pure.
//
// A record goes only on positive evidence (docs/ARCHITECTURE.md, invariant 4). With B = the bound, which is at or below
// the committed end and the last stable offset, a record r of key k goes when
//   superseded  the keydir names a newer record of k below B; or it names one at or above B and the rewrite's own
//               inputs hold a newer record of k, which is below B and which this rewrite keeps (compactor/hot_keys.h);
//   expired     r lies below log start and the keydir does not name it (it is absent everywhere already);
//   tombstone   r is a tombstone below due_through that the keydir names, or that has no entry at all: every older
//               record of k was gone delete.retention.ms ago (partition/clean_through.h).
// A committed value at or above log start which no entry covers is a broken invariant: nothing may go any more.

#include <cstdint>

#include "partition/compaction_port.h"

namespace logcask {

struct KeepRules {
  Offset bound;
  Offset log_start;
  Offset due_through;  // 0 with delete.mode keep
};

enum class Verdict : std::uint8_t {
  keep_live,         // the keydir names it
  keep_unindexed,    // a tombstone without entry, not due yet
  keep_newer_above,  // superseded, but by a record at or above the bound
  keep_protected,    // its identity has collided
  keep_unjudged,     // not below the bound, or without a key
  drop_superseded,
  drop_expired,
  drop_tombstone,
  broken,
};

constexpr bool dropped(Verdict verdict) {
  return verdict == Verdict::drop_superseded || verdict == Verdict::drop_expired || verdict == Verdict::drop_tombstone;
}

// `later_input`: the last record of the key among the rewrite's inputs, as far as that is known; kNoOffset when not.
Verdict judge_record(const KeepRules& rules, Offset offset, bool tombstone, const ProbeAnswer& answer,
                     Offset later_input);

// Does a load need this kept record in the hint? All but values that something newer supersedes.
constexpr bool hint_needs(Verdict verdict, bool tombstone) { return tombstone || verdict != Verdict::keep_newer_above; }

}  // namespace logcask
