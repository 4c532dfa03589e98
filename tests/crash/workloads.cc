#include "tests/crash/recording.h"

namespace logcask::testing {

std::vector<Workload> all_workloads() {
  std::vector<Workload> all = partition_workloads();
  return all;
}

}  // namespace logcask::testing
