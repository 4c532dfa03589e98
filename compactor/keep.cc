#include "compactor/keep.h"

namespace logcask {

Verdict judge_record(const KeepRules& rules, Offset offset, bool tombstone, const ProbeAnswer& answer,
                     Offset later_input) {
  if (offset >= rules.bound) return Verdict::keep_unjudged;
  // An entry below log start is being removed; until then it counts, and so does its record.
  if (offset < rules.log_start && answer.newest != offset) return Verdict::drop_expired;
  switch (answer.standing) {
    case RecordStanding::protected_:
      return Verdict::keep_protected;
    case RecordStanding::superseded:
      if (answer.newest <= offset) return Verdict::broken;
      if (answer.newest < rules.bound || later_input > offset) return Verdict::drop_superseded;
      return Verdict::keep_newer_above;
    case RecordStanding::newest:
      return tombstone && offset < rules.due_through ? Verdict::drop_tombstone : Verdict::keep_live;
    case RecordStanding::unknown:
      if (!tombstone) return Verdict::broken;
      return offset < rules.due_through ? Verdict::drop_tombstone : Verdict::keep_unindexed;
  }
  return Verdict::broken;
}

}  // namespace logcask
