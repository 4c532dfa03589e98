#include "broker/settings/setting.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace logcask {
namespace {

struct Suffix {
  std::string_view text;
  std::int64_t factor;
};
// As sizing/quantity.h reads and prints sizes. "B" comes last: the others end in it.
constexpr Suffix kByteSuffixes[] = {{"KB", 1000},
                                    {"KiB", 1 << 10},
                                    {"MB", 1'000'000},
                                    {"MiB", 1 << 20},
                                    {"GB", 1'000'000'000},
                                    {"GiB", 1 << 30},
                                    {"TB", 1'000'000'000'000},
                                    {"TiB", std::int64_t{1} << 40},
                                    {"B", 1}};
constexpr Suffix kTimeSuffixes[] = {{"ms", 1}, {"min", 60'000}, {"s", 1000}, {"h", 3'600'000}, {"d", 86'400'000}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::span<const Suffix> suffixes_of(SettingType type) {
  if (type == SettingType::bytes) return kByteSuffixes;
  if (type == SettingType::milliseconds) return kTimeSuffixes;
  return {};
}

Error refused(const SettingInfo& info, std::string_view text) {
  std::string suffixes;
  for (const Suffix& suffix : suffixes_of(info.type))
    suffixes += (suffixes.empty() ? "" : " ") + std::string(suffix.text);
  return Error{Errc::invalid_config, std::string(info.name) + " = '" + std::string(text) +
                                         "' is not allowed; it takes " + setting_range(info) +
                                         (suffixes.empty() ? "" : "; units: " + suffixes)};
}

// The whole of `text` as a number.
template <class T>
bool parse_whole(std::string_view text, T& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

// "3" or, beside a unit, "1.5": exactly, so whole once it is multiplied.
bool parse_scaled(std::string_view text, std::int64_t factor, std::int64_t& out) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return parse_whole(text, out) && !__builtin_mul_overflow(out, factor, &out);
  constexpr std::size_t kMostDecimals = 6;
  const std::string_view decimals = text.substr(point + 1);
  const bool digits_only = text.find_first_not_of("0123456789.") == std::string_view::npos;
  if (factor == 1 || !digits_only || decimals.size() > kMostDecimals) return false;
  std::int64_t fraction = 0, parts = 1;
  if (!parse_whole(text.substr(0, point), out) || !parse_whole(decimals, fraction)) return false;
  for (std::size_t i = 0; i < decimals.size(); ++i) parts *= 10;
  fraction *= factor;
  return fraction % parts == 0 && !__builtin_mul_overflow(out, factor, &out) &&
         !__builtin_add_overflow(out, fraction / parts, &out);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1u : 0u)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// "--live" for "--live-only", "--data-dir" for "--data": three letters at least.
bool one_begins_the_other(std::string_view a, std::string_view b) {
  const std::string_view shorter = a.size() < b.size() ? a : b;
  const std::size_t dashes = std::min(shorter.find_first_not_of('-'), shorter.size());
  return shorter.size() - dashes >= 3 && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

std::string_view setting_type_name(SettingType type) {
  switch (type) {
    case SettingType::integer:
      return "integer";
    case SettingType::bytes:
      return "bytes";
    case SettingType::milliseconds:
      return "milliseconds";
    case SettingType::ratio:
      return "ratio";
    case SettingType::text:
      return "text";
    case SettingType::choice:
      return "choice";
    case SettingType::choices:
      return "list";
  }
  return "text";
}

std::string setting_range(const SettingInfo& info) {
  if (info.type == SettingType::text) return "text";
  if (info.type == SettingType::choice || info.type == SettingType::choices) {
    std::string names(info.choices);
    for (std::size_t at = 0; (at = names.find('|', at)) != std::string::npos;) names.replace(at, 1, ", ");
    return (info.type == SettingType::choice ? "one of " : "a comma-separated list of ") + names;
  }
  std::string range = "at least " + std::to_string(info.min);
  if (info.max != INT64_MAX) range = std::to_string(info.min) + " to " + std::to_string(info.max);
  if (info.type == SettingType::bytes || info.type == SettingType::milliseconds)
    range += " " + std::string(setting_type_name(info.type));
  if (info.special) range += ", or " + std::to_string(*info.special) + " (" + std::string(info.special_meaning) + ")";
  return range;
}

Result<std::int64_t> parse_number(const SettingInfo& info, std::string_view original) {
  std::string_view text = trimmed(original);
  std::int64_t factor = 1;
  for (const Suffix& suffix : suffixes_of(info.type)) {
    if (text.size() <= suffix.text.size() || !text.ends_with(suffix.text)) continue;
    factor = suffix.factor;
    text = trimmed(text.substr(0, text.size() - suffix.text.size()));
    break;
  }
  std::int64_t number = 0;
  if (!parse_scaled(text, factor, number)) return refused(info, original);
  if (info.special && factor == 1 && number == *info.special) return number;
  if (number < info.min || number > info.max) return refused(info, original);
  return number;
}

Result<double> parse_ratio(const SettingInfo& info, std::string_view text) {
  double number = 0;
  if (!parse_whole(trimmed(text), number) || !std::isfinite(number)) return refused(info, text);
  if (number < static_cast<double>(info.min) || number > static_cast<double>(info.max)) return refused(info, text);
  return number;
}

Result<std::string> parse_choice(const SettingInfo& info, std::string_view text) {
  const std::string_view word = trimmed(text);
  for (const std::string_view choice : split(info.choices, '|'))
    if (choice == word) return std::string(word);
  return refused(info, text);
}

Result<std::vector<std::string>> parse_choices(const SettingInfo& info, std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ',')) {
    auto choice = parse_choice(info, word);
    if (!choice.ok()) return refused(info, text);
    words.push_back(std::move(choice).value());
  }
  return words;
}

std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> names) {
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string_view candidate : names) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  if (best) return best;
  for (const std::string_view candidate : names)
    if (one_begins_the_other(name, candidate)) return candidate;
  return std::nullopt;
}

Error unknown_setting(std::string_view name, std::span<const SettingInfo* const> table) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const SettingInfo* info : table) names.push_back(info->name);
  std::string message = "there is no setting '" + std::string(name.substr(0, 100)) + "'";
  if (name.size() <= 100)
    if (const auto near = nearest_name(name, names)) message += "; did you mean '" + std::string(*near) + "'?";
  return Error{Errc::invalid_config, message};
}

}  // namespace logcask
