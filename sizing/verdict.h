#pragma once
// Whether a need fits a budget, in one word. The broker's live verdict and the plan's are this function.

#include <string_view>

namespace logcask::sizing {

enum class Verdict { fits, tight, oom };

// Above this share of the budget a need is tight.
inline constexpr double kTightShare = 0.75;
// Above this share there is advice: use at most a quarter of the RAM you pay for.
inline constexpr double kAdviceShare = 0.25;

// Above the budget: oom. Above three quarters of it: tight. Else it fits: exactly 75 % fits, exactly 100 % is tight. A
// budget of 0 has room for nothing but a need of 0.
Verdict verdict(double needed_bytes, double budget_bytes);
// "FITS", "TIGHT", "OOM"
std::string_view verdict_text(Verdict verdict);

// The advice that comes before tight. Exactly a quarter is within it.
bool above_quarter(double needed_bytes, double budget_bytes);

}  // namespace logcask::sizing
