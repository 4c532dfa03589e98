#include "partition/run_history.h"

#include <algorithm>
#include <string>

#include "base/mutant.h"

namespace logcask {

void RunHistory::add(const RunStart& run) {
  if (run.id == kNoRun || std::any_of(runs_.begin(), runs_.end(), [&](const RunStart& r) { return r.id == run.id; }))
    return;
  // The first one stands for everything before it, so positions carry it though it may have written nothing.
  if (runs_.size() > 1 && runs_.back().first >= run.first) runs_.pop_back();
  runs_.push_back(run);
  if (runs_.size() > kMost) runs_.erase(runs_.begin());
}

RunId RunHistory::of(Offset position) const {
  if (runs_.empty()) return kNoRun;
  const auto after =
      std::partition_point(runs_.begin(), runs_.end(), [&](const RunStart& run) { return run.first < position; });
  return after == runs_.begin() ? runs_.front().id : (after - 1)->id;
}

Status RunHistory::check(RunId run, Offset position, Offset end) const {
  if (run == kNoRun || mutant(Mutant::position_of_any_log)) return {};
  const auto known = std::find_if(runs_.begin(), runs_.end(), [&](const RunStart& r) { return r.id == run; });
  if (known != runs_.end()) {
    const Offset run_end = known + 1 == runs_.end() ? end : (known + 1)->first;
    if (position <= run_end) return {};
  }
  return Error{Errc::topic_changed,
               "position " + std::to_string(position.value()) +
                   " was read in another log: the topic was made anew, or its files were restored from an older copy; "
                   "begin anew"};
}

}  // namespace logcask
