// Every operation of the storage fails once, and from then on, in each way a disk fails.
//
//   io_errors [--workload NAME]... [--replay WORKLOAD:MODE:TARGET:N]
//
// A clean run counts the operations of a workload; then for each of them one run with each mode of failure. Prints a
// row for each workload. LOGCASK_CRASH_SAMPLE=N does one run of N. Exit code: 0 all is well, 1 a violation.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "broker/topics/topic_name.h"
#include "tests/crash/io_run.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kDefaultSample = 20;
#else
constexpr std::size_t kDefaultSample = 1;
#endif

struct Mode {
  const char* name;
  std::vector<OperationKind> kinds;
  int error_number;
  bool short_write;
  bool sticky;
};

std::vector<Mode> modes() {
  using Kind = OperationKind;
  const std::vector<Kind> every = {
      Kind::open,           Kind::create,         Kind::write,           Kind::truncate, Kind::preallocate,
      Kind::sync_data,      Kind::read,           Kind::unlink,          Kind::rename,   Kind::list,
      Kind::sync_directory, Kind::make_directory, Kind::remove_directory};
  const std::vector<Kind> growing = {Kind::write, Kind::create, Kind::preallocate, Kind::make_directory};
  const std::vector<Kind> opening = {Kind::open, Kind::create};
  return {{"eio", every, EIO, false, false},
          {"eio-sticky", every, EIO, false, true},
          {"enospc", growing, ENOSPC, false, false},
          {"enospc-sticky", growing, ENOSPC, false, true},
          // A file system that finds its room only when it must, or a quota.
          {"enospc-sync", {Kind::sync_data}, ENOSPC, false, false},
          {"enospc-sync-sticky", {Kind::sync_data}, ENOSPC, false, true},
          {"short", {Kind::write}, EIO, true, false},
          {"short-sticky", {Kind::write}, EIO, true, true},
          {"short-enospc", {Kind::write}, ENOSPC, true, false},
          {"short-enospc-sticky", {Kind::write}, ENOSPC, true, true},
          {"emfile", opening, EMFILE, false, false},
          {"emfile-sticky", opening, EMFILE, false, true}};
}

// What the failing operations have in common.
struct Target {
  const char* name;
  std::string path_part;
  std::string name_suffix;
};

struct IoWorkload {
  const char* name;
  std::vector<Target> targets;
  bool fails_opening;
  void (*prepare)(IoRun&);
  void (*play)(IoRun&);
  void (*heal)(IoRun&);
  std::size_t runs_least;  // a tenth below what there are: fewer, and faults no longer hit what they should
};

void two_partitions(IoRun& run) {
  run.open();
  REQUIRE_OK(run.storage().create("a", 2));
  run.add_topic("a", 2);
  for (const char* key : {"x", "y", "k"}) {
    run.must_put("a", 0, key);
    run.must_put("a", 1, key);
  }
}

void old_versions(IoRun& run) {
  two_partitions(run);
  for (int i = 0; i < 4; ++i) {
    for (const char* key : {"x", "y", "z"}) run.must_put("a", 0, key);
    run.roll("a", 0);
  }
}

// Killed with records that no sync has seen.
void unsynced_tail(IoRun& run) {
  two_partitions(run);
  run.roll("a", 0);
  run.must_put("a", 0, "x");
  for (const char* key : {"x", "y"}) (void)run.put("a", 0, key, Acks::one);
}

void append(IoRun& run) {
  for (const char* key : {"x", "y", "x", "k"}) {
    (void)run.put("a", 0, key, Acks::one);
    (void)run.put("a", 0, key);
    run.look("a", 0);
    run.must_put("a", 1, key);
  }
}

void roll(IoRun& run) {
  for (const char* key : {"x", "y", "k"}) {
    (void)run.put("a", 0, key);
    run.roll("a", 0);
    run.look("a", 0);
    run.must_put("a", 1, key);
  }
  (void)run.put("a", 0, "y");
}

void manifest(IoRun& run) {
  for (const char* key : {"x", "k"}) {
    (void)run.put("a", 0, key);
    run.roll("a", 0);
    run.delete_records("a", 0);
    run.look("a", 0);
    run.must_put("a", 1, key);
  }
  (void)run.put("a", 0, "y");
}

void compaction(IoRun& run) {
  run.compact("a", 0);
  run.look("a", 0);
  run.must_put("a", 1, "x");
  (void)run.put("a", 0, "y");
  run.compact("a", 0);
  run.look("a", 0);
  run.must_put("a", 1, "k");
}

void recovery(IoRun& run) {
  run.look("a", 0);
  (void)run.put("a", 0, "y");
  run.must_put("a", 1, "k");
}

void heal_partition(IoRun& run) {
  run.heal("a", 0);
  run.must_put("a", 1, "k");
}

void three_topics(IoRun& run) {
  run.open();
  for (const char* name : {"a", "b"}) {
    REQUIRE_OK(run.storage().create(name, 1));
    run.add_topic(name, 1);
    run.must_put(name, 0, "x");
  }
}

void topics(IoRun& run) {
  run.create("c");
  run.must_put("b", 0, "x");
  run.remove("a");
  run.must_put("b", 0, "y");
}

void heal_topics(IoRun& run) {
  run.disarm();
  const std::string metadata(kMetadataTopic);
  (void)run.storage().topics().reopen(metadata, PartitionId(0));
  run.storage().pump();
  for (const char* name : {"a", "c"}) {
    // What is there serves, what is not can be made.
    if (run.storage().topics().find(name)) {
      run.heal(name, 0);
    } else {
      REQUIRE_OK(run.storage().create(name, 1));
      run.add_topic(name, 1);
      run.must_put(name, 0, "x");
    }
  }
  run.must_put("b", 0, "k");
}

std::vector<IoWorkload> workloads() {
  const std::vector<Target> first = {{"a-0", "/a-0.", ""}};
  return {{"append", first, false, two_partitions, append, heal_partition, 140},
          {"roll", first, false, two_partitions, roll, heal_partition, 680},
          {"manifest", first, false, two_partitions, manifest, heal_partition, 530},
          {"compaction", first, false, old_versions, compaction, heal_partition, 640},
          {"recovery", first, true, unsynced_tail, recovery, heal_partition, 380},
          {"topics",
           {{"created", "/c-0.", ""},
            {"deleted", "/a-0.", ""},
            {"metadata", "__logcask_metadata", ""},
            {"root", "", "mem:/"}},
           false,
           three_topics,
           topics,
           heal_topics,
           240}};
}

struct Row {
  std::size_t operations = 0, runs = 0, refused = 0, latched = 0;
};

// False when the workload has no such operation.
bool run_one(const IoWorkload& workload, const IoRun& prepared, const Mode& mode, const Target& target,
             std::uint64_t nth, Row& row) {
  INFO("--replay " << workload.name << ":" << mode.name << ":" << target.name << ":" << nth);
  IoRun run(prepared);
  Fault fault;
  fault.kinds = mode.kinds;
  fault.path_part = target.path_part;
  fault.name_suffix = target.name_suffix;
  fault.nth = nth;
  fault.sticky = mode.sticky;
  fault.error_number = mode.error_number;
  fault.short_write = mode.short_write;
  if (!workload.fails_opening) run.open();
  run.arm(fault);
  if (workload.fails_opening) run.open();
  INFO("failed: " << run.hits_text());
  workload.play(run);
  const bool hit = run.was_hit();
  workload.heal(run);
  run.restart_and_check(test_seed() + nth);
  if (!hit) return false;
  row.operations = std::max<std::size_t>(row.operations, nth);
  ++row.runs;
  row.refused += run.refused();
  row.latched += run.latched();
  return true;
}

IoRun prepare(const IoWorkload& workload) {
  IoRun prepared(std::make_unique<MemoryFileSystem>());
  workload.prepare(prepared);
  prepared.storage().kill();
  return prepared;
}

std::size_t sample_asked() {
  const char* text = std::getenv("LOGCASK_CRASH_SAMPLE");
  return text ? std::max<std::size_t>(1, std::strtoull(text, nullptr, 10)) : kDefaultSample;
}

void run_workload(const IoWorkload& workload) {
  const auto start = std::chrono::steady_clock::now();
  const IoRun prepared = prepare(workload);
  const std::size_t sample = sample_asked();
  Row row;
  for (const Mode& mode : modes())
    for (const Target& target : workload.targets)
      for (std::uint64_t nth = 1; run_one(workload, prepared, mode, target, nth, row); nth += sample) {
      }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-12s %10zu %8zu %8zu %8zu %8.1f\n", workload.name, row.operations, row.runs, row.refused, row.latched,
              seconds);
  std::fflush(stdout);
  INFO(workload.name << ": " << row.runs << " runs");
  REQUIRE(row.runs >= workload.runs_least / sample);
  REQUIRE(row.refused > 0);
  // Topics are not latched: a creation that fails is taken back.
  if (sample == 1) REQUIRE((row.latched > 0) == (std::string_view(workload.name) != "topics"));
}

void replay(const std::string& what) {
  std::vector<std::string> parts(1);
  for (const char c : what) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  parts.resize(4);
  for (const IoWorkload& workload : workloads())
    for (const Mode& mode : modes())
      for (const Target& target : workload.targets)
        if (workload.name == parts[0] && mode.name == parts[1] && target.name == parts[2]) {
          Row row;
          const bool hit = run_one(workload, prepare(workload), mode, target, std::stoull(parts[3]), row);
          if (!hit) FAIL("there is no such operation");
          std::cout << "no violation\n";
          return;
        }
  FAIL("nothing is called " << what);
}

}  // namespace

int main(int count, char** values) {
  std::vector<std::string> chosen;
  try {
    for (int i = 1; i + 1 < count; i += 2) {
      if (std::string(values[i]) == "--replay") {
        replay(values[i + 1]);
        return 0;
      }
      chosen.push_back(values[i + 1]);
    }
    std::printf("%-12s %10s %8s %8s %8s %8s\n", "workload", "operations", "runs", "refused", "latched", "seconds");
    bool good = true;
    for (const std::string& name : chosen) {
      const auto all = workloads();
      if (std::none_of(all.begin(), all.end(), [&](const IoWorkload& workload) { return workload.name == name; }))
        FAIL("nothing is called " << name);
    }
    for (const IoWorkload& workload : workloads()) {
      if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), workload.name) == chosen.end()) continue;
      try {
        run_workload(workload);
      } catch (const Violation& violation) {
        std::cerr << "VIOLATION: " << violation.what();
        good = false;
      }
    }
    return good ? 0 : 1;
  } catch (const Violation& violation) {
    std::cerr << "VIOLATION: " << violation.what();
    return 1;
  }
}
