#pragma once
// The whole plan of a workload, as `logcask plan` prints it: figures by each model, findings and engine by one.

#include <cstdint>
#include <vector>

#include "sizing/advice.h"
#include "sizing/checks.h"
#include "sizing/figures.h"

namespace logcask::sizing {

struct InverseSums {
  std::uint64_t keys = 0;       // that the RAM budget has room for
  double disk_of_keys = 0;      // that those keys fill
  double disk = 0;              // the knob, else 1 TiB
  double ram_of_that_disk = 0;  // that its keys need
};

struct Plan {
  Workload workload;
  Figures judged;   // by the model asked for: verdict, findings, engine and scores follow it
  Figures logcask;  // the two that are always shown beside each other
  Figures bitcask;
  std::vector<Finding> findings;
  Recommendation recommendation;
  std::vector<Score> scores;
  std::vector<Axis> axes;
  InverseSums sums;

  // Whether the model asked for is one of the two.
  bool judged_is_shown() const {
    return judged.cost.name == logcask.cost.name || judged.cost.name == bitcask.cost.name;
  }
  // A topic that is there needs none, and another engine has none.
  bool proposes_topic() const { return recommendation.engine == Engine::logcask && !workload.exists; }
  bool rejected() const { return worst(findings) == Severity::reject; }
  bool warned() const { return worst(findings) == Severity::warn; }
};

Plan make_plan(const Workload& workload, const KeydirCost& model);

}  // namespace logcask::sizing
