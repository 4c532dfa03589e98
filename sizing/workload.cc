#include "sizing/workload.h"

#include <algorithm>

#include "sizing/quantity.h"

namespace logcask::sizing {
namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
constexpr std::uint64_t kTrillion = 1000 * kBillion;
constexpr std::uint64_t kPebibyte = std::uint64_t{1} << 50;
constexpr std::uint64_t kHourMs = 3'600'000;
// segment.bytes of the broker: positions in a log are 31 bits wide (docs/FORMAT.md).
constexpr std::uint64_t kSegmentBytesMax = (std::uint64_t{1} << 31) - 1;

using W = Workload;

const Knob kKnobs[] = {
    {"keys", KnobKind::count, "distinct keys; a deleted one counts while its tombstone is kept", &W::keys, 1000,
     kBillion, 1, kTrillion},
    {"key-bytes", KnobKind::bytes, "average length of a key", &W::key_bytes, 8, 256, 1, 65536},
    {"value-bytes", KnobKind::bytes, "average size of a value", &W::value_bytes, 16, 1u << 20, 0, kSegmentBytesMax},
    {"updates-per-key", KnobKind::count, "how often a key is written again, on average", &W::updates_per_key, 0,
     1'000'000},
    {"ram-budget", KnobKind::bytes, "RAM that the node gives to keys (setting keydir.total.max.bytes)", &W::ram_budget,
     65536, kPebibyte},
    {"ram-budget-per-topic", KnobKind::bytes,
     "RAM that the topic's keys may take, all partitions together (setting keydir.max.bytes)", &W::ram_budget_per_topic,
     65536, kPebibyte},
    {"ram-budget-per-partition", KnobKind::bytes, "RAM that one partition's keys may take",
     &W::ram_budget_per_partition, 65536, kPebibyte},
    {"partitions", KnobKind::count, "partitions of the topic", &W::partitions, 1, 100'000},
    {"max-partitions", KnobKind::count, "most partitions it may be given, at least partitions; the rule keydir-ram",
     &W::max_partitions, 1, 100'000},
    {"replication", KnobKind::count, "copies of everything, each on a node of its own", &W::replication, 1, 9},
    {"segment-bytes", KnobKind::bytes, "size at which a segment is closed (setting segment.bytes)", &W::segment_bytes,
     1024, kSegmentBytesMax},
    {"sync", KnobKind::choice,
     "every: acknowledged when on disk (acks=all); interval: acknowledged when written, on disk within flush-ms "
     "(acks=1); none: when the system pleases",
     &W::sync, 0, 0, 0, 0, "none|interval|every"},
    {"flush-ms", KnobKind::milliseconds, "longest wait for the disk with sync interval (setting flush.ms)",
     &W::flush_ms, 1, kHourMs},
    {"max-loss", KnobKind::milliseconds,
     "acknowledged writes of less than this time may be lost with the power; 0: none", &W::max_loss_ms, 0,
     24 * kHourMs},
    {"needs-range", KnobKind::yes_no, "lookups by range or prefix of keys are wanted", &W::needs_range},
    {"deletes-and-recreates", KnobKind::yes_no, "keys are deleted and later written again", &W::deletes_and_recreates},
    {"delete-mode", KnobKind::choice, "what becomes of tombstones (setting delete.mode)", &W::delete_mode, 0, 0, 0, 0,
     "drop|keep"},
    {"bursty", KnobKind::yes_no, "writes come in bursts, with quiet hours between", &W::bursty},
    {"dead-percent", KnobKind::percent,
     "share of dead records at which a segment is compacted, in percent (setting min.cleanable.dirty.ratio)",
     &W::dead_percent, 1, 99},
    {"off-peak", KnobKind::yes_no, "compaction runs in a window only (setting compaction.window)", &W::off_peak},
    {"disk", KnobKind::bytes, "disk that the node gives to the topic", &W::disk_bytes, 1u << 20, 1024 * kPebibyte},
    {"max-restart", KnobKind::milliseconds, "longest time that lookups may wait after a restart", &W::max_restart_ms, 1,
     24 * kHourMs},
};

Unit unit_of(KnobKind kind) {
  if (kind == KnobKind::bytes) return Unit::bytes;
  return kind == KnobKind::milliseconds ? Unit::milliseconds : Unit::count;
}

std::string named(const Knob& knob, KnobSource source) {
  return (source == KnobSource::flag ? "--" : "") + std::string(knob.name);
}

Status set_word(Workload& workload, const Knob& knob, std::string_view text, KnobSource source) {
  if (const auto* field = std::get_if<bool Workload::*>(&knob.field)) {
    if (text != "true" && text != "false")
      return Error{Errc::invalid_argument,
                   named(knob, source) + " must be true or false, not '" + std::string(text) + "'"};
    workload.*(*field) = text == "true";
    return {};
  }
  const auto choices = choices_of(knob);
  if (std::find(choices.begin(), choices.end(), text) == choices.end())
    return Error{Errc::invalid_argument, named(knob, source) + " must be one of " + std::string(knob.choices) +
                                             ", not '" + std::string(text) + "'"};
  workload.*(std::get<std::string Workload::*>(knob.field)) = text;
  return {};
}

std::string range_text(const Knob& knob, std::uint64_t min, std::uint64_t max) {
  return "between " + quantity_text(unit_of(knob.kind), min) + " and " + quantity_text(unit_of(knob.kind), max);
}

}  // namespace

std::uint64_t message_bytes(const Workload& workload) {
  constexpr std::uint64_t kAround = 1024;
  return workload.key_bytes + workload.value_bytes + kAround;
}

std::span<const Knob> knobs() { return kKnobs; }

std::vector<std::string_view> choices_of(const Knob& knob) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; !knob.choices.empty() && at <= knob.choices.size();) {
    const std::size_t end = std::min(knob.choices.find('|', at), knob.choices.size());
    words.push_back(knob.choices.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

const Knob* find_knob(std::string_view name) {
  for (const Knob& knob : kKnobs)
    if (knob.name == name) return &knob;
  return nullptr;
}

Status set_knob(Workload& workload, const Knob& knob, std::string_view text, KnobSource source) {
  if (knob.kind == KnobKind::choice || knob.kind == KnobKind::yes_no) return set_word(workload, knob, text, source);
  const auto* limit = std::get_if<std::optional<std::uint64_t> Workload::*>(&knob.field);
  if (limit != nullptr && text == kNoLimit) {
    (workload.*(*limit)).reset();
    return {};
  }
  const auto number = parse_quantity(unit_of(knob.kind), text);
  if (!number.ok()) return Error{Errc::invalid_argument, named(knob, source) + ": " + number.error().message};
  const bool flag = source == KnobSource::flag;
  const std::uint64_t min = flag ? knob.min : knob.file_min, max = flag ? knob.max : knob.file_max;
  if (*number < min || *number > max) {
    std::string message = named(knob, source) + " must be " + range_text(knob, min, max) + ", not " +
                          quantity_text(unit_of(knob.kind), *number);
    if (flag && *number >= knob.file_min && *number <= knob.file_max) message += "; a workload file may say so";
    return Error{Errc::invalid_argument, message};
  }
  if (const auto* field = std::get_if<std::uint64_t Workload::*>(&knob.field))
    workload.*(*field) = *number;
  else
    workload.*(*limit) = *number;
  return {};
}

std::string knob_text(const Workload& workload, const Knob& knob) {
  if (const auto* field = std::get_if<bool Workload::*>(&knob.field)) return workload.*(*field) ? "true" : "false";
  if (const auto* field = std::get_if<std::string Workload::*>(&knob.field)) return workload.*(*field);
  if (const auto* field = std::get_if<std::uint64_t Workload::*>(&knob.field))
    return quantity_text(unit_of(knob.kind), workload.*(*field));
  const auto& maybe = workload.*(std::get<std::optional<std::uint64_t> Workload::*>(knob.field));
  return maybe ? quantity_text(unit_of(knob.kind), *maybe) : std::string(kNoLimit);
}

}  // namespace logcask::sizing
