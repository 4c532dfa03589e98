// Every disk image that a power loss may leave of what the storage does, checked one by one.
//
//   crash_enumeration --list                        the workloads
//   crash_enumeration [--workload NAME]... [--seed N] [--images N] [--second-level N] [--rows DIR]
//   crash_enumeration --replay WORKLOAD:SEED:STATE  one image: what it is, and the check
//   crash_enumeration --planted                     bugs planted on purpose, and whether they are found
//   crash_enumeration --sum DIR                     the table of the rows kept there, and whether they suffice
//
// Prints a row for each workload. LOGCASK_CRASH_SAMPLE=N checks one image of N, LOGCASK_TEST_SEED is the seed.
// Exit code: 0 all is well, 1 a violation or too few images, 2 wrong arguments.

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/crash/enumeration_rows.h"
#include "tests/crash/planted_bugs.h"
#include "tests/support/plain_checks.h"
#include "tests/support/seed.h"

using namespace logcask::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kDefaultSample = 20;
#elif defined(__SANITIZE_THREAD__)
constexpr std::size_t kDefaultSample = 40;
#else
constexpr std::size_t kDefaultSample = 1;
#endif

struct Arguments {
  EnumerationOptions options;
  std::vector<std::string> workloads;
  std::string rows, sum, replay;
  bool list = false;
  bool planted = false;
};

[[noreturn]] void usage(const std::string& what) {
  std::cerr << "crash_enumeration: " << what
            << "; usage: [--list] [--workload NAME]... [--seed N] [--images N] [--second-level N] [--rows DIR] "
               "[--replay WORKLOAD:SEED:STATE] [--planted] [--sum DIR]\n";
  std::exit(2);
}

std::uint64_t number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) usage("'" + text + "' is no number");
  return std::strtoull(text.c_str(), nullptr, 10);
}

Arguments parse(int count, char** values) {
  Arguments arguments;
  arguments.options.seed = test_seed();
  const char* sample = std::getenv("LOGCASK_CRASH_SAMPLE");
  arguments.options.sample = sample ? std::max<std::uint64_t>(1, number(sample)) : kDefaultSample;
  for (int i = 1; i < count; ++i) {
    const std::string name = values[i];
    if (name == "--list" || name == "--planted") {
      (name == "--list" ? arguments.list : arguments.planted) = true;
      continue;
    }
    if (i + 1 == count) usage("'" + name + "' wants a value, or is unknown");
    const std::string value = values[++i];
    if (name == "--workload")
      arguments.workloads.push_back(value);
    else if (name == "--seed")
      arguments.options.seed = number(value);
    else if (name == "--images")
      arguments.options.images = number(value);
    else if (name == "--second-level")
      arguments.options.second_level = number(value);
    else if (name == "--rows")
      arguments.rows = value;
    else if (name == "--sum")
      arguments.sum = value;
    else if (name == "--replay")
      arguments.replay = value;
    else
      usage("unknown argument '" + name + "'");
  }
  return arguments;
}

const Workload& find(const std::vector<Workload>& workloads, const std::string& name) {
  const auto found =
      std::find_if(workloads.begin(), workloads.end(), [&](const Workload& w) { return w.name == name; });
  if (found == workloads.end()) usage("there is no workload '" + name + "' (see --list)");
  return *found;
}

int replay(const std::vector<Workload>& workloads, const std::string& what) {
  const std::size_t first = what.find(':');
  const std::size_t second = what.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) usage("--replay wants WORKLOAD:SEED:STATE");
  replay_state(find(workloads, what.substr(0, first)), number(what.substr(first + 1, second - first - 1)),
               what.substr(second + 1));
  std::cout << "no violation\n";
  return 0;
}

int run(const Arguments& arguments) {
  const std::vector<Workload> workloads = all_workloads();
  if (arguments.list) {
    for (const Workload& workload : workloads) std::cout << workload.name << "\n";
    return 0;
  }
  if (arguments.planted) return find_planted_bugs() ? 0 : 1;
  if (!arguments.sum.empty()) return sum_rows(arguments.sum, workloads) ? 0 : 1;
  if (!arguments.replay.empty()) return replay(workloads, arguments.replay);
  std::vector<Workload> chosen;
  for (const std::string& name : arguments.workloads) chosen.push_back(find(workloads, name));
  bool good = true;
  print_header();
  for (const Workload& workload : chosen.empty() ? workloads : chosen) {
    Enumeration enumeration(workload, arguments.options);
    const EnumerationRow row = enumeration.run();
    print_row(row);
    good &= reaches_floor(row);
    if (!arguments.rows.empty()) store_row(arguments.rows, row, enumeration.digests());
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
  const Arguments arguments = parse(count, values);
  try {
    return run(arguments);
  } catch (const Violation& violation) {
    std::cerr << "VIOLATION: " << violation.what();
    return 1;
  }
}
