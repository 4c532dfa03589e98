#include "cli/pace.h"

#include <algorithm>
#include <thread>

#include "cli/interrupt.h"

namespace logcask::cli {
namespace {

constexpr auto kLookForInterruptsEvery = std::chrono::milliseconds(100);

}  // namespace

Pace::Clock::duration Pace::wait_after(std::uint64_t done, Clock::time_point now) const {
  if (!per_second_) return Clock::duration::zero();
  const std::chrono::duration<double> due(static_cast<double>(done) / static_cast<double>(*per_second_));
  const auto late = start_ + std::chrono::duration_cast<Clock::duration>(due) - now;
  return std::max(late, Clock::duration::zero());
}

void Pace::hold(std::uint64_t done) const {
  while (!interrupted()) {
    const auto wait = wait_after(done, Clock::now());
    if (wait == Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(wait, kLookForInterruptsEvery));
  }
}

}  // namespace logcask::cli
