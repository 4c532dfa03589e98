#pragma once
// A progress line on stderr, redrawn in place at most ten times a second. Drawn only when stderr is a terminal and
// neither NO_COLOR nor CI is set; then and only then anything is printed.

#include <chrono>
#include <cstdint>
#include <string>

namespace logcask::cli {

class Progress {
 public:
  // Where records go to standard output, a line between them on the same terminal helps nobody.
  enum class Output { of_the_verb, of_records };
  // `what`: "produced", "replayed".
  explicit Progress(std::string what, Output output = Output::of_the_verb);
  // Clears the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0 = unknown: count and rate only, no bar.
  void update(std::uint64_t done, std::uint64_t total, const std::string& unit = "records");

 private:
  std::string what_;
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

// Is stderr a terminal that wants bars?
bool progress_wanted();

// "[#####.....]  50%": the bar of the line.
std::string progress_bar(std::uint64_t done, std::uint64_t total, std::size_t width);

}  // namespace logcask::cli
