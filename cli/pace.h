#pragma once
// Holds a verb to so many records a second, smoothly, so that a long reading leaves the broker to others.

#include <chrono>
#include <cstdint>
#include <optional>

namespace logcask::cli {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  // None = as fast as it goes.
  Pace(std::optional<std::int64_t> per_second, Clock::time_point start) : per_second_(per_second), start_(start) {}

  // How long to wait before going on, `done` records after the start.
  Clock::duration wait_after(std::uint64_t done, Clock::time_point now) const;
  // Waits so, and no longer than until a signal comes.
  void hold(std::uint64_t done) const;

 private:
  std::optional<std::int64_t> per_second_;
  Clock::time_point start_;
};

}  // namespace logcask::cli
