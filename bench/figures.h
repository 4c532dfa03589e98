#pragma once
// What every load program measures and prints: lines of "name value" on stdout, read by bench/harness.py.
//
// One thread. Times are monotonic; CPU seconds are those of this process, all its threads.

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/latency_histogram.h"

namespace logcask::bench {

using cli::LatencyHistogram;

std::uint64_t now_ns();
double process_cpu_seconds();
void sleep_until(std::uint64_t at_ns);

void print_figure(std::string_view name, double value);
// p50_us, p99_us, p999_us and max_us of a histogram filled with nanoseconds.
void print_latency(const LatencyHistogram& nanoseconds);

// The work between start and stop: seconds, ops_s, MB_s (10^6 bytes of payload) and the CPU seconds of this process.
class Measurement {
 public:
  Measurement();
  void stop(std::uint64_t operations, std::uint64_t payload_bytes) const;

 private:
  std::uint64_t start_ns_;
  double start_cpu_;
};

// Prints the error on stderr and exits 1.
[[noreturn]] void die(std::string_view what);
[[noreturn]] void die(const Error& error);
[[noreturn]] void die_errno(std::string_view what);

template <class T>
T take(Result<T> result) {
  if (!result.ok()) die(result.error());
  return std::move(result).value();
}
inline void take(const Status& status) {
  if (!status.ok()) die(status.error());
}

}  // namespace logcask::bench
