#include "compactor/keep.h"

#include "base/mutant.h"

namespace logcask {

Verdict judge_record(const KeepRules& rules, Offset offset, bool tombstone, const ProbeAnswer& answer) {
  if (offset >= rules.bound && !mutant(Mutant::compacted_above_bound)) return Verdict::keep_unjudged;
  const bool due = offset < rules.due_through || mutant(Mutant::tombstone_dropped_early);
  // An entry below log start is being removed; until then it counts, and so does its record.
  if (offset < rules.log_start && answer.newest != offset) return Verdict::drop_expired;
  switch (answer.standing) {
    case RecordStanding::protected_:
      return Verdict::keep_protected;
    case RecordStanding::superseded:
      return answer.newest > offset ? Verdict::drop_superseded : Verdict::broken;
    case RecordStanding::newest:
      return tombstone && due ? Verdict::drop_tombstone : Verdict::keep_live;
    case RecordStanding::unknown:
      if (!tombstone) return mutant(Mutant::no_entry_means_dead) ? Verdict::drop_superseded : Verdict::broken;
      return due ? Verdict::drop_tombstone : Verdict::keep_unindexed;
  }
  return Verdict::broken;
}

}  // namespace logcask
