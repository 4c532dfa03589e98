#include "broker/door/active_segment_why.h"

#include <algorithm>

namespace logcask {
namespace {

// "6 d 23 h", "4 min", "12 s": two units at most, rounded down.
std::string wait_text(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{86'400'000, " d"}, {3'600'000, " h"}, {60'000, " min"}, {1000, " s"}};
  std::string text;
  int units = 0;
  for (const Unit& unit : kUnits) {
    if (units == 2 || (ms < unit.ms && units == 0)) continue;
    if (const std::int64_t count = ms / unit.ms; count > 0)
      text += (text.empty() ? "" : " ") + std::to_string(count) + unit.name;
    ms %= unit.ms;
    ++units;
  }
  return text.empty() ? "less than a second" : text;
}

}  // namespace

std::string why_active(const PartitionConfig& config, std::uint64_t bytes, TimestampMs first_append,
                       TimestampMs last_append, TimestampMs now) {
  if (bytes == 0 || first_append < TimestampMs(0)) return "empty";
  std::string why = "takes appends until it has segment.bytes (" + std::to_string(bytes) + " of " +
                    std::to_string(config.segment_bytes) + ")";
  const bool lag_is_sooner = config.max_compaction_lag_ms < config.segment_ms;
  const std::int64_t limit = std::min(config.segment_ms, config.max_compaction_lag_ms);
  const std::int64_t left = limit - std::max<std::int64_t>(now.value() - first_append.value(), 0);
  const auto passes = [](const char* setting, std::int64_t in_ms) {
    return std::string(setting) + " passes (" + (in_ms > 0 ? "in " + wait_text(in_ms) : "now") + ")";
  };
  if (config.deletes && config.retention_ms >= 0) {
    const std::int64_t kept = config.retention_ms - std::max<std::int64_t>(now.value() - last_append.value(), 0);
    if (kept < left) return why + " or " + passes("retention.ms", kept) + ", then it goes";
  }
  why += " or " + passes(lag_is_sooner ? "max.compaction.lag.ms" : "segment.ms", left);
  if (config.compacted) return why + ", then it is compacted; 'logcask compact' closes it now";
  return why + ", then retention may remove it";
}

}  // namespace logcask
