#pragma once
// What the tests that drive a partition by seed have in common: its settings, and what was done last.

#include <cstdint>
#include <deque>
#include <string>

#include "base/random.h"
#include "partition/config.h"

namespace logcask::testing {

// The number in an environment variable.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise);

// Settings so small that everything happens often. The sizes and times are the upper ends of what is drawn, or what a
// setting is when it is drawn at all.
struct ConfigShape {
  std::uint64_t segment_bytes = 0;
  std::uint64_t offset_reserve = 0;
  std::uint64_t hint_spill_bytes = 0;
  std::uint64_t delete_retention_ms = 0;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t segment_ms = 0;
  std::int64_t retention_ms = 0;
  std::int64_t retention_bytes = 0;
};
PartitionConfig random_config(Random& random, const ConfigShape& shape);

// The last steps of a run. LOGCASK_TEST_VERBOSE prints each at once, for a run that ends in an abort.
class Trace {
 public:
  explicit Trace(std::size_t kept) : kept_(kept) {}
  void say(const std::string& what);
  std::string text() const;

 private:
  const std::size_t kept_;
  std::deque<std::string> lines_;
};

}  // namespace logcask::testing
