#include "sizing/checks.h"

#include <algorithm>
#include <cmath>

#include "base/mutant.h"
#include "sizing/quantity.h"
#include "sizing/rules.h"

namespace logcask::sizing {
namespace {

double as_double(std::uint64_t number) { return static_cast<double>(number); }
std::string ms_knob(std::uint64_t ms) { return quantity_text(Unit::milliseconds, ms); }

std::string keys_text(std::uint64_t keys) { return quantity_text(Unit::count, keys) + (keys == 1 ? " key" : " keys"); }

std::string need_text(const Workload& workload, const Figures& f) {
  const std::uint64_t first_limit = workload.ram_budget_per_topic.value_or(workload.ram_budget);
  std::string text = keys_text(workload.keys) + " at " + rounded(f.ram_per_key, 1) + " B are " +
                     bytes_beside(f.ram, first_limit) + ", ";
  if (workload.ram_budget_per_topic)
    text += percent_of(f.ram, as_double(*workload.ram_budget_per_topic)) + " of the topic's " +
            short_bytes(*workload.ram_budget_per_topic) + " (" + std::string(kTopicLimit) + "), ";
  if (workload.other_entries > 0) text += "with other topics " + bytes_beside(f.ram_needed, workload.ram_budget) + ", ";
  text +=
      percent_of(f.ram_needed, as_double(workload.ram_budget)) + " of the node's " + short_bytes(workload.ram_budget);
  return workload.exists ? text + " (" + std::string(kNodeLimit) + ")" : text;
}

// Three digits, rounded so that whoever sets what is printed has mended it.
double step_of(double bytes) { return bytes < 1000 ? 1 : std::pow(10, std::floor(std::log10(bytes)) - 2); }
std::string at_least(double bytes) { return decimal_bytes(std::ceil(bytes / step_of(bytes)) * step_of(bytes), 2); }
std::string at_most(double bytes) { return decimal_bytes(std::floor(bytes / step_of(bytes)) * step_of(bytes), 2); }

std::string budget_for(double ram, double share) { return at_least(ram / share); }

constexpr double kSegmentBytesMin = 1024;

// The mend where eight segments of each partition are to take no more than `room` bytes: the segments, or fewer
// partitions where those would have to be smaller than there are.
std::string smaller_segments(const Workload& workload, double room) {
  const double bytes = room / kDiskBoundSegments / as_double(workload.partitions);
  if (std::floor(bytes / step_of(bytes)) * step_of(bytes) >= kSegmentBytesMin)
    return "segment.bytes of " + at_most(bytes) + " or less";
  const double partitions = std::max(1.0, std::floor(room / kDiskBoundSegments / kSegmentBytesMin));
  return "fewer partitions: " + grouped(whole(partitions)) + (partitions > 1 ? " at most" : "") +
         ", with segment.bytes of 1 KiB";
}

// What one partition holds, where that is above its budget.
std::string partition_text(const Workload& workload, const Figures& f) {
  return "; a partition holds " + bytes_beside(f.ram_per_partition, workload.ram_budget_per_partition) +
         ", its budget is " + short_bytes(workload.ram_budget_per_partition);
}

std::string more_partitions(const Workload& workload, const Figures& f) {
  return "Add partitions: " +
         grouped(static_cast<std::uint64_t>(std::ceil(f.ram / as_double(workload.ram_budget_per_partition)))) +
         " hold them. Their number is for ever, so decide before the topic is made.";
}

// What ends TIGHT and OOM of each budget that has room to be raised; empty where both fit.
std::string more_budget(const Workload& workload, const Figures& f) {
  const auto& own = workload.ram_budget_per_topic;
  std::string mend;
  if (own && verdict(f.ram, as_double(*own)) != Verdict::fits)
    mend = "Raise " + std::string(kTopicLimit) + " to " + budget_for(f.ram, kTightShare) + " or more";
  if (f.node_verdict != Verdict::fits)
    mend += (mend.empty() ? "Give the node " : ". Give the node ") + budget_for(f.ram_needed, kTightShare) + " or more";
  return mend;
}

Finding check_keydir_ram(const Workload& workload, const Figures& f) {
  std::string need = need_text(workload, f);
  if (f.node_verdict == Verdict::oom)
    return {kKeydirRam, Severity::reject, "Wall A, RAM per key: " + need + ".",
            more_budget(workload, f) + ", spread the keys over more nodes, or use an LSM tree: it keeps keys on disk."};
  if (beyond_all_partitions(workload, f)) {
    const std::uint64_t most = most_partitions(workload);
    return {kKeydirRam, Severity::reject,
            "Wall A, RAM per key: " + need + "; over " + grouped(most) +
                (most == 1 ? " partition it" : " partitions each") + " holds " +
                bytes_beside(f.ram / as_double(most), workload.ram_budget_per_partition) + ", the budget of one is " +
                short_bytes(workload.ram_budget_per_partition) + ".",
            "Use an LSM tree: it keeps keys on disk."};
  }
  std::string mend = more_budget(workload, f);
  if (f.verdict == Verdict::oom) need += ": new keys are refused";
  if (f.verdict == Verdict::tight) need += ": above three quarters";
  if (!mend.empty()) mend += "; at the limit new keys are refused.";
  if (mend.empty() && f.above_quarter) {
    need += ": above a quarter";
    mend = "It fits. With " + budget_for(f.ram_needed, kAdviceShare) + " there is room to grow to four times the keys.";
  }
  if (f.ram_per_partition > as_double(workload.ram_budget_per_partition)) {
    need += partition_text(workload, f);
    mend = more_partitions(workload, f) + (mend.empty() ? "" : " " + mend);
  }
  if (!mend.empty()) return {kKeydirRam, Severity::warn, need + ".", mend};
  return {kKeydirRam, Severity::ok,
          need + "; a partition holds " + bytes_beside(f.ram_per_partition, workload.ram_budget_per_partition) +
              " of " + short_bytes(workload.ram_budget_per_partition) + ".",
          ""};
}

Finding check_range_query(const Workload& workload) {
  if (!workload.needs_range) return {kRangeQuery, Severity::ok, "Lookups are by whole key: one probe, one read.", ""};
  return {kRangeQuery, Severity::reject,
          "Wall B, no order: a hash of keys answers no range and no prefix; each would read the whole log.",
          "No knob mends it. Use an LSM tree, or a B+ tree where reads outweigh writes."};
}

Finding check_sync_strategy(const Workload& workload) {
  const std::string limit = workload.max_loss_ms ? ms_knob(*workload.max_loss_ms) : "";
  const std::string allowed = workload.max_loss_ms == 0 ? "nothing may be lost" : "it must be less than " + limit;
  if (workload.sync == "every")
    return {kSyncStrategy, Severity::ok, "Acknowledged means on disk: a power loss takes nothing acknowledged.", ""};
  if (workload.sync == "interval") {
    const std::string what = "A power loss takes up to " + ms_knob(workload.flush_ms) + " of acknowledged writes";
    // "Less than": an interval as long as what may be lost is too long.
    const bool kept =
        !workload.max_loss_ms || (mutant(Mutant::loss_not_strict) ? workload.flush_ms <= *workload.max_loss_ms
                                                                  : workload.flush_ms < *workload.max_loss_ms);
    if (kept) return {kSyncStrategy, Severity::ok, what + (limit.empty() ? "." : ", less than " + limit + "."), ""};
    return {kSyncStrategy, Severity::warn, what + "; " + allowed + ".",
            *workload.max_loss_ms > 1 ? "Set flush.ms below " + limit + ", or sync every (acks=all)."
                                      : std::string("Set sync every (acks=all).")};
  }
  if (!workload.max_loss_ms)
    return {kSyncStrategy, Severity::ok, "Nothing bounds what a power loss takes, and no bound is asked for.", ""};
  return {kSyncStrategy, Severity::warn, "Nothing bounds what a power loss takes; " + allowed + ".",
          *workload.max_loss_ms > 1 ? "Set sync interval with flush.ms below " + limit + ", or sync every (acks=all)."
                                    : std::string("Set sync every (acks=all).")};
}

Finding check_tombstone(const Workload& workload) {
  if (workload.delete_mode == "keep")
    return {kTombstone, Severity::ok,
            "Tombstones stay for ever, and each costs a key's RAM: count deleted keys among keys.", ""};
  if (!workload.deletes_and_recreates)
    return {kTombstone, Severity::ok, "No key is deleted and written again; tombstones go after delete.retention.ms.",
            ""};
  return {kTombstone, Severity::warn,
          "Keys are deleted and written again: a reader away for longer than delete.retention.ms never sees the delete "
          "and takes the new key for the old one.",
          "Set delete.mode=keep, and count deleted keys among keys."};
}

Finding disk_exceeded(const Workload& workload, const Figures& f, double disk) {
  const std::string message = "The disk may reach " + bytes_beside(f.disk_high, *workload.disk_bytes) +
                              " with dead records (" + bytes_beside(f.disk_live, *workload.disk_bytes) +
                              " live), above " + short_bytes(*workload.disk_bytes) + ".";
  const std::string more = "Give the topic " + at_least(f.disk_high) + " of disk or more";
  if (f.disk_live > disk)
    return {kMergeCadence, Severity::warn, message, more + ", or smaller values: the live records alone do not fit."};
  if (f.disk_high <= f.disk_factor * f.disk_live)
    return {
        kMergeCadence, Severity::warn, message,
        more + ": compaction keeps it below " + rounded(f.disk_factor, 1) + " times the live bytes, not below that."};
  // Smaller segments alone mend it where the multiple of the live bytes is within the disk.
  const std::string segments = smaller_segments(workload, (f.disk_factor - 1) * f.disk_live);
  if (f.disk_factor * f.disk_live <= disk)
    return {kMergeCadence, Severity::warn, message, more + ", or " + segments + "."};
  return {kMergeCadence, Severity::warn, message,
          more + ", or " + at_least(f.disk_factor * f.disk_live) + " with " + segments + "."};
}

std::string times_text(double times) { return times < 1.005 ? "once" : "about " + rounded(times, 2) + " times"; }

Finding check_merge_cadence(const Workload& workload, const Figures& f) {
  // A batch of one record has less than this beside key and value.
  constexpr std::uint64_t kAroundRecord = 100;
  const std::uint64_t alone = workload.key_bytes + workload.value_bytes + kAroundRecord;
  if (alone > workload.segment_bytes)
    return {kMergeCadence, Severity::warn,
            "A record of " + bytes_beside(as_double(alone), workload.segment_bytes, 2) + " does not fit a segment of " +
                short_bytes(workload.segment_bytes) + ": the topic refuses it (message_too_large).",
            "Set segment.bytes to " + at_least(as_double(alone)) + " or more."};
  if (workload.disk_bytes && f.disk_high > as_double(*workload.disk_bytes))
    return disk_exceeded(workload, f, as_double(*workload.disk_bytes));
  if (f.updates == 0)
    return {kMergeCadence, Severity::ok, "Nothing is written twice, so there is nothing to compact.", ""};
  if (as_double(workload.dead_percent) > 100 * kBitcaskDeadShare)
    return {kMergeCadence, Severity::warn,
            "Segments wait until " + grouped(workload.dead_percent) + "% of them is dead, and the disk may reach " +
                decimal_bytes(f.disk_high) + " for " + decimal_bytes(f.disk_live) +
                " live; merge at 60% at the latest.",
            "Set min.cleanable.dirty.ratio to 0.6 or less (0.5 is the default)."};
  const bool least = workload.segment_bytes <= kSegmentBytesMin && workload.partitions == 1;
  if (f.disk_high > f.disk_factor * f.disk_live && !least)
    return {kMergeCadence, Severity::warn,
            "Segments are large beside the data: only closed ones are compacted, so the disk may reach " +
                decimal_bytes(f.disk_high) + " for " + decimal_bytes(f.disk_live) + " live.",
            "Take " + smaller_segments(workload, (f.disk_factor - 1) * f.disk_live) + "."};
  if (workload.bursty && !workload.off_peak)
    return {kMergeCadence, Severity::warn, "Writes come in bursts, and compaction would work beside them.",
            "Set off-peak (compaction.window, such as 1-5), and keep disk for a day of dead records."};
  const std::string disk = workload.off_peak ? "up to " + decimal_bytes(f.disk_high) +
                                                   " on disk and what is written while the window is closed"
                                             : "at most " + decimal_bytes(f.disk_high) + " on disk";
  return {kMergeCadence, Severity::ok,
          "Compaction at " + grouped(workload.dead_percent) + "% dead: " + disk + ", each byte written " +
              times_text(f.write_amplification) + ".",
          ""};
}

Finding check_hint_files(const Workload& workload, const Figures& f) {
  const std::string estimate = "Lookups are back " + about_seconds(f.restart.clean_s) + " after a clean stop, " +
                               about_seconds(f.restart.killed_s) + " after a kill; without hints it would be " +
                               about_seconds(f.restart.without_hints_s);
  if (f.restart.killed_s * 1000 <= as_double(workload.max_restart_ms))
    return {kHintFiles, Severity::ok, estimate + ".", ""};
  return {kHintFiles, Severity::warn, estimate + "; max-restart is " + ms_knob(workload.max_restart_ms) + ".",
          "Hints are always written; only fewer keys on the node, or a longer max-restart, mend it."};
}

}  // namespace

std::string_view severity_text(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return "ok";
    case Severity::warn:
      return "warn";
    case Severity::reject:
      return "reject";
  }
  return "";
}

bool beyond_all_partitions(const Workload& workload, const Figures& figures) {
  return figures.ram / as_double(most_partitions(workload)) > as_double(workload.ram_budget_per_partition);
}

std::vector<Finding> check_workload(const Workload& workload, const Figures& figures) {
  return {check_keydir_ram(workload, figures),    check_range_query(workload),
          check_sync_strategy(workload),          check_tombstone(workload),
          check_merge_cadence(workload, figures), check_hint_files(workload, figures)};
}

Severity worst(const std::vector<Finding>& findings) {
  Severity severity = Severity::ok;
  for (const Finding& finding : findings) severity = std::max(severity, finding.severity);
  return severity;
}

}  // namespace logcask::sizing
