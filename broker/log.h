#pragma once
// The broker's log, on stderr. The only place that sees spdlog. Any thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace logcask {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

// "trace" ... "error"; anything else is info.
void set_log_level(std::string_view name);
// Whether a line of this level would be written: ask before a line is put together on a path that is often taken.
bool log_enabled(LogLevel level);
// Control characters are shown as '?', so that a name cannot forge a line.
void log_line(LogLevel level, std::string_view text);
inline void log_debug(std::string_view text) { log_line(LogLevel::debug, text); }
inline void log_info(std::string_view text) { log_line(LogLevel::info, text); }
inline void log_warn(std::string_view text) { log_line(LogLevel::warn, text); }
inline void log_error(std::string_view text) { log_line(LogLevel::error, text); }

// What peers can cause, so that no peer can fill the disk with lines: of each kind at most kPeerLines in
// kPeerLinesPeriodMs, and the first line after that says how many were left out.
enum class PeerEvent : std::uint8_t { protocol_error, connection_refused };
inline constexpr int kPeerLines = 10;
inline constexpr std::int64_t kPeerLinesPeriodMs = 10'000;
void log_peer(PeerEvent event, std::string_view text);

void flush_log();

}  // namespace logcask
