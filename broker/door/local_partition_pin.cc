// Pinning: the log of one instant for whoever copies it.

#include <algorithm>

#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"

namespace logcask {

// The active segment is closed first, so that what is pinned are whole files that never change: a copy of them can be
// checked against the manifest's digests, and the next copy finds them as they are. All of it in one step: a compaction
// in between might drop records for newer ones behind the roll, which the pin would not hold.
Result<LogPin> LocalPartitionRunner::pin_log() {
  LOGCASK_ASSIGN(const auto open_step, begin_step());
  LOGCASK_TRY(roll());
  LogStructure::Step& step = open_step->step;
  bool unlisted = false;
  {
    const Lock lock(mutex_);
    const std::vector<ClosedSegment>& closed = partition_->closed();
    unlisted = std::any_of(closed.begin(), closed.end(), [](const ClosedSegment& segment) { return !segment.listed; });
  }
  if (unlisted) LOGCASK_TRY(store_checkpoint(step));
  // Nobody changes which files are the log while the step is held.
  LogPin pin;
  pin.manifest = step.manifest();
  const Lock lock(mutex_);
  if (auto error = unavailable()) return *std::move(error);
  for (const ClosedSegment& closed : partition_->closed())
    if (pin.segments.size() < pin.manifest.segments.size() &&
        closed.segment->name() == pin.manifest.segments[pin.segments.size()].facts.name)
      pin.segments.push_back(closed.segment);
  if (pin.segments.size() == pin.manifest.segments.size()) return pin;
  return Error{Errc::internal, environment_.name + ": the manifest lists other segments than are served"};
}

}  // namespace logcask
