#pragma once
// A workload that has run once on a MemoryFileSystem, with what it had promised at each mark; and how an image of its
// disk is checked against that. Checks throw Violation (tests/support/plain_checks.h).

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/support/crash_states.h"

namespace logcask::testing {

class Recording {
 public:
  virtual ~Recording() = default;
  virtual const MemoryFileSystem& disk() = 0;
  // Opens the image, compares, writes more, compacts, reopens, compares again. Takes the image.
  virtual void check(CrashState& crash) = 0;
  // A recording of what the recovery of this image does, and a first write after it. Takes the image.
  virtual std::unique_ptr<Recording> recover(CrashState& crash) = 0;
};

struct Workload {
  std::string name;
  // Runs the workload as the seed draws it, on an empty disk.
  std::function<std::unique_ptr<Recording>(std::uint64_t seed, std::unique_ptr<MemoryFileSystem> disk)> record;
};

std::vector<Workload> partition_workloads();
std::vector<Workload> topic_workloads();
// All, in the order of the table.
std::vector<Workload> all_workloads();

}  // namespace logcask::testing
