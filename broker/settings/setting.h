#pragma once
// One row of a table of settings: what it is called, what it may be, what it means. Broker settings
// (config.h) and topic settings (topic_config.h) are two such tables; docs/CONFIG.md is printed from them.
//
// Values. Pure functions, any thread. Errors are invalid_config and name the setting and what it allows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace logcask {

enum class SettingType : std::uint8_t {
  integer,
  bytes,         // accepts the suffixes KB MB GB TB, of 1000, and KiB MiB GiB TiB, of 1024
  milliseconds,  // accepts the suffixes ms s min h d
  ratio,
  text,
  choice,   // one of `choices`
  choices,  // a comma-separated list of them
};

struct SettingInfo {
  std::string_view name = {};
  SettingType type = SettingType::text;
  std::string_view default_text = {};
  // Range of numbers, both ends allowed.
  std::int64_t min = 0;
  std::int64_t max = INT64_MAX;
  std::string_view choices = {};  // "a|b|c"
  std::string_view description = {};
  // A number outside the range that has a meaning of its own, e.g. -1 for unlimited.
  std::optional<std::int64_t> special = {};
  std::string_view special_meaning = {};
  bool reload = false;  // a running broker takes a new value at SIGHUP
};

// "bytes", "milliseconds", ... as CONFIG.md and error messages name them.
std::string_view setting_type_name(SettingType type);
// "at least 0 bytes, or -1 (unlimited)", "1 to 5", "one of none, gzip".
std::string setting_range(const SettingInfo& info);

// For integer, bytes and milliseconds. Beside a unit a fraction may stand where the whole is none: 1.5 MiB.
Result<std::int64_t> parse_number(const SettingInfo& info, std::string_view text);
Result<double> parse_ratio(const SettingInfo& info, std::string_view text);
Result<std::string> parse_choice(const SettingInfo& info, std::string_view text);
Result<std::vector<std::string>> parse_choices(const SettingInfo& info, std::string_view text);

// The error for a name that no row of the table has; suggests the nearest one when it is near enough.
Error unknown_setting(std::string_view name, std::span<const SettingInfo* const> table);

// "did you mean": the nearest of `names` within a third of the length, else one that begins with the other, or nothing.
std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace logcask
