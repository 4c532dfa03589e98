#include "tests/crash/planted_bugs.h"

#include <algorithm>
#include <cstdio>

#include "tests/crash/enumeration.h"
#include "tests/support/plain_checks.h"

namespace logcask::testing {
namespace {

struct Planted {
  const char* what;
  const char* workload;
  OperationKind forgotten;
  const char* name_suffix;
  bool harmful = true;
};

constexpr Planted kPlanted[] = {
    {"appends are acknowledged unsynced", "group-commit", OperationKind::sync_data, ".log"},
    {"a new segment's name is not synced", "roll", OperationKind::sync_directory, ""},
    {"the ceiling of offsets is not synced", "ceiling", OperationKind::sync_data, ".sync"},
    {"both copies of the manifest are renamed unsynced", "log-start", OperationKind::sync_data, ".tmp"},
    {"compaction's output is not synced", "compaction", OperationKind::sync_data, ".1.log"},
    {"the names of compaction's outputs are not synced", "compaction", OperationKind::sync_directory, ""},
    {"the copy of an unsynced tail is never synced", "recovery", OperationKind::sync_data, "1.0.log"},
    {"a partition's directory is not synced", "topic-create", OperationKind::sync_directory, "mem:"},
    {"a deletion marker's name is not synced", "topic-delete", OperationKind::sync_directory, ""},
    {"an index is not synced: it is rebuilt", "hints", OperationKind::sync_data, "index.tmp", false},
    {"a hint is not synced: it is rebuilt", "hints", OperationKind::sync_data, ".hint.tmp", false},
};

Workload plant(Workload workload, const Planted& planted) {
  auto honest = std::move(workload.record);
  workload.record = [honest = std::move(honest), planted](std::uint64_t seed, std::unique_ptr<MemoryFileSystem> disk) {
    disk->ignore(planted.forgotten, planted.name_suffix);
    return honest(seed, std::move(disk));
  };
  return workload;
}

}  // namespace

bool find_planted_bugs() {
  bool good = true;
  const std::vector<Workload> workloads = all_workloads();
  for (const Planted& planted : kPlanted) {
    const auto workload =
        std::find_if(workloads.begin(), workloads.end(), [&](const Workload& w) { return w.name == planted.workload; });
    EnumerationOptions options;
    options.images = 2000;
    options.second_level = 0;
    Enumeration enumeration(plant(*workload, planted), options);
    std::string found;
    try {
      (void)enumeration.run();
    } catch (const Violation& violation) {
      found = violation.what();
    }
    const bool expected = found.empty() != planted.harmful;
    good &= expected;
    std::printf("%-4s %-50s %-13s %s after %zu images%s%s\n", expected ? "ok" : "BAD", planted.what, planted.workload,
                found.empty() ? "nothing found" : "found", enumeration.digests().size(), found.empty() ? "" : ": ",
                found.substr(0, found.find('\n')).c_str());
  }
  return good;
}

}  // namespace logcask::testing
