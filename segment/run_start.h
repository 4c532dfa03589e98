#pragma once
// Where a run of a partition begins: no record below `first` was written in it (partition/run_history.h). A value.

#include "base/types.h"

namespace logcask {

struct RunStart {
  RunId id = kNoRun;
  Offset first;
  friend bool operator==(const RunStart&, const RunStart&) = default;
};

}  // namespace logcask
