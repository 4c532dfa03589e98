#pragma once
// The clock that deadlines and pauses are counted in. Internal to client/.

#include <cstdint>

#include "base/clock.h"

namespace logcask::client {

inline constexpr std::int64_t kNsPerMs = 1000000;

inline std::int64_t now_ns() { return system_clock().monotonic_ns(); }

}  // namespace logcask::client
