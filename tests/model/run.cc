#include "tests/model/run.h"

#include <cstdlib>
#include <iostream>

namespace logcask::testing {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

PartitionConfig random_config(Random& random, const ConfigShape& shape) {
  const auto up_to = [&](std::uint64_t end) { return static_cast<std::int64_t>(random.below(end)); };
  PartitionConfig config;
  config.segment_bytes = 150 + up_to(shape.segment_bytes);
  config.offset_reserve = 4 + up_to(shape.offset_reserve);
  config.hint_spill_bytes = 100 + up_to(shape.hint_spill_bytes);
  config.delete_retention_ms = up_to(shape.delete_retention_ms);
  config.tail_buffer_bytes = 1 << 20;
  config.min_cleanable_dirty_ratio = 0.1 + 0.1 * static_cast<double>(random.below(5));
  if (random.one_in(4)) config.min_compaction_lag_ms = shape.min_compaction_lag_ms;
  if (random.one_in(4)) config.delete_mode = DeleteMode::keep;
  if (random.one_in(4)) config.read_visibility = ReadVisibility::written;
  if (random.one_in(4)) config.segment_ms = shape.segment_ms;
  if (random.one_in(3)) {
    config.deletes = true;
    config.retention_ms = shape.retention_ms;
    if (random.one_in(2)) config.retention_bytes = shape.retention_bytes;
  }
  return config;
}

void Trace::say(const std::string& what) {
  static const bool kVerbose = std::getenv("LOGCASK_TEST_VERBOSE") != nullptr;
  if (kVerbose) std::cerr << "  " + what + "\n";
  lines_.push_back(what);
  if (lines_.size() > kept_) lines_.pop_front();
}

std::string Trace::text() const {
  std::string text;
  for (const std::string& line : lines_) text += "\n  " + line;
  return text;
}

}  // namespace logcask::testing
