#include "cli/units.h"

#include <charconv>
#include <chrono>
#include <cstdio>

#include "sizing/quantity.h"

namespace logcask::cli {
namespace {

constexpr std::int64_t kDayMs = 86400000;

Error not_a_time(const std::string& text) {
  return Error{Errc::invalid_argument, "'" + text + "' is not a time like 2026-01-31T12:00:00Z"};
}

// Reads exactly `digits` digits at `at` and moves past them; -1 when there are none.
int take_digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char digit = text[at + i];
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
  }
  at += digits;
  return value;
}

bool take_char(std::string_view text, std::size_t& at, std::string_view allowed) {
  if (at >= text.size() || allowed.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

// ".123456": milliseconds; further digits are cut.
std::int64_t take_fraction_ms(std::string_view text, std::size_t& at) {
  if (!take_char(text, at, ".")) return 0;
  std::int64_t ms = 0;
  std::int64_t scale = 100;
  const std::size_t start = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    ms += (text[at++] - '0') * scale;
    scale /= 10;
  }
  return at == start ? -1 : ms;
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) { return sizing::decimal_bytes(static_cast<double>(bytes)); }

std::string timestamp_text(TimestampMs timestamp) {
  if (timestamp.value() < 0) return "-";
  const std::int64_t days = timestamp.value() / kDayMs;
  const std::int64_t ms = timestamp.value() % kDayMs;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(ms / 3600000),
                static_cast<int>(ms / 60000 % 60), static_cast<int>(ms / 1000 % 60), static_cast<int>(ms % 1000));
  return buffer;
}

Result<TimestampMs> parse_rfc3339(const std::string& text) {
  std::size_t at = 0;
  const int year = take_digits(text, at, 4);
  const bool dash = take_char(text, at, "-");
  const int month = take_digits(text, at, 2);
  const bool dash2 = take_char(text, at, "-");
  const int day = take_digits(text, at, 2);
  const bool middle = take_char(text, at, "Tt ");
  const int hour = take_digits(text, at, 2);
  const bool colon = take_char(text, at, ":");
  const int minute = take_digits(text, at, 2);
  const bool colon2 = take_char(text, at, ":");
  const int second = take_digits(text, at, 2);
  const std::int64_t fraction = take_fraction_ms(text, at);
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0 || !dash || !dash2 || !middle ||
      !colon || !colon2 || fraction < 0 || hour > 23 || minute > 59 || second > 60)
    return not_a_time(text);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return not_a_time(text);
  std::int64_t offset_minutes = 0;
  if (!take_char(text, at, "Zz")) {
    const bool plus = at < text.size() && text[at] == '+';
    if (!take_char(text, at, "+-")) return not_a_time(text);
    const int hours = take_digits(text, at, 2);
    const bool between = take_char(text, at, ":");
    const int minutes = take_digits(text, at, 2);
    if (hours < 0 || hours > 23 || !between || minutes < 0 || minutes > 59) return not_a_time(text);
    offset_minutes = (plus ? 1 : -1) * (hours * 60 + minutes);
  }
  if (at != text.size()) return not_a_time(text);
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds = hour * 3600 + (minute - offset_minutes) * 60 + second;
  return TimestampMs(days * kDayMs + seconds * 1000 + fraction);
}

Result<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return Error{Errc::invalid_argument, "'" + std::string(text) + "' is not a whole number"};
  return value;
}

}  // namespace logcask::cli
