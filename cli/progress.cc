#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/units.h"

namespace logcask::cli {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);

bool set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

void write_line(const std::string& line) {
  // A progress line that cannot be drawn is no loss.
  [[maybe_unused]] const auto wrote = ::write(2, line.data(), line.size());
}

}  // namespace

bool progress_wanted() { return ::isatty(2) == 1 && !set("NO_COLOR") && !set("CI"); }

std::string progress_bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
  const double share = total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  std::string percent = std::to_string(static_cast<int>(share * 100));
  percent.insert(0, percent.size() < 3 ? 3 - percent.size() : 0, ' ');
  return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "] " + percent + "%";
}

Progress::Progress(std::string what, Output output)
    : what_(std::move(what)),
      shown_(progress_wanted() && !(output == Output::of_records && ::isatty(1) == 1)),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (drawn_) write_line("\r\x1b[K");
}

void Progress::update(std::uint64_t done, std::uint64_t total, const std::string& unit) {
  if (!shown_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kRedrawEvery) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string line = "\r\x1b[K" + what_ + " ";
  if (total > 0) line += progress_bar(done, total, 30) + "  ";
  const bool bytes = unit == "bytes";
  const double rate = static_cast<double>(done) / std::max(seconds, 0.001);
  line += bytes ? bytes_text(done) + ", " + bytes_text(static_cast<std::uint64_t>(rate)) + "/s"
                : std::to_string(done) + " " + unit + ", " + std::to_string(static_cast<std::uint64_t>(rate)) + "/s";
  write_line(line);
}

}  // namespace logcask::cli
