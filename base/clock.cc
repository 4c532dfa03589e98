#include "base/clock.h"

#include <time.h>

namespace logcask {
namespace {

std::int64_t read_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  TimestampMs wall_ms() const override { return TimestampMs(read_ns(CLOCK_REALTIME) / 1'000'000); }
  std::int64_t monotonic_ns() const override { return read_ns(CLOCK_MONOTONIC); }
};

}  // namespace

const Clock& system_clock() {
  // Never destroyed: a client's thread that ends by itself may ask for the time while the process exits.
  static const SystemClock& clock = *new SystemClock;
  return clock;
}

}  // namespace logcask
