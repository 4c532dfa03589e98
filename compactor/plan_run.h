#pragma once
// Which run of adjacent segments one rewrite takes, once it is known what is due. Internal to plan.cc.

#include "compactor/plan.h"

namespace logcask {

// Sets decision.plan, or decision.waits_for when something is due that cannot run now. Segments that are due only
// together with their neighbours are marked in decision.segments.
void choose_run(const CompactionState& state, const PlanOptions& options, Decision& decision);

}  // namespace logcask
