#include "bench/figures.h"

#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace logcask::bench {

std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

double process_cpu_seconds() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

void sleep_until(std::uint64_t at_ns) {
  timespec t{};
  t.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000);
  t.tv_nsec = static_cast<long>(at_ns % 1'000'000'000);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr);
}

void print_figure(std::string_view name, double value) {
  std::printf("%.*s %.6g\n", static_cast<int>(name.size()), name.data(), value);
}

void print_latency(const LatencyHistogram& nanoseconds) {
  print_figure("p50_us", static_cast<double>(nanoseconds.percentile(0.5)) / 1e3);
  print_figure("p99_us", static_cast<double>(nanoseconds.percentile(0.99)) / 1e3);
  print_figure("p999_us", static_cast<double>(nanoseconds.percentile(0.999)) / 1e3);
  print_figure("max_us", static_cast<double>(nanoseconds.max()) / 1e3);
}

Measurement::Measurement() : start_ns_(now_ns()), start_cpu_(process_cpu_seconds()) {}

void Measurement::stop(std::uint64_t operations, std::uint64_t payload_bytes) const {
  const double seconds = static_cast<double>(now_ns() - start_ns_) * 1e-9;
  print_figure("seconds", seconds);
  print_figure("ops", static_cast<double>(operations));
  print_figure("payload_bytes", static_cast<double>(payload_bytes));
  print_figure("ops_s", static_cast<double>(operations) / seconds);
  print_figure("MB_s", static_cast<double>(payload_bytes) / 1e6 / seconds);
  print_figure("client_cpu_s", process_cpu_seconds() - start_cpu_);
}

void die(std::string_view what) {
  std::fflush(stdout);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}
void die(const Error& error) { die(std::string_view(error.to_string())); }
void die_errno(std::string_view what) { die(std::string(what) + ": " + std::strerror(errno)); }

}  // namespace logcask::bench
