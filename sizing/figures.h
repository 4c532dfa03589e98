#pragma once
// What a workload takes: RAM by its keys, disk by its bytes, files, descriptors, time to start, bytes written per byte.
//
// Pure functions of a Workload and a KeydirCost; any thread. Bytes are doubles, exact below 2^53.

#include <cstdint>
#include <string_view>

#include "sizing/keydir_cost.h"
#include "sizing/verdict.h"
#include "sizing/workload.h"

namespace logcask::sizing {

// .log, .index, .timeindex, .hint; and both manifests, the snapshot of producers and the active segment's .sync.
inline constexpr std::uint64_t kFilesPerSegment = 4;
inline constexpr std::uint64_t kFilesPerPartition = 4;
// The active log and its .sync, while the partition is written to.
inline constexpr std::uint64_t kDescriptorsPerPartition = 2;

// A restart with 10,000,000 keys in one partition (bench/RESULTS.md, restart): 0.832 s with hints, 1.019 s after
// SIGKILL, 3.011 s without hints, which is 1.261 GB of log.
inline constexpr double kRestartSecondsPerKey = 0.832 / 10'000'000;
inline constexpr double kRestartKilledSecondsPerKey = 1.019 / 10'000'000;
inline constexpr double kRestartSecondsPerLogByte = 3.011 / 1'261'000'000;

// What the broker promises (docs/decisions/0020): 2.5 times the live bytes, or eight segments a partition beside them.
// Garbage that a dirty ratio above 0.6 lets lie comes on top.
inline constexpr double kDiskBound = 2.5;
inline constexpr double kDiskBoundSegments = 8;

// (appended + written by compaction) / appended, in a run that overwrote 100,000 keys ten times and compacted once at
// the end (bench/RESULTS.md, compaction).
inline constexpr double kMeasuredWriteAmplification = 1.143;

struct RestartEstimate {
  double clean_s = 0;          // from hints, after a clean stop
  double killed_s = 0;         // the same after SIGKILL
  double without_hints_s = 0;  // every log read, one after the other
};

// The settings that bound the RAM of keys.
inline constexpr std::string_view kNodeLimit = "keydir.total.max.bytes";
inline constexpr std::string_view kTopicLimit = "keydir.max.bytes";

struct Figures {
  KeydirCost cost;
  double ram_per_key = 0;
  double ram = 0;                // of one copy of the topic
  double ram_per_partition = 0;  // keys are spread evenly
  double ram_all_copies = 0;
  // The most that the tables of one copy occupy: with the pages that a partition takes for its first keys. Beside the
  // verdict, which follows entries as the broker's budgets do.
  double ram_resident = 0;
  double ram_needed = 0;  // on the node: ram, and what its other topics hold
  // Of the node's budget alone.
  Verdict node_verdict = Verdict::fits;
  // The budget that is nearest to its end, as the live broker names it: keydir.total.max.bytes of the node, or the
  // topic's own keydir.max.bytes.
  std::string_view limit;
  double limit_bytes = 0;
  double limit_used = 0;  // of it: ram_needed, or ram
  Verdict verdict = Verdict::fits;
  bool above_quarter = false;

  double record_bytes = 0;  // of one key in the log
  double disk_per_key = 0;  // with its hint
  double disk_factor = 1;   // most that the log may be of its live bytes, where segments are small beside it
  double disk_live = 0;     // latest records of all keys, hints included
  double disk_high = 0;     // with dead records, before compaction takes them
  double disk_all_copies = 0;
  std::uint64_t data_files_per_partition = 0;  // segments of live records
  std::uint64_t data_files = 0;
  std::uint64_t files = 0;        // all kinds, at disk_high
  std::uint64_t descriptors = 0;  // all segments held open; the setting open.files.max bounds those
  RestartEstimate restart;
  double updates = 0;              // a key, at least two where it is deleted and written again
  double write_amplification = 1;  // estimate for this workload
};

Figures figures(const Workload& workload, const KeydirCost& cost);

// The most partitions that the topic may be given: never below those it is asked to have.
std::uint64_t most_partitions(const Workload& workload);

}  // namespace logcask::sizing
