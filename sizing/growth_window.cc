#include "sizing/growth_window.h"

#include <algorithm>

namespace logcask::sizing {

void GrowthWindow::add(std::int64_t now_ms, std::uint64_t value) {
  if (count_ > 0 && now_ms - samples_[count_ - 1].at_ms < pace_ms_) return;
  if (count_ == kSamples) thin();
  samples_[count_++] = {now_ms, value};
}

void GrowthWindow::thin() {
  constexpr std::int64_t kLongestPaceMs = kSpanMs / static_cast<std::int64_t>(kSamples);
  if (pace_ms_ >= kLongestPaceMs) {
    std::move(samples_.begin() + 1, samples_.end(), samples_.begin());
    --count_;
    return;
  }
  for (std::size_t i = 0; 2 * i < kSamples; ++i) samples_[i] = samples_[2 * i];
  count_ = kSamples / 2;
  pace_ms_ = std::min(2 * pace_ms_, kLongestPaceMs);
}

std::optional<double> GrowthWindow::per_hour(std::int64_t now_ms, std::uint64_t value) const {
  if (count_ == 0 || now_ms - samples_[0].at_ms < kShortestMs) return std::nullopt;
  const double grown = static_cast<double>(value) - static_cast<double>(samples_[0].value);
  return grown * 3'600'000 / static_cast<double>(now_ms - samples_[0].at_ms);
}

std::optional<double> seconds_until(double used, double limit, double per_hour) {
  if (used > limit) return 0;
  if (per_hour <= 0) return std::nullopt;
  return (limit - used) / per_hour * 3'600;
}

}  // namespace logcask::sizing
