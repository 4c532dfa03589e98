#pragma once
// How fast a number grows, from samples of the last hour, in little memory.
//
// At most kSamples samples are kept. They come close together at first, so that a rate is known soon after a start;
// each time the window is full every second one goes and the pace halves, until samples lie so far apart that the
// window spans an hour; from then on the oldest go. Owner: whoever samples. Threads: none. Times are monotonic.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace logcask::sizing {

class GrowthWindow {
 public:
  static constexpr std::size_t kSamples = 16;
  static constexpr std::int64_t kSpanMs = 3'600'000;
  // A rate over less says more about the moment than about the workload.
  static constexpr std::int64_t kShortestMs = 30'000;

  // Takes the sample when it is due; earlier ones are for the asking, not for keeping. `now_ms` never goes back.
  void add(std::int64_t now_ms, std::uint64_t value);
  // Growth per hour from the oldest sample kept to `value` now; negative when it shrinks. Nothing while the window is
  // shorter than kShortestMs.
  std::optional<double> per_hour(std::int64_t now_ms, std::uint64_t value) const;

 private:
  struct Sample {
    std::int64_t at_ms = 0;
    std::uint64_t value = 0;
  };
  void thin();

  std::array<Sample, kSamples> samples_;
  std::size_t count_ = 0;
  std::int64_t pace_ms_ = 2'000;
};

// Seconds until what is at `used` and grows by `per_hour` passes `limit`; 0 when it has, nothing when it never does.
std::optional<double> seconds_until(double used, double limit, double per_hour);

}  // namespace logcask::sizing
