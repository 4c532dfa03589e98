#pragma once
// The broker's log, on stderr. The only place that sees spdlog. Any thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace logcask {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

// "trace" ... "error"; anything else is info.
void set_log_level(std::string_view name);
// Control characters are shown as '?', so that a name cannot forge a line.
void log_line(LogLevel level, std::string_view text);
inline void log_info(std::string_view text) { log_line(LogLevel::info, text); }
inline void log_warn(std::string_view text) { log_line(LogLevel::warn, text); }
inline void log_error(std::string_view text) { log_line(LogLevel::error, text); }
void flush_log();

}  // namespace logcask
