#pragma once
// The runs of a partition: a bounded list of random ids with the offset each began at. It tells the log that a position
// was read in from one that has grown in its place.
//
// A run is the life of a partition from an opening to the next. A position carries the run that wrote the record before
// it. When the files of an older copy are put back, the copy does not know the runs that wrote after it was taken, and
// the run it was taken in ends where the copy does: such a position is refused as topic_changed instead of being read
// in a log of other records. A run that wrote nothing is in no position and leaves the list when the next one begins.
//
// A value. Threads: none of its own.

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "segment/run_start.h"

namespace logcask {

class RunHistory {
 public:
  // Positions of runs further back are refused: their reader begins anew.
  static constexpr std::size_t kMost = 128;

  RunHistory() = default;
  // As the manifest keeps them: by `first`, equal ones allowed.
  explicit RunHistory(std::vector<RunStart> runs) : runs_(std::move(runs)) {}

  // A run that wrote at or above `run.first`; one that is known already changes nothing.
  void add(const RunStart& run);

  // What a position is to carry, the next offset to be read. kNoRun when nothing is known.
  RunId of(Offset position) const;
  // topic_changed unless the run is known and reaches up to the position. `end`: one past the last offset assigned.
  // kNoRun: a bare offset, which nobody can judge.
  Status check(RunId run, Offset position, Offset end) const;

  const std::vector<RunStart>& runs() const { return runs_; }
  friend bool operator==(const RunHistory&, const RunHistory&) = default;

 private:
  std::vector<RunStart> runs_;
};

}  // namespace logcask
