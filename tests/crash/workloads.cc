#include "tests/crash/recording.h"

namespace logcask::testing {

std::vector<Workload> all_workloads() {
  std::vector<Workload> all = partition_workloads();
  std::vector<Workload> topics = topic_workloads();
  for (Workload& workload : topics) all.push_back(std::move(workload));
  return all;
}

}  // namespace logcask::testing
