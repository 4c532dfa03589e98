#pragma once
// A look at a rewrite's inputs before anything is written: what would go, and which keys are hot.
//
// First a taste of each input. Unless that shows that most of what is dead may simply go, the whole: then what a
// rewrite would drop is known exactly, so one that would give the same files is not begun, and the last records of
// hot keys are known (compactor/hot_keys.h). Costs a read and one probe a record, writes nothing.

#include <cstdint>
#include <memory>
#include <span>

#include "compactor/hot_keys.h"
#include "compactor/input_reader.h"
#include "compactor/keep.h"

namespace logcask {

struct Survey {
  bool complete = false;          // every record was looked at
  std::uint64_t records = 0;      // of those looked at
  std::uint64_t superseded = 0;   // may go: a newer one lies below the bound
  std::uint64_t newer_above = 0;  // superseded at or above the bound only
  std::uint64_t expired = 0;
  std::uint64_t tombstones = 0;  // due
  std::uint64_t hot_older = 0;   // of newer_above: not the last of their key among the inputs; known when complete
  std::uint64_t withheld = 0;    // superseded, and kept because their identity has collided
  std::uint64_t broken = 0;      // values that no entry covers
  Offset first_broken = kNoOffset;
  std::uint64_t bytes_read = 0;
  HotKeys hot;

  std::uint64_t droppable() const { return superseded + expired + tombstones + hot_older; }
};

// Begins and abandons rewrites of the port: one for each time it reads. Fails with what those, reading and `pace` say.
Result<Survey> survey_inputs(CompactionPort& port, std::span<const CompactionSegment> inputs, const KeepRules& rules,
                             const Pace& pace);

}  // namespace logcask
