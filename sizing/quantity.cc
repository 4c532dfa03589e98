#include "sizing/quantity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>

#include "base/mutant.h"
#include "sizing/keydir_cost.h"
#include "sizing/verdict.h"

namespace logcask::sizing {
namespace {

struct Scale {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kThousand = 1000, kKibi = 1024;
constexpr Scale kCounts[] = {{"", 1},
                             {"k", kThousand},
                             {"M", kThousand* kThousand},
                             {"B", kThousand* kThousand* kThousand},
                             {"T", kThousand* kThousand* kThousand* kThousand}};
constexpr Scale kBytes[] = {{"B", 1},
                            {"KB", kThousand},
                            {"KiB", kKibi},
                            {"MB", kThousand* kThousand},
                            {"MiB", kKibi* kKibi},
                            {"GB", kThousand* kThousand* kThousand},
                            {"GiB", kKibi* kKibi* kKibi},
                            {"TB", kThousand* kThousand* kThousand* kThousand},
                            {"TiB", kKibi* kKibi* kKibi* kKibi},
                            {"PB", kThousand* kThousand* kThousand* kThousand* kThousand},
                            {"PiB", kKibi* kKibi* kKibi* kKibi* kKibi}};
constexpr Scale kTimes[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

std::span<const Scale> scales_of(Unit unit) {
  if (unit == Unit::count) return kCounts;
  if (unit == Unit::bytes) return kBytes;
  return kTimes;
}

const char* example_of(Unit unit) {
  if (unit == Unit::count) return "a count such as 5000, 250k, 10M or 1B";
  if (unit == Unit::bytes) return "a size such as 512, 4 KiB, 256 MB or 2 GiB (KB is 1000, KiB 1024)";
  return "a time such as 100 ms, 1 s, 5 min or 2 h";
}

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Commas before exactly three digits each, none behind a point; '_' between digits.
bool well_grouped(std::string_view number) {
  const std::size_t point = std::min(number.find('.'), number.size());
  if (number.find(',', point) != std::string_view::npos) return false;
  std::size_t since = 0;  // digits since the start or the last comma
  bool comma = false;
  for (std::size_t at = 0; at < point; ++at) {
    if (is_digit(number[at])) {
      ++since;
    } else if (number[at] == ',') {
      if (since == 0 || since > 3 || (comma && since != 3)) return false;
      comma = true;
      since = 0;
    }
  }
  if (comma && since != 3) return false;
  for (std::size_t at = 0; at < number.size(); ++at)
    if (number[at] == '_' &&
        (at == 0 || at + 1 == number.size() || !is_digit(number[at - 1]) || !is_digit(number[at + 1])))
      return false;
  return true;
}

// The number's text; moves `text` to the unit.
std::string_view take_number_of_quantity(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789.,_"), text.size());
  const std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return number;
}

std::string without_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string scaled_bytes(double bytes, double step, std::span<const char* const> names, int digits) {
  std::size_t unit = 0;
  while (bytes >= step && unit + 1 < names.size()) {
    bytes /= step;
    ++unit;
  }
  return rounded(bytes, unit == 0 ? 0 : digits) + " " + names[unit];
}

}  // namespace

Result<std::uint64_t> parse_quantity(Unit unit, std::string_view text) {
  const auto refuse = [&, whole = std::string(text)](const std::string& why) {
    return Error{Errc::invalid_argument, "'" + whole + "' is not " + example_of(unit) + why};
  };
  const std::string_view grouped_digits = take_number_of_quantity(text);
  if (!well_grouped(grouped_digits))
    return refuse(grouped_digits.find(',') != std::string_view::npos
                      ? ": a comma stands before three digits (1,500), a point parts a fraction (1.5)"
                      : "");
  std::string digits;
  for (const char c : grouped_digits)
    if (c != ',' && c != '_') digits += c;
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return refuse("");
  const std::string_view word = text.empty() && unit == Unit::bytes   ? "B"
                                : text.empty() && unit != Unit::count ? "ms"
                                                                      : text;
  for (const Scale& scale : scales_of(unit)) {
    if (!same_word(scale.name, word) && !(unit == Unit::count && scale.name == "B" && same_word(word, "G"))) continue;
    const double value = number * static_cast<double>(scale.factor);
    if (value >= 9.0e18) return refuse(": too large");
    if (std::fabs(value - std::nearbyint(value)) > 1e-6 * std::max(1.0, value * 1e-9))
      return refuse(": it is not whole");
    return static_cast<std::uint64_t>(std::nearbyint(value));
  }
  return refuse("");
}

std::string quantity_text(Unit unit, std::uint64_t number) {
  std::string number_part = grouped(number);
  std::string best = unit == Unit::count ? number_part : number_part + (unit == Unit::bytes ? " B" : " ms");
  for (const Scale& scale : scales_of(unit)) {
    // At most two decimals, so that what is printed is the number itself.
    if (scale.factor == 1 || number < scale.factor || number > UINT64_MAX / 100 || number * 100 % scale.factor != 0)
      continue;
    const double value = static_cast<double>(number) / static_cast<double>(scale.factor);
    const std::string text = rounded(value, 2);
    if (text.size() >= number_part.size()) continue;
    number_part = text;
    best = text + (unit == Unit::count ? "" : " ") + std::string(scale.name);
  }
  return best;
}

std::string rounded(double number, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return without_zeros(buffer);
}

std::string decimal_bytes(double bytes, int digits) {
  static const char* const kNames[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  return scaled_bytes(bytes, 1000, kNames, digits);
}

std::string binary_bytes(double bytes, int digits) {
  static const char* const kNames[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  return scaled_bytes(bytes, 1024, kNames, digits);
}

std::string short_bytes(std::uint64_t bytes) {
  constexpr std::size_t kShort = 8;
  // In whole entries a limit is up to one entry below what was set.
  if (const std::uint64_t set = bytes / kKibi * kKibi + kKibi; bytes >= kKibi && set - bytes < kLogcaskEntryBytes)
    return short_bytes(set);
  const std::string exact = quantity_text(Unit::bytes, bytes);
  if (exact.size() <= kShort) return exact;
  const auto number = static_cast<double>(bytes);
  std::string decimal = decimal_bytes(number, 2), binary = binary_bytes(number, 2);
  return binary.find(' ') < decimal.find(' ') ? binary : decimal;
}

std::string bytes_beside(double bytes, std::uint64_t limit, int digits) {
  const bool binary = short_bytes(limit).ends_with("iB") && !mutant(Mutant::units_not_of_limit);
  return binary ? binary_bytes(bytes, digits) : decimal_bytes(bytes, digits);
}

std::string both_bytes(double bytes, int digits) {
  return bytes < 1000 ? decimal_bytes(bytes) : decimal_bytes(bytes, digits) + " = " + binary_bytes(bytes, digits);
}

std::string percent_of(double part, double whole) {
  if (whole <= 0) return part > 0 ? "all" : "0%";
  const double percent = 100 * part / whole;
  const std::string text = rounded(percent, percent < 10 ? 2 : percent < 1000 ? 1 : 0);
  // Compared as verdict() does, so that the word and the share never differ.
  for (const double share : {kAdviceShare, kTightShare, 1.0})
    if (text == rounded(100 * share, 0) && part != share * whole)
      return (part > share * whole ? "just above " : "just below ") + text + "%";
  return text + "%";
}

std::uint64_t whole(double number) {
  constexpr std::uint64_t kMost = INT64_MAX;
  if (number >= static_cast<double>(kMost)) return kMost;
  return number > 0 ? static_cast<std::uint64_t>(std::ceil(number)) : 0;
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string about_seconds(double seconds) {
  constexpr double kMinute = 60, kHour = 3600, kDay = 86'400, kYear = 365 * kDay;
  if (seconds < 1) return rounded(seconds * 1000, seconds < 0.01 ? 1 : 0) + " ms";
  if (seconds < 2 * kMinute) return rounded(seconds, 1) + " s";
  if (seconds < 2 * kHour) return rounded(seconds / kMinute, 1) + " min";
  if (seconds < 2 * kDay) return rounded(seconds / kHour, 1) + " h";
  if (seconds < 2 * kYear) return rounded(seconds / kDay, 1) + " days";
  if (seconds < 100 * kYear) return rounded(seconds / kYear, 1) + " years";
  return "more than 100 years";
}

}  // namespace logcask::sizing
