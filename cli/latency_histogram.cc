#include "cli/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace logcask::cli {

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) {
  if (value < (2u << kSubBits)) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  return (static_cast<std::size_t>(shift) << kSubBits) + (value >> shift);
}

std::uint64_t LatencyHistogram::upper_edge(std::size_t bucket) {
  if (bucket < (2u << kSubBits)) return bucket;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t top = (bucket & ((1u << kSubBits) - 1)) + (1u << kSubBits);
  return ((top + 1) << shift) - 1;
}

void LatencyHistogram::add(std::uint64_t microseconds) {
  ++buckets_[bucket_of(microseconds)];
  ++count_;
  max_ = std::max(max_, microseconds);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t LatencyHistogram::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(upper_edge(i), max_);
  }
  return 0;
}

}  // namespace logcask::cli
