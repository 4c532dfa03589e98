#include "broker/metrics.h"

#include <algorithm>
#include <bit>

namespace logcask {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t kSub = 1u << kSubBits;
  if (value < kSub) return value;
  const std::size_t shift = std::bit_width(value) - kSubBits - 1;
  const std::size_t bucket = ((shift + 1) << kSubBits) + ((value >> shift) - kSub);
  return std::min(bucket, kBuckets - 1);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
  constexpr std::uint64_t kSub = 1u << kSubBits;
  if (bucket < kSub) return bucket;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  return ((kSub + (bucket & (kSub - 1)) + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t nanoseconds) {
  buckets_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
  return total;
}

std::uint64_t Histogram::quantile_ns(double q) const {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(total - 1)) + 1;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= wanted) return upper_edge(i);
  }
  return upper_edge(kBuckets - 1);
}

std::string_view service_name(ServiceName service) {
  static constexpr std::array<std::string_view, kServiceCount> kNames = {
      "produce", "fetch",        "list_offsets", "lookup", "watch", "replay",
      "groups",  "producer_ids", "topics",       "admin",  "backup"};
  return kNames[static_cast<std::size_t>(service)];
}

Metrics::Numbers Metrics::list() const {
  Numbers list;
  const auto put = [&list](std::string name, double value) { list.emplace_back(std::move(name), value); };
  for (std::size_t i = 0; i < kServiceCount; ++i) {
    const std::string name(service_name(static_cast<ServiceName>(i)));
    const ServiceMetrics& service = services_[i];
    put(name + ".requests", static_cast<double>(service.requests.value()));
    put(name + ".errors", static_cast<double>(service.errors.value()));
    // Streams have none.
    if (service.latency.count() == 0) continue;
    put(name + ".p50_us", static_cast<double>(service.latency.quantile_ns(0.5)) / 1000);
    put(name + ".p99_us", static_cast<double>(service.latency.quantile_ns(0.99)) / 1000);
    put(name + ".p999_us", static_cast<double>(service.latency.quantile_ns(0.999)) / 1000);
  }
  const auto count = [&put](const char* name, const Counter& counter) {
    put(name, static_cast<double>(counter.value()));
  };
  count("records_produced", records_produced);
  count("bytes_produced", bytes_produced);
  count("bytes_fetched", bytes_fetched);
  count("keys_looked_up", keys_looked_up);
  count("keys_found", keys_found);
  count("connections.open", connections_open);
  count("connections.accepted", connections_accepted);
  count("connections.refused", connections_refused);
  count("connections.closed_for_errors", connections_closed_for_errors);
  count("connections.evicted", connections_evicted);
  count("bytes_received", bytes_received);
  count("bytes_sent", bytes_sent);
  count("streams.open", streams_open);
  count("backup.pins", backup_pins);
  count("backup.pinned_bytes", backup_pinned_bytes);
  count("backup.expired", backup_expired);
  for (const auto& source : sources_) source(list);
  std::sort(list.begin(), list.end());
  return list;
}

}  // namespace logcask
