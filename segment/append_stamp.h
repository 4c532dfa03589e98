#pragma once
// A reading of the append clock with what is needed to go on from it after a restart (partition/append_clock.h).
// A value.

#include <cstdint>

#include "base/types.h"

namespace logcask {

inline constexpr std::int64_t kUnknownAllowance = -1;

struct AppendStamp {
  AppendStamp() = default;
  // A time from elsewhere: nothing is known of the clock.
  AppendStamp(TimestampMs at) : time(at) {}  // NOLINT(google-explicit-constructor): every time is a stamp
  TimestampMs time{0};
  // How far beyond elapsed time the clock may still run.
  std::int64_t allowance_ms = kUnknownAllowance;
  // How far ahead of the wall clock it has settled.
  std::int64_t ahead_ms = 0;
  friend bool operator==(const AppendStamp&, const AppendStamp&) = default;
};

}  // namespace logcask
