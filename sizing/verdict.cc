#include "sizing/verdict.h"

#include "base/mutant.h"

namespace logcask::sizing {

Verdict verdict(double needed_bytes, double budget_bytes) {
  const double tight_above = kTightShare * budget_bytes;
  if (needed_bytes > budget_bytes) return Verdict::oom;
  if (mutant(Mutant::verdict_not_strict) ? needed_bytes >= tight_above : needed_bytes > tight_above)
    return Verdict::tight;
  return Verdict::fits;
}

std::string_view verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::fits:
      return "FITS";
    case Verdict::tight:
      return "TIGHT";
    case Verdict::oom:
      return "OOM";
  }
  return "";
}

bool above_quarter(double needed_bytes, double budget_bytes) { return needed_bytes > kAdviceShare * budget_bytes; }

}  // namespace logcask::sizing
