#pragma once
// The rows of the table of checked images: printed by every run, kept in a directory, summed up at the end.

#include <string>
#include <unordered_set>
#include <vector>

#include "tests/crash/enumeration.h"

namespace logcask::testing {

// What one workload must reach, and all together; none of it holds for a sampled run.
inline constexpr std::size_t kImagesPerWorkload = 500;
inline constexpr std::size_t kImagesInAll = 100'000;
inline constexpr std::size_t kSecondLevelInAll = 20'000;
inline constexpr std::size_t kWorkloads = 12;

void print_header();
void print_row(const EnumerationRow& row);
// Says on stderr what the row misses; false then.
bool reaches_floor(const EnumerationRow& row);
// Puts the row and the digests of its images into the directory.
void store_row(const std::string& directory, const EnumerationRow& row,
               const std::unordered_set<std::uint64_t>& digests);
// Prints all rows and the sum over distinct images; false when a workload has no row or a floor is missed.
bool sum_rows(const std::string& directory, const std::vector<Workload>& workloads);

}  // namespace logcask::testing
