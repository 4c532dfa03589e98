#pragma once
// Counters and latency histograms of the services: relaxed atomics, no lock, read at any time.
//
// DescribeBroker shows them now; a metrics endpoint will. Names are stable: "produce.requests",
// "produce.errors", "produce.p50_us", ...

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace logcask {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Log-linear: 8 buckets per power of two, so a quantile is at most 12.5 % off. Nanoseconds up to about 18 minutes.
class Histogram {
 public:
  void record(std::uint64_t nanoseconds);
  std::uint64_t count() const;
  // Upper edge of the bucket that holds the q-quantile; 0 when nothing was recorded.
  std::uint64_t quantile_ns(double q) const;

 private:
  static constexpr std::size_t kSubBits = 3;
  static constexpr std::size_t kBuckets = (41 - kSubBits) << kSubBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

enum class ServiceName : std::uint8_t {
  produce,
  fetch,
  list_offsets,
  lookup,
  watch,
  replay,
  groups,
  producer_ids,
  topics,
  admin,
  backup,
};
inline constexpr std::size_t kServiceCount = 11;
std::string_view service_name(ServiceName service);

struct ServiceMetrics {
  Counter requests;
  Counter errors;
  Histogram latency;
  void finished(std::int64_t started_ns, std::int64_t now_ns, bool ok) {
    requests.add();
    if (!ok) errors.add();
    latency.record(static_cast<std::uint64_t>(now_ns > started_ns ? now_ns - started_ns : 0));
  }
};

class Metrics {
 public:
  ServiceMetrics& service(ServiceName name) { return services_[static_cast<std::size_t>(name)]; }

  Counter records_produced, bytes_produced, bytes_fetched, keys_looked_up, keys_found;
  Counter connections_open, connections_accepted, connections_refused, connections_closed_for_errors,
      connections_evicted;
  Counter bytes_received, bytes_sent, streams_open;
  Counter backup_pins, backup_pinned_bytes, backup_expired;

  using Numbers = std::vector<std::pair<std::string, double>>;
  // Numbers kept elsewhere, asked for by list(). Set while nobody lists.
  void add_source(std::function<void(Numbers&)> source) { sources_.push_back(std::move(source)); }

  // Every number under its name, sorted.
  Numbers list() const;

 private:
  std::array<ServiceMetrics, kServiceCount> services_;
  std::vector<std::function<void(Numbers&)>> sources_;
};

}  // namespace logcask
