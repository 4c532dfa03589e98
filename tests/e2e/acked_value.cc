#include "tests/e2e/acked_value.h"

#include <charconv>

namespace logcask::testing {

std::optional<std::string> value_of(std::int64_t number) {
  if (is_delete(number)) return std::nullopt;
  return std::to_string(number) + std::string(static_cast<std::size_t>(number % 300), 'x');
}

std::optional<std::int64_t> number_of(const std::string& value) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parsed.ec != std::errc() || number <= 0 || value_of(number) != value) return std::nullopt;
  return number;
}

}  // namespace logcask::testing
