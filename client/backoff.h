#pragma once
// Pauses between attempts: doubling up to a maximum, each between half and all of its length. Sans-I/O.

#include <algorithm>
#include <cstdint>

#include "base/random.h"

namespace logcask::client {

class Backoff {
 public:
  Backoff(std::int64_t first_ms, std::int64_t max_ms, std::uint64_t seed)
      : first_ms_(std::max<std::int64_t>(first_ms, 1)),
        max_ms_(std::max(max_ms, first_ms_)),
        next_ms_(first_ms_),
        random_(seed) {}

  std::int64_t next_pause_ms() {
    const std::int64_t full_ms = next_ms_;
    next_ms_ = std::min(next_ms_ * 2, max_ms_);
    return full_ms / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(full_ms / 2 + 1)));
  }
  void succeeded() { next_ms_ = first_ms_; }

 private:
  std::int64_t first_ms_;
  std::int64_t max_ms_;
  std::int64_t next_ms_;
  Random random_;
};

}  // namespace logcask::client
