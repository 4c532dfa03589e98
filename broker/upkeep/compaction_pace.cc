#include "broker/upkeep/compaction_pace.h"

#include <algorithm>
#include <chrono>

namespace logcask {
namespace {

// What was not used is not saved up for longer than this, and shorter waits than this are put off.
constexpr std::int64_t kGraceNs = 20'000'000;
constexpr std::int64_t kSliceNs = 200'000'000;

}  // namespace

bool CompactionPace::spend(std::uint64_t bytes, const std::function<bool()>& give_up) {
  std::unique_lock lock(mutex_);
  if (bytes_per_second_ <= 0 || stopped_) return !stopped_;
  std::int64_t now_ns = clock_.monotonic_ns();
  const double cost_ns = static_cast<double>(bytes) * 1e9 / static_cast<double>(bytes_per_second_);
  paid_until_ns_ = std::max(paid_until_ns_, now_ns - kGraceNs) + static_cast<std::int64_t>(cost_ns);
  const std::int64_t until_ns = paid_until_ns_;
  if (until_ns - now_ns <= kGraceNs) return true;
  while (!stopped_ && now_ns < until_ns && !give_up()) {
    const auto wait = std::chrono::nanoseconds(std::min(until_ns - now_ns, kSliceNs));
    stopped_changed_.wait_for(lock, wait, [this] { return stopped_; });
    now_ns = clock_.monotonic_ns();
  }
  return !stopped_;
}

bool CompactionPace::step_aside(std::int64_t milliseconds) {
  std::unique_lock lock(mutex_);
  stopped_changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), [this] { return stopped_; });
  return !stopped_;
}

void CompactionPace::set_bytes_per_second(std::int64_t bytes_per_second) {
  const std::lock_guard lock(mutex_);
  bytes_per_second_ = bytes_per_second;
}

void CompactionPace::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  stopped_changed_.notify_all();
}

}  // namespace logcask
