#pragma once
// Every rule of a plan by its name, with what `logcask plan --explain` says of it.

#include <span>
#include <string_view>

namespace logcask::sizing {

inline constexpr std::string_view kKeydirRam = "keydir-ram";
inline constexpr std::string_view kRangeQuery = "range-query";
inline constexpr std::string_view kSyncStrategy = "sync-strategy";
inline constexpr std::string_view kTombstone = "tombstone";
inline constexpr std::string_view kMergeCadence = "merge-cadence";
inline constexpr std::string_view kHintFiles = "hint-files";
inline constexpr std::string_view kVerdictRule = "verdict";
inline constexpr std::string_view kEngineRule = "engine";
inline constexpr std::string_view kScoresRule = "scores";
inline constexpr std::string_view kSumsRule = "sums";

struct Rule {
  std::string_view name;
  std::string_view explanation;  // what it compares, why, and what mends it
};

// The six checks first, in their order.
std::span<const Rule> rules();
const Rule* find_rule(std::string_view name);

}  // namespace logcask::sizing
