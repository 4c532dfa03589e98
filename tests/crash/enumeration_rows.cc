#include "tests/crash/enumeration_rows.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace logcask::testing {
namespace {

namespace fs = std::filesystem;

std::string path_of(const std::string& directory, const std::string& workload, const char* suffix) {
  return (fs::path(directory) / (workload + suffix)).string();
}

bool load_row(const std::string& directory, const std::string& workload, EnumerationRow& row,
              std::unordered_set<std::uint64_t>& digests) {
  std::ifstream in(path_of(directory, workload, ".row"));
  in >> row.workload >> row.seed >> row.rounds >> row.checks >> row.prefix >> row.ordered >> row.worst >>
      row.second_level >> row.sample >> row.seconds >> row.cpu_seconds;
  if (!in) return false;
  std::ifstream images(path_of(directory, workload, ".images"), std::ios::binary);
  std::uint64_t digest = 0;
  while (images.read(reinterpret_cast<char*>(&digest), sizeof digest)) digests.insert(digest);
  return true;
}

bool miss(const std::string& what, std::size_t is, std::size_t least) {
  if (is >= least) return false;
  std::cerr << "crash_enumeration: " << what << ": " << is << ", fewer than " << least << "\n";
  return true;
}

}  // namespace

void print_header() {
  std::printf("%-14s %8s %9s %8s %8s %8s %13s %7s %8s %7s\n", "workload", "checks", "distinct", "prefix", "ordered",
              "worst", "second level", "rounds", "seconds", "cpu s");
}

void print_row(const EnumerationRow& row) {
  std::printf("%-14s %8zu %9zu %8zu %8zu %8zu %13zu %7zu %8.1f %7.1f%s\n", row.workload.c_str(), row.checks,
              row.distinct(), row.prefix, row.ordered, row.worst, row.second_level, row.rounds, row.seconds,
              row.cpu_seconds, row.sample > 1 ? ("  one image of " + std::to_string(row.sample)).c_str() : "");
}

bool reaches_floor(const EnumerationRow& row) {
  if (row.sample > 1) return true;
  bool missed = miss(row.workload + ": distinct images", row.distinct(), kImagesPerWorkload);
  missed |= miss(row.workload + ": images outside the in-order profile", row.ordered + row.worst, row.distinct() / 5);
  return !missed;
}

void store_row(const std::string& directory, const EnumerationRow& row,
               const std::unordered_set<std::uint64_t>& digests) {
  fs::create_directories(directory);
  std::ofstream images(path_of(directory, row.workload, ".images"), std::ios::binary);
  for (const std::uint64_t digest : digests) images.write(reinterpret_cast<const char*>(&digest), sizeof digest);
  std::ofstream out(path_of(directory, row.workload, ".row"));
  out << row.workload << " " << row.seed << " " << row.rounds << " " << row.checks << " " << row.prefix << " "
      << row.ordered << " " << row.worst << " " << row.second_level << " " << row.sample << " " << row.seconds << " "
      << row.cpu_seconds << "\n";
}

bool sum_rows(const std::string& directory, const std::vector<Workload>& workloads) {
  std::unordered_set<std::uint64_t> distinct;
  EnumerationRow sum;
  bool good = true;
  print_header();
  for (const Workload& workload : workloads) {
    EnumerationRow row;
    if (!load_row(directory, workload.name, row, distinct)) {
      std::cerr << "crash_enumeration: no row of " << workload.name << " in " << directory << "\n";
      good = false;
      continue;
    }
    print_row(row);
    good &= reaches_floor(row);
    sum.checks += row.checks;
    sum.second_level += row.second_level;
    sum.rounds += row.rounds;
    sum.seconds += row.seconds;
    sum.cpu_seconds += row.cpu_seconds;
    sum.prefix += row.prefix;
    sum.ordered += row.ordered;
    sum.worst += row.worst;
    sum.sample = std::max(sum.sample, row.sample);
  }
  sum.workload = "all " + std::to_string(workloads.size());
  print_row(sum);
  std::printf(
      "%zu workloads, %zu distinct disk images, %zu of a second crash during recovery: 0 lost acknowledged "
      "records, 0 resurrected deletes, 0 offsets given twice\n",
      workloads.size(), distinct.size(), sum.second_level);
  if (sum.sample > 1) return good;
  good &= !miss("workloads", workloads.size(), kWorkloads);
  good &= !miss("distinct disk images in all", distinct.size(), kImagesInAll);
  good &= !miss("images of a second crash", sum.second_level, kSecondLevelInAll);
  return good;
}

}  // namespace logcask::testing
