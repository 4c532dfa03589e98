#include "broker/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

namespace logcask {
namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("logcask", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);  // RFC 3339
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void set_log_level(std::string_view name) {
  for (const LogLevel level : {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
    static constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error"};
    if (kNames[static_cast<std::size_t>(level)] == name) return logger().set_level(to_spdlog(level));
  }
  logger().set_level(spdlog::level::info);
}

void log_line(LogLevel level, std::string_view text) {
  if (!logger().should_log(to_spdlog(level))) return;
  std::string line(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\n' || c == '\t' ? ' ' : '?';
  logger().log(to_spdlog(level), line);
}

bool log_enabled(LogLevel level) { return logger().should_log(to_spdlog(level)); }

void log_peer(PeerEvent event, std::string_view text) {
  struct Quota {
    std::mutex mutex;
    std::chrono::steady_clock::time_point period_began{};
    int lines = 0;
    std::uint64_t left_out = 0;
  };
  static std::array<Quota, 2> quotas;
  if (!log_enabled(LogLevel::info)) return;
  Quota& quota = quotas[static_cast<std::size_t>(event)];
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(quota.mutex);
    const auto now = std::chrono::steady_clock::now();
    if (quota.lines == 0 || now - quota.period_began >= std::chrono::milliseconds(kPeerLinesPeriodMs)) {
      quota.period_began = now;
      quota.lines = 0;
      left_out = std::exchange(quota.left_out, 0);
    }
    if (quota.lines == kPeerLines) {
      ++quota.left_out;
      return;
    }
    ++quota.lines;
  }
  log_info(left_out == 0
               ? std::string(text)
               : std::string(text) + " (" + std::to_string(left_out) + " lines of this kind left out before)");
}

void flush_log() { logger().flush(); }

}  // namespace logcask
