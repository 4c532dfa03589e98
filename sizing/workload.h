#pragma once
// What a plan is made from: a workload, told knob by knob.
//
// One table of knobs gives the flags of `logcask plan`, the names of a workload file, the ranges of both and what is
// printed. Every knob has a default, so that a Workload is whole before anything is set. Values; any thread.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace logcask::sizing {

struct Workload {
  std::string name = "default";
  std::string about;  // one line

  std::uint64_t keys = 1'000'000;
  std::uint64_t key_bytes = 32;
  std::uint64_t value_bytes = 4096;
  std::uint64_t updates_per_key = 1;
  std::uint64_t ram_budget = 256'000'000;                // of the node, for all its keydirs
  std::optional<std::uint64_t> ram_budget_per_topic;     // of the topic, all its partitions together
  std::uint64_t ram_budget_per_partition = 256'000'000;  // of one partition's keydir
  std::uint64_t partitions = 1;
  std::uint64_t max_partitions = 64;
  std::uint64_t replication = 1;
  std::uint64_t segment_bytes = 1u << 30;
  std::string sync = "interval";  // none, interval, every
  std::uint64_t flush_ms = 100;
  std::optional<std::uint64_t> max_loss_ms;
  bool needs_range = false;
  bool deletes_and_recreates = false;
  std::string delete_mode = "drop";  // drop, keep
  bool bursty = false;
  std::uint64_t dead_percent = 50;  // of a segment, at which it is compacted
  bool off_peak = false;            // compaction runs in a window only
  std::optional<std::uint64_t> disk_bytes;
  std::uint64_t max_restart_ms = 60'000;

  bool exists = false;  // a live topic's figures

  // Of a live broker: the keys that its other topics hold, and the bytes that there are.
  double other_entries = 0;
  std::optional<double> live_disk_bytes;
  std::optional<double> dead_disk_bytes;
};

enum class KnobKind { count, bytes, milliseconds, percent, choice, yes_no };

struct Knob {
  std::string_view name;  // "key-bytes": the flag is --key-bytes
  KnobKind kind;
  std::string_view help;
  std::variant<std::uint64_t Workload::*, std::optional<std::uint64_t> Workload::*, std::string Workload::*,
               bool Workload::*>
      field;
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  // What a workload file may say: real workloads go beyond the sliders of the founding documents (2 MB photos).
  std::uint64_t file_min = min;
  std::uint64_t file_max = max;
  std::string_view choices = {};  // "a|b|c"
};

// Of the batch that holds one record alone: its key and value, and room for what is around them.
std::uint64_t message_bytes(const Workload& workload);

std::span<const Knob> knobs();
// Of a choice: "a", "b", "c".
std::vector<std::string_view> choices_of(const Knob& knob);
const Knob* find_knob(std::string_view name);

// What a limit that is not set is called, and set back with.
inline constexpr std::string_view kNoLimit = "any";

enum class KnobSource { flag, file };

// invalid_argument names the knob, its range and what was said; of a flag that a file might say, that, too.
Status set_knob(Workload& workload, const Knob& knob, std::string_view text, KnobSource source);
// As set_knob reads it.
std::string knob_text(const Workload& workload, const Knob& knob);

}  // namespace logcask::sizing
