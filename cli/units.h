#pragma once
// Numbers and times as people read and write them.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace logcask::cli {

std::string bytes_text(std::uint64_t bytes);        // "512 B", "1.5 MB", as sizing/quantity.h says
std::string timestamp_text(TimestampMs timestamp);  // "2026-01-31T12:00:00.000Z"; "-" below zero

// RFC 3339 ("2026-01-31T12:00:00Z", fraction and offset allowed, a space instead of T too). invalid_argument otherwise.
Result<TimestampMs> parse_rfc3339(const std::string& text);

// A whole number and nothing else.
Result<std::int64_t> parse_number(std::string_view text);

}  // namespace logcask::cli
