#include "cli/parse_values.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include "cli/record_text.h"
#include "cli/units.h"

namespace logcask::cli {
namespace {

bool all_digits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<client::StartAt> parse_start(const std::string& text) {
  if (text == "earliest") return client::StartAt::earliest();
  if (text == "latest") return client::StartAt::latest();
  if (all_digits(text)) {
    LOGCASK_ASSIGN(const auto offset, parse_number(text));
    return client::StartAt::offset(Offset(offset));
  }
  if (text.starts_with('@') && all_digits(text.substr(1))) {
    LOGCASK_ASSIGN(const auto time, parse_number(std::string_view(text).substr(1)));
    return client::StartAt::timestamp(TimestampMs(time));
  }
  auto time = parse_rfc3339(text);
  if (!time.ok())
    return Error{
        Errc::invalid_argument,
        "'" + text + "' is no place to start; say earliest, latest, an offset, @UNIX_MS or 2026-01-31T12:00:00Z"};
  return client::StartAt::timestamp(*time);
}

Result<client::Condition> parse_condition(const std::string& text) {
  if (text == "absent") return client::Condition::absent();
  if (text == "exists") return client::Condition::exists();
  if (text.starts_with("offset:") && all_digits(text.substr(7))) {
    LOGCASK_ASSIGN(const auto offset, parse_number(std::string_view(text).substr(7)));
    return client::Condition::at(Offset(offset));
  }
  return Error{Errc::invalid_argument, "--if must be absent, exists or offset:N, not '" + text + "'"};
}

Result<std::string> parse_key_separator(const std::string& text) {
  auto separator = parse_escapes(text);
  if (!separator.ok()) return Error{Errc::invalid_argument, "--key-separator: " + separator.error().message};
  if (separator->empty()) return Error{Errc::invalid_argument, "--key-separator must not be empty"};
  if (separator->find_first_of("\n\r\\") != std::string::npos)
    return Error{Errc::invalid_argument,
                 "--key-separator must hold no line end and no backslash, which lines and escapes are made of"};
  return separator;
}

Result<client::MinOffset> parse_min_offset(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string::npos && all_digits(text.substr(0, colon)) && all_digits(text.substr(colon + 1))) {
    LOGCASK_ASSIGN(const auto partition, parse_number(text.substr(0, colon)));
    LOGCASK_ASSIGN(const auto offset, parse_number(text.substr(colon + 1)));
    if (partition <= std::numeric_limits<std::int32_t>::max())
      return client::MinOffset{PartitionId(static_cast<std::int32_t>(partition)), Offset(offset)};
  }
  return Error{Errc::invalid_argument, "--min-offset wants PARTITION:OFFSET, not '" + text + "'"};
}

std::vector<std::string> each_once(const std::vector<std::string>& keys) {
  std::set<std::string_view> seen;
  std::vector<std::string> once;
  for (const std::string& key : keys)
    if (seen.insert(key).second) once.push_back(key);
  return once;
}

}  // namespace logcask::cli
