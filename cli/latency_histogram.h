#pragma once
// Latencies in buckets 3% wide: counts in constant memory, percentiles within a bucket. Not thread-safe; merge instead.

#include <array>
#include <cstdint>

namespace logcask::cli {

class LatencyHistogram {
 public:
  void add(std::uint64_t microseconds);
  void merge(const LatencyHistogram& other);
  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  // The upper edge of the bucket that holds the given share (0.99) of the values; 0 when empty.
  std::uint64_t percentile(double share) const;

 private:
  // 32 buckets per power of two: values below 64 are exact.
  static constexpr unsigned kSubBits = 5;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<std::uint64_t, (64 - kSubBits + 1) << kSubBits> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace logcask::cli
