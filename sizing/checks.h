#pragma once
// The six checks of a workload, always all of them and in this order: keydir RAM, range query, sync strategy,
// tombstone, merge cadence, hint files.
//
// A check that a knob mends warns; one that no knob of this store mends rejects. Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "sizing/figures.h"
#include "sizing/workload.h"

namespace logcask::sizing {

enum class Severity { ok, warn, reject };
// "ok", "warn", "reject"
std::string_view severity_text(Severity severity);

struct Finding {
  std::string_view rule;  // sizing/rules.h explains it
  Severity severity = Severity::ok;
  std::string message;  // one sentence: what was compared, with the figures
  std::string mend;     // empty when all is well
};

std::vector<Finding> check_workload(const Workload& workload, const Figures& figures);
Severity worst(const std::vector<Finding>& findings);

// Rule keydir-ram, its second half: keys above what the most partitions together may hold need another store.
bool beyond_all_partitions(const Workload& workload, const Figures& figures);

}  // namespace logcask::sizing
