#pragma once
// Checks every image a power loss may leave of a workload, round after round with the next seed until there were enough
// distinct ones; and of some images every so many of those that a second power loss leaves during their recovery.
//
// An image counts once however often it turns up, and for the mildest profile that makes it: prefix, ordered, worst.
// The same image is checked again where more had been promised by then.

#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>

#include "tests/crash/recording.h"

namespace logcask::testing {

struct EnumerationOptions {
  std::uint64_t seed = 20240607;
  std::size_t images = 6000;        // distinct; the first round is finished whatever comes
  std::size_t second_level = 1200;  // distinct
  std::size_t sample = 1;           // checks one image of so many; the numbers above shrink with it
};

struct EnumerationRow {
  std::string workload;
  std::uint64_t seed = 0;
  std::size_t rounds = 0;
  std::size_t checks = 0;  // images checked, not distinct, without the second level
  std::size_t prefix = 0, ordered = 0, worst = 0;
  std::size_t second_level = 0;
  std::size_t sample = 1;
  double seconds = 0;
  double cpu_seconds = 0;
  std::size_t distinct() const { return prefix + ordered + worst; }
};

class Enumeration {
 public:
  Enumeration(Workload workload, const EnumerationOptions& options)
      : workload_(std::move(workload)), options_(options) {}

  // Throws Violation, with the line that replays it.
  EnumerationRow run();
  const std::unordered_set<std::uint64_t>& digests() const { return digests_; }

 private:
  bool enough() const;
  void run_round(std::uint64_t seed);
  void run_second_level(Recording& recording, CrashState& crash, const std::string& state, std::uint64_t seed);

  const Workload workload_;
  const EnumerationOptions options_;
  EnumerationRow row_;
  std::unordered_set<std::uint64_t> digests_;
  std::unordered_set<std::uint64_t> second_digests_;
  std::size_t passing_ = 0;
};

const char* profile_name(CrashProfile profile);

// Checks one image, "worst-123" or, during its recovery, "worst-123/ordered-17"; tells what it is on stdout.
// Throws Violation.
void replay_state(const Workload& workload, std::uint64_t seed, const std::string& state);

}  // namespace logcask::testing
