#include "sizing/plan.h"

#include "sizing/sums.h"

namespace logcask::sizing {
namespace {

constexpr double kTebibyte = 1024.0 * 1024 * 1024 * 1024;

InverseSums inverse_sums(const Workload& workload, const Figures& f) {
  InverseSums sums;
  const auto ram = static_cast<double>(workload.ram_budget);
  sums.keys = keys_of_ram(f.cost, ram, workload.key_bytes);
  sums.disk_of_keys = disk_of_ram(f.cost, ram, workload.key_bytes, f.disk_per_key);
  sums.disk = workload.disk_bytes ? static_cast<double>(*workload.disk_bytes) : kTebibyte;
  sums.ram_of_that_disk = ram_of_disk(f.cost, sums.disk, workload.key_bytes, f.disk_per_key);
  return sums;
}

}  // namespace

Plan make_plan(const Workload& workload, const KeydirCost& model) {
  Plan plan;
  plan.workload = workload;
  plan.workload.max_partitions = most_partitions(workload);
  plan.judged = figures(workload, model);
  plan.logcask = figures(workload, kLogcask);
  plan.bitcask = figures(workload, kBitcask);
  plan.findings = check_workload(workload, plan.judged);
  plan.recommendation = recommend_engine(workload, plan.judged);
  plan.scores = scores(workload, plan.judged);
  plan.axes = axes(workload, plan.logcask);
  plan.sums = inverse_sums(workload, plan.judged);
  return plan;
}

}  // namespace logcask::sizing
