#pragma once
// The little languages of flags: where to start, what must hold, up to where to have read.

#include <string>
#include <vector>

#include "base/result.h"
#include "logcask/consumer.h"
#include "logcask/record.h"
#include "logcask/table.h"

namespace logcask::cli {

// earliest | latest | OFFSET | @UNIX_MS | RFC 3339
Result<client::StartAt> parse_start(const std::string& text);
// absent | exists | offset:N
Result<client::Condition> parse_condition(const std::string& text);
// What stands between key and value, \t and the like read as in flags.
Result<std::string> parse_key_separator(const std::string& text);
// In the order of their first naming.
std::vector<std::string> each_once(const std::vector<std::string>& keys);
// P:N
Result<client::MinOffset> parse_min_offset(const std::string& text);

}  // namespace logcask::cli
