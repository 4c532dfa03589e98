#include "tests/crash/enumeration.h"

#include <chrono>
#include <ctime>
#include <iostream>

#include "base/random.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr CrashProfile kProfiles[] = {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst};
// Of one image's recovery, for each profile.
constexpr std::size_t kSecondPerProfile = 10;
constexpr std::size_t kOperationsShown = 12;

std::string state_name(CrashProfile profile, std::size_t number) {
  return std::string(profile_name(profile)) + "-" + std::to_string(number);
}

std::size_t count_states(const MemoryFileSystem& disk, CrashProfile profile, std::uint64_t seed) {
  CrashStates states(disk, profile, seed, true);
  (void)states.next([](std::uint64_t, std::size_t) { return false; });
  return states.count();
}

CrashState find_state(const MemoryFileSystem& disk, std::uint64_t seed, const std::string& name) {
  const std::size_t dash = name.find('-');
  const auto number = static_cast<std::size_t>(std::strtoull(name.c_str() + dash + 1, nullptr, 10));
  for (const CrashProfile profile : kProfiles) {
    if (dash == std::string::npos || name.substr(0, dash) != profile_name(profile)) continue;
    CrashStates states(disk, profile, seed, true);
    auto crash = states.next([&](std::uint64_t, std::size_t) { return states.count() - 1 == number; });
    if (crash) return std::move(*crash);
    FAIL("there are only " << states.count() << " states of profile " << profile_name(profile));
  }
  FAIL("'" << name << "' is not a state; one looks like worst-123");
}

void print_operation(std::size_t index, const Operation& operation) {
  std::cout << "  " << index << " " << operation_name(operation.kind);
  if (operation.kind != OperationKind::mark) std::cout << " node " << operation.node;
  if (!operation.name.empty()) std::cout << " '" << operation.name << "'";
  if (!operation.to.empty()) std::cout << " to '" << operation.to << "'";
  if (operation.child != 0) std::cout << " is node " << operation.child;
  if (operation.kind == OperationKind::write)
    std::cout << " " << operation.data.size() << " bytes at " << operation.position;
  std::cout << (operation.failed ? " FAILED" : "") << "\n";
}

void describe(const MemoryFileSystem& disk, const CrashState& crash) {
  std::cout << crash.description << "\nmarks before it: " << crash.marks << "\nthe operations before it:\n";
  const std::vector<Operation> operations = disk.operations();
  const std::size_t first = crash.operation_index < kOperationsShown ? 0 : crash.operation_index - kOperationsShown;
  for (std::size_t i = first; i < crash.operation_index; ++i) print_operation(i, operations[i]);
  std::cout << "the image:\n";
  for (const std::string& path : crash.image->paths())
    std::cout << "  " << path << " " << crash.image->content(path)->size() << " bytes\n";
}

}  // namespace

const char* profile_name(CrashProfile profile) {
  static constexpr const char* kNames[] = {"prefix", "ordered", "worst"};
  return kNames[static_cast<std::size_t>(profile)];
}

bool Enumeration::enough() const {
  return row_.distinct() * options_.sample >= options_.images &&
         row_.second_level * options_.sample >= options_.second_level;
}

EnumerationRow Enumeration::run() {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu_start = std::clock();
  row_ = {};
  row_.workload = workload_.name;
  row_.seed = options_.seed;
  row_.sample = options_.sample;
  while (row_.rounds == 0 || !enough()) {
    run_round(options_.seed + row_.rounds);
    ++row_.rounds;
  }
  row_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  row_.cpu_seconds = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  return row_;
}

void Enumeration::run_round(std::uint64_t seed) {
  INFO("workload " << workload_.name << ", seed " << seed);
  const std::unique_ptr<Recording> recording = workload_.record(seed, std::make_unique<MemoryFileSystem>());
  std::set<std::pair<std::uint64_t, std::size_t>> done;
  Random random(seed);
  const std::size_t second_images = options_.second_level / (kSecondPerProfile * std::size(kProfiles)) + 1;
  const std::size_t second_stride = std::max<std::size_t>(1, options_.images / second_images / 2);
  for (const CrashProfile profile : kProfiles) {
    CrashStates states(recording->disk(), profile, seed, true);
    const auto wanted = [&](std::uint64_t digest, std::size_t marks) {
      return done.insert({digest, marks}).second && ++passing_ % options_.sample == 0;
    };
    while (auto crash = states.next(wanted)) {
      const std::string state = state_name(profile, states.count() - 1);
      INFO("--replay " << workload_.name << ":" << seed << ":" << state);
      INFO(crash->description);
      const bool again = row_.second_level * options_.sample < options_.second_level && random.one_in(second_stride);
      CrashState copy;
      if (again)
        copy = {crash->operation_index, crash->marks, crash->description, crash->digest, crash->image->clone()};
      ++row_.checks;
      if (digests_.insert(crash->digest).second)
        ++(profile == CrashProfile::prefix    ? row_.prefix
           : profile == CrashProfile::ordered ? row_.ordered
                                              : row_.worst);
      recording->check(*crash);
      if (again) run_second_level(*recording, copy, state, seed);
      if (row_.rounds > 0 && enough()) return;
    }
  }
}

void Enumeration::run_second_level(Recording& recording, CrashState& crash, const std::string& state,
                                   std::uint64_t seed) {
  const std::unique_ptr<Recording> second = recording.recover(crash);
  for (const CrashProfile profile : kProfiles) {
    const std::size_t stride = count_states(second->disk(), profile, seed) / kSecondPerProfile + 1;
    CrashStates states(second->disk(), profile, seed, true);
    const auto wanted = [&](std::uint64_t digest, std::size_t) {
      return (states.count() + seed) % stride == 0 && second_digests_.insert(digest).second;
    };
    while (auto again = states.next(wanted)) {
      INFO("--replay " << workload_.name << ":" << seed << ":" << state << "/"
                       << state_name(profile, states.count() - 1));
      INFO("during recovery: " << again->description);
      second->check(*again);
      ++row_.second_level;
    }
  }
}

void replay_state(const Workload& workload, std::uint64_t seed, const std::string& state) {
  std::unique_ptr<Recording> recording = workload.record(seed, std::make_unique<MemoryFileSystem>());
  const std::size_t slash = state.find('/');
  CrashState crash = find_state(recording->disk(), seed, state.substr(0, slash));
  INFO(crash.description);
  describe(recording->disk(), crash);
  if (slash != std::string::npos) {
    std::cout << "its recovery, and the second power loss:\n";
    std::unique_ptr<Recording> second = recording->recover(crash);
    crash = find_state(second->disk(), seed, state.substr(slash + 1));
    describe(second->disk(), crash);
    recording = std::move(second);
  }
  recording->check(crash);
}

}  // namespace logcask::testing
