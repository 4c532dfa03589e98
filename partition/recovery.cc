#include "partition/recovery.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/mutant.h"
#include "partition/append_clock.h"
#include "partition/producer_recovery.h"
#include "partition/unlisted_log.h"
#include "segment/batch_scan.h"
#include "segment/filename.h"
#include "segment/sync_log.h"

namespace logcask {
namespace {

constexpr std::string_view kAsideSuffix = ".aside";

class Recovery {
 public:
  Recovery(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
           const RecoveryOptions& options, const Clock& clock)
      : environment_(std::move(environment)),
        directory_(std::move(directory)),
        options_(options),
        clock_(clock),
        producers_(options.producers) {}

  Result<RecoveredLog> run();

 private:
  // What to append to once the manifest is stored: a log to go on with, or a new file at `base`.
  struct Active {
    std::optional<LogState> state;
    Offset base;
    Offset ceiling;
  };

  Status read_directory();
  Status start_new();
  Status check_closed();
  Status remove_temporaries();
  Status remove_leftovers();
  Status read_sync_logs();
  Result<std::optional<SyncEntry>> sync_of(Offset base) const;
  Result<bool> lost_its_log(SegmentName name);
  void start_clock();
  void settle_times(std::int64_t back_ms);
  Result<UnlistedLog> scan(SegmentName name);
  Status check_owner(const UnlistedLog& log) const;
  void begin_run(const Active& active);
  SegmentWriter::Options writer_options(const RunStart& run) const;
  Status chain();
  Status step_to(const Active& active);
  Result<Active> settle_last(UnlistedLog& log);
  void seal(const SegmentFacts& facts, Offset end_offset, std::uint64_t tombstones);
  void seal_damaged(const UnlistedLog& log, Offset end_offset);
  Status move_tail(UnlistedLog& log);
  Result<LogState> rewrite_tail(const UnlistedLog& log);
  Status start_active(Offset base);
  Status resume_active(LogState state, Offset ceiling);
  Status check_missing_log(Offset base);
  Status set_aside();
  void note_damage(Offset from, Offset to, const std::string& reason);
  bool note_lost_evidence(Offset end);
  void skip_to(Offset next);
  Result<std::uint64_t> tombstones_of(const SegmentFacts& facts);

  const std::shared_ptr<SegmentEnvironment> environment_;
  const std::shared_ptr<Directory> directory_;
  const RecoveryOptions& options_;
  const Clock& clock_;

  RecoveredLog out_;
  std::vector<std::string> names_;
  std::vector<std::string> temporaries_;
  std::vector<SegmentName> unlisted_;                                  // GEN 0, at or above the closed end, by base
  std::map<Offset, Result<std::optional<SyncLogContent>>> sync_logs_;  // at or above the closed end, by base
  bool manifest_changed_ = false;
  bool format_1_ = false;  // so was the manifest found
  std::optional<AppendClock> append_clock_;
  TimestampMs opened_at_{0};
  RunStart run_;
  ProducerRecovery producers_;
  Offset ceiling_;  // no offset at or above has been assigned, says any .sync of the chain
};

Result<RecoveredLog> Recovery::run() {
  const std::int64_t start_ns = clock_.monotonic_ns();
  LOGCASK_TRY(read_directory());
  LOGCASK_ASSIGN(std::optional<Manifest> manifest,
                 load_manifest(*directory_, options_.owner, out_.report.manifest_repaired));
  const bool has_logs = std::any_of(names_.begin(), names_.end(), [](const std::string& name) {
    const auto parsed = parse_segment_filename(name);
    return parsed && parsed->file == SegmentFile::log;
  });
  if (!manifest && has_logs)
    return Error{Errc::corrupt_file, directory_->path() +
                                         ": log files but no manifest; nothing was touched, 'logcask verify --repair' "
                                         "rebuilds the manifest from the logs"};
  if (!manifest && !options_.create)
    return Error{Errc::corrupt_file, directory_->path() +
                                         ": manifest.a, manifest.b and every log are missing; restore them from a "
                                         "backup, then 'logcask reopen'"};
  LOGCASK_TRY(remove_temporaries());
  if (!manifest) {
    LOGCASK_TRY(start_new());
  } else {
    out_.manifest = *std::move(manifest);
    format_1_ = !out_.manifest.owner.has_value();
    LOGCASK_TRY(read_sync_logs());
    start_clock();
    LOGCASK_TRY(check_closed());
    LOGCASK_TRY(remove_leftovers());
    LOGCASK_TRY(producers_.load(*directory_, out_.manifest, out_.closed));
    LOGCASK_TRY(chain());
  }
  if (append_clock_) out_.append_clock = append_clock_->stamp();
  out_.producers = producers_.take();
  if (append_clock_) out_.producers.cap_last_seen(opened_at_);
  out_.report.producers_rebuilt = producers_.rebuilt();
  out_.epoch = out_.manifest.epochs.back().epoch;
  out_.run = run_;
  out_.report.damaged = out_.manifest.damaged;
  out_.report.seconds = static_cast<double>(clock_.monotonic_ns() - start_ns) * 1e-9;
  return std::move(out_);
}

Status Recovery::read_directory() {
  LOGCASK_ASSIGN(const std::vector<Directory::Entry> entries, directory_->list());
  for (const Directory::Entry& entry : entries) {
    if (entry.is_directory) continue;
    (entry.name.ends_with(kTemporarySuffix) ? temporaries_ : names_).push_back(entry.name);
  }
  return {};
}

Status Recovery::remove_temporaries() {
  for (const std::string& name : temporaries_) {
    // load_manifest has removed its own.
    const Status removed = directory_->unlink(name);
    if (!removed.ok() && removed.code() != Errc::not_found) return removed;
  }
  return {};
}

Status Recovery::start_new() {
  out_.report.created = true;
  out_.manifest.generation = 1;
  out_.manifest.owner = options_.owner;
  run_ = {options_.run, Offset(0)};
  out_.manifest.runs.add(run_);
  out_.manifest.epochs.push_back({LeaderEpoch(0), Offset(0)});
  LOGCASK_TRY(store_first_manifest(*directory_, out_.manifest));
  return start_active(Offset(0));
}

Status Recovery::check_closed() {
  for (const ManifestSegment& segment : out_.manifest.segments) {
    const std::string name = segment_filename(segment.facts.name, SegmentFile::log);
    out_.closed.push_back(Segment::closed(environment_, directory_, segment.facts));
    Result<std::unique_ptr<File>> file = directory_->open(name, OpenMode::read);
    if (!file.ok()) {
      if (file.code() != Errc::not_found) return std::move(file).error();
      note_damage(segment.facts.name.base, segment.facts.next_offset, name + " is missing");
      continue;
    }
    LOGCASK_ASSIGN(const std::uint64_t size, (*file)->size());
    if (size < segment.facts.size_bytes)
      note_damage(
          segment.facts.name.base, segment.facts.next_offset,
          name + " is " + std::to_string(size) + " bytes long instead of " + std::to_string(segment.facts.size_bytes));
  }
  return {};
}

void Recovery::note_damage(Offset from, Offset to, const std::string& reason) {
  std::vector<DamagedRange>& damaged = out_.manifest.damaged;
  const bool known =
      std::any_of(damaged.begin(), damaged.end(), [&](const DamagedRange& d) { return d.from <= from && d.to >= to; });
  if (known) return;
  damaged.push_back({from, to, reason});
  manifest_changed_ = true;
}

// Files of compaction outputs that no manifest step made part of the log, and of inputs that one replaced.
Status Recovery::remove_leftovers() {
  // Thousands of segments have five files each.
  std::set<SegmentName> segments;
  for (const ManifestSegment& segment : out_.manifest.segments) segments.insert(segment.facts.name);
  const std::set<SegmentName> replaced(out_.manifest.obsolete.begin(), out_.manifest.obsolete.end());
  std::vector<std::string> kept;
  bool removed_any = false;
  for (const std::string& name : names_) {
    const auto parsed = parse_segment_filename(name);
    if (!parsed) {
      kept.push_back(name);
      continue;
    }
    const bool listed = segments.contains(parsed->name);
    const bool obsolete = !listed && (parsed->name.rewritten() || mutant(Mutant::active_log_is_leftover) ||
                                      replaced.contains(parsed->name));
    // The manifest says what of a listed log is on disk.
    if (listed && parsed->file == SegmentFile::sync) {
      LOGCASK_TRY(directory_->unlink(name));
      continue;
    }
    if (obsolete) {
      LOGCASK_TRY(directory_->unlink(name));
      out_.report.removed.push_back(name);
      removed_any = true;
      continue;
    }
    kept.push_back(name);
    if (!listed && parsed->file == SegmentFile::log) unlisted_.push_back(parsed->name);
  }
  for (const auto& [base, content] : sync_logs_) {
    const SegmentName name{base, Generation(0)};
    LOGCASK_ASSIGN(const bool lost, lost_its_log(name));
    if (lost) unlisted_.push_back(name);
  }
  if (removed_any) LOGCASK_TRY(directory_->sync());
  names_ = std::move(kept);
  std::sort(unlisted_.begin(), unlisted_.end());
  return {};
}

// Of the logs that the manifest does not list. A foreign one is an error only where its log would be taken.
Status Recovery::read_sync_logs() {
  const Offset closed_end = out_.manifest.closed_end();
  for (const std::string& name : names_) {
    const auto parsed = parse_segment_filename(name);
    if (!parsed || parsed->file != SegmentFile::sync || parsed->name.base < closed_end) continue;
    auto content = find_sync_content(*directory_, parsed->name.base, options_.owner);
    if (!content.ok() && content.code() != Errc::foreign_file) return std::move(content).error();
    if (content.ok() && *content && (*content)->format_1 && !format_1_ &&
        parsed->name.base > out_.manifest.format_1_through && !mutant(Mutant::foreign_log_adopted))
      content = Error{Errc::foreign_file, directory_->path() + "/" + name +
                                              " is of format 1 and names no partition, but this partition's own are of "
                                              "format 2: it comes from elsewhere; put the right one back"};
    sync_logs_.emplace(parsed->name.base, std::move(content));
  }
  return {};
}

// The newest entry beside the log of this base: none without a sound one, an error when it is another partition's.
Result<std::optional<SyncEntry>> Recovery::sync_of(Offset base) const {
  const auto found = sync_logs_.find(base);
  if (found == sync_logs_.end()) return std::optional<SyncEntry>();
  if (!found->second.ok()) return found->second.error();
  const std::optional<SyncLogContent>& content = *found->second;
  return content ? std::optional(content->newest) : std::nullopt;
}

// A .sync whose entries speak of bytes in a file that is not there.
Result<bool> Recovery::lost_its_log(SegmentName name) {
  if (std::find(unlisted_.begin(), unlisted_.end(), name) != unlisted_.end()) return false;
  const auto sync = sync_of(name.base);
  return sync.ok() && *sync && (*sync)->position > 0;
}

// Goes on from the latest append time that is noted anywhere, with the allowance that was left then.
void Recovery::start_clock() {
  AppendStamp latest = out_.manifest.append_clock;
  for (const auto& [base, content] : sync_logs_) {
    if (!content.ok() || !*content) continue;
    const SyncEntry& entry = (*content)->newest;
    if (entry.last_append <= latest.time) continue;
    latest = {entry.last_append};
    latest.allowance_ms = entry.clock_allowance_ms;
    latest.ahead_ms = entry.clock_ahead_ms;
  }
  append_clock_.emplace(clock_, latest.time > TimestampMs(0) ? std::optional(latest) : std::nullopt);
  opened_at_ = append_clock_->now();
  if (!options_.settle_clock || !append_clock_->settled_ahead()) return;
  AppendStamp stamp = append_clock_->stamp();
  settle_times(stamp.ahead_ms);
  stamp.time = TimestampMs(std::max<std::int64_t>(1, stamp.time.value() - stamp.ahead_ms));
  stamp.ahead_ms = 0;
  append_clock_.emplace(clock_, stamp);
  opened_at_ = append_clock_->now();
}

// Every append time that is noted, by as much: what is how old stays as it is.
void Recovery::settle_times(std::int64_t back_ms) {
  const auto set_back = [back_ms](TimestampMs& time) {
    if (time > TimestampMs(0)) time = TimestampMs(std::max<std::int64_t>(0, time.value() - back_ms));
  };
  for (ManifestSegment& segment : out_.manifest.segments) {
    set_back(segment.facts.first_append);
    set_back(segment.facts.last_append);
  }
  for (CleanThrough& clean : out_.manifest.clean_through) set_back(clean.since);
  set_back(out_.manifest.append_clock.time);
  for (auto& [base, content] : sync_logs_) {
    if (!content.ok() || !*content) continue;
    set_back((*content)->newest.first_append);
    set_back((*content)->newest.last_append);
  }
  out_.report.clock_set_back_ms = back_ms;
  manifest_changed_ = true;
}

Result<UnlistedLog> Recovery::scan(SegmentName name) {
  LOGCASK_ASSIGN(const std::optional<SyncEntry> sync, sync_of(name.base));
  LOGCASK_ASSIGN(UnlistedLog log,
                 scan_unlisted_log(*directory_, name, {out_.manifest.epochs, sync, opened_at_, producers_}));
  out_.report.scanned_bytes += log.state.position();
  log.ceiling = ceiling_ = std::max(ceiling_, log.ceiling);
  // A run that wrote is in positions that readers keep.
  if (std::max(log.state.next_offset(), log.sync.durable_end) > log.sync.run.first) {
    const RunHistory before = out_.manifest.runs;
    out_.manifest.runs.add(log.sync.run);
    manifest_changed_ = manifest_changed_ || out_.manifest.runs != before;
  }
  return log;
}

// A log that holds bytes has had a .sync since before its first byte: what a crash leaves alone is empty. Without one
// nothing says that it is ours.
Status Recovery::check_owner(const UnlistedLog& log) const {
  const Offset base = log.state.name().base;
  const bool empty = log.state.position() == 0 && !log.torn;
  if (format_1_ || empty || sync_logs_.contains(base) || mutant(Mutant::foreign_log_adopted)) return {};
  const std::string name = directory_->path() + "/" + segment_filename(log.state.name(), SegmentFile::sync);
  return Error{Errc::foreign_file,
               name +
                   " is missing, so nothing says that the log beside it is this partition's; restore it from a "
                   "backup, or move the log away if it came from elsewhere (an empty file in place of the .sync "
                   "says that the log is ours), then 'logcask reopen'"};
}

Status Recovery::chain() {
  std::size_t i = 0;
  const Offset closed_end = out_.manifest.closed_end();
  // Below the closed end there is nothing to chain to; such a file is nobody's and is kept.
  std::vector<SegmentName> candidates;
  std::vector<SegmentName> strangers;
  for (const SegmentName& name : unlisted_) (name.base >= closed_end ? candidates : strangers).push_back(name);
  unlisted_ = candidates;

  Offset expected = closed_end;
  std::optional<UnlistedLog> last;
  while (i < unlisted_.size() && unlisted_[i].base == expected) {
    LOGCASK_ASSIGN(UnlistedLog log, scan(unlisted_[i]));
    LOGCASK_TRY(check_owner(log));
    // A roll syncs the old file before it creates the next one, so a file that is followed by its successor was whole:
    // what is missing in front of the successor's base is damage, what lies behind it is nobody's.
    const Offset end = log.corrupt ? log.sync.durable_end : log.state.next_offset();
    const bool next_chains = i + 1 < unlisted_.size() && unlisted_[i + 1].base == end && end > unlisted_[i].base;
    ++i;
    if (!next_chains) {
      last = std::move(log);
      break;
    }
    if (log.corrupt) {
      seal_damaged(log, end);
    } else {
      const SegmentFacts facts = log.state.facts();
      LOGCASK_ASSIGN(const std::uint64_t tombstones, tombstones_of(facts));
      seal(facts, end, tombstones);
    }
    ++out_.report.adopted_segments;
    expected = end;
  }
  unlisted_.erase(unlisted_.begin(), unlisted_.begin() + static_cast<std::ptrdiff_t>(i));
  unlisted_.insert(unlisted_.end(), strangers.begin(), strangers.end());
  if (!last && !options_.create) LOGCASK_TRY(check_missing_log(closed_end));
  if (!last && note_lost_evidence(out_.manifest.closed_end())) skip_to(out_.manifest.judged_end);
  LOGCASK_TRY(set_aside());

  Active active;
  active.base = out_.manifest.closed_end();
  if (last) {
    LOGCASK_ASSIGN(active, settle_last(*last));
  }
  // The step that seals a file comes before the first byte of the one behind it, but after that one is there: a
  // manifest behind which no log goes on has lost it.
  begin_run(active);
  if (!active.state) LOGCASK_TRY(start_active(active.base));
  LOGCASK_TRY(step_to(active));
  return active.state ? resume_active(*std::move(active.state), active.ceiling) : Status();
}

// It stands in the .sync before its first record does, and in every manifest from the next step on.
void Recovery::begin_run(const Active& active) {
  run_ = {options_.run, active.state ? active.state->next_offset() : active.base};
  out_.manifest.runs.add(run_);
}

Status Recovery::step_to(const Active& active) {
  Manifest& manifest = out_.manifest;
  if (format_1_) {
    manifest.owner = options_.owner;
    // Its .sync is written anew after this step.
    manifest.format_1_through = active.state ? active.state->name().base : kNoOffset;
    out_.report.upgraded = true;
  }
  if (!manifest_changed_ && !format_1_) return {};
  manifest.append_clock = append_clock_->stamp();
  ++manifest.generation;
  return store_manifest(*directory_, manifest);
}

SegmentWriter::Options Recovery::writer_options(const RunStart& run) const {
  SegmentWriter::Options options = options_.writer;
  options.owner = options_.owner;
  options.run = run;
  if (append_clock_) options.clock = append_clock_->stamp();
  options.log_start = out_.manifest.log_start_offset;
  return options;
}

// No log goes on at the closed end. It was durable before the manifest was, so it is lost; a .sync that is there says
// that nothing of it was promised.
Status Recovery::check_missing_log(Offset base) {
  LOGCASK_ASSIGN(const std::optional<SyncEntry> sync, sync_of(base));
  if (sync) return {};
  return Error{Errc::corrupt_file,
               directory_->path() + "/" + segment_filename({base, Generation(0)}, SegmentFile::log) +
                   " is missing, which the log goes on in; restore it and its .sync from a backup, then 'logcask "
                   "reopen' (an empty file in its place gives up what it held, and its offsets are given again)"};
}

// The log with everything that lies beside it: a later log of the same base must not meet them.
Status Recovery::set_aside() {
  if (unlisted_.empty()) return {};
  for (const SegmentName& segment : unlisted_) {
    for (const std::string& name : names_) {
      const auto parsed = parse_segment_filename(name);
      if (!parsed || parsed->name != segment) continue;
      LOGCASK_TRY(directory_->rename(name, name + std::string(kAsideSuffix)));
      if (parsed->file == SegmentFile::log) out_.report.set_aside.push_back(name);
    }
  }
  return directory_->sync();
}

Result<std::uint64_t> Recovery::tombstones_of(const SegmentFacts& facts) {
  return count_tombstones(*Segment::closed(environment_, directory_, facts), environment_->max_decompressed_bytes);
}

void Recovery::seal(const SegmentFacts& facts, Offset end_offset, std::uint64_t tombstones) {
  out_.manifest.segments.push_back({facts, end_offset, tombstones, Offset(0)});
  out_.closed.push_back(Segment::closed(environment_, directory_, facts));
  manifest_changed_ = true;
}

// Decides what becomes of the last file of the chain: resumed, its tail copied, or sealed because it is damaged or
// because offsets are skipped behind it.
Result<Recovery::Active> Recovery::settle_last(UnlistedLog& log) {
  if (log.torn) {
    out_.report.cut_bytes = log.file_bytes - log.state.position();
    out_.report.cut_reason = log.reason;
  }
  const Offset end = std::max(log.state.next_offset(), log.sync.durable_end);
  const bool lost_evidence = note_lost_evidence(end);
  const bool lost = log.torn || log.corrupt || lost_evidence || options_.machine_reset;
  Offset next = lost && !mutant(Mutant::offsets_given_twice) ? std::max(end, log.ceiling) : end;
  if (lost_evidence) next = std::max(next, out_.manifest.judged_end);
  if (next > end || log.torn || log.corrupt) {
    const LeaderEpoch epoch(out_.manifest.epochs.back().epoch.value() + 1);
    out_.manifest.epochs.push_back({epoch, next});
    manifest_changed_ = true;
    out_.report.skipped_offsets = next - end;
  }
  if (log.corrupt) {
    seal_damaged(log, next);
    return Active{std::nullopt, next, next};
  }

  if (log.state.position() > log.sync.position) LOGCASK_TRY(move_tail(log));
  const Offset ceiling = std::max(log.ceiling, next);
  const bool unused = log.state.position() == 0 && log.state.name().base == next;
  if (next == log.state.next_offset() || unused) return Active{std::move(log.state), next, ceiling};

  // A segment may only begin at a jump, so the file is sealed with the hole at its end.
  LOGCASK_ASSIGN(
      std::unique_ptr<SegmentWriter> closing,
      SegmentWriter::resume(environment_, directory_, std::move(log.state), ceiling, writer_options(log.sync.run)));
  LOGCASK_ASSIGN(const SegmentFacts facts, closing->close(clock_.monotonic_ns()));
  LOGCASK_ASSIGN(const std::uint64_t tombstones, tombstones_of(facts));
  seal(facts, next, tombstones);
  return Active{std::nullopt, next, next};
}

// Compaction has removed records on the evidence of newer ones that are not there any more: the log is an older copy,
// or the disk has lost what it had synced. What was removed cannot come back, so a key may be missing that had a value.
bool Recovery::note_lost_evidence(Offset end) {
  const Offset judged = out_.manifest.judged_end;
  if (end >= judged || mutant(Mutant::lost_evidence_unnoticed)) return false;
  note_damage(end, judged,
              "the log ends at offset " + std::to_string(end.value()) +
                  ", but compaction has removed records because of " + "newer ones below offset " +
                  std::to_string(judged.value()) +
                  ": the active log is an older copy, or the disk lost what it had synced; restore it from a backup");
  return true;
}

// No log goes on where the closed ones end, and none may before `next`: the offsets in between have been given.
void Recovery::skip_to(Offset next) {
  out_.report.skipped_offsets = next - out_.manifest.closed_end();
  if (out_.manifest.segments.empty()) {
    out_.manifest.dropped_end = next;
  } else {
    out_.manifest.segments.back().end_offset = next;
  }
  out_.manifest.epochs.push_back({LeaderEpoch(out_.manifest.epochs.back().epoch.value() + 1), next});
  manifest_changed_ = true;
}

// Everything up to the recovery point was promised; it stays in place under the facts the .sync vouches for.
void Recovery::seal_damaged(const UnlistedLog& log, Offset end_offset) {
  SegmentFacts facts = log.state.facts();
  note_damage(log.damaged_from, log.sync.durable_end,
              segment_filename(facts.name, SegmentFile::log) + ": " + log.reason);
  facts.size_bytes = log.sync.position;
  facts.digest = log.sync.digest;
  facts.next_offset = log.sync.durable_end;
  seal(facts, end_offset, 0);
}

// The bytes above the recovery point go into a file of their own; `log.state` is then that file's.
Status Recovery::move_tail(UnlistedLog& log) {
  out_.report.rewritten_bytes = log.state.position() - log.sync.position;
  LOGCASK_ASSIGN(LogState tail, rewrite_tail(log));
  if (log.sync.position > 0) {
    LOGCASK_CHECK(log.state_at_sync.has_value());
    log.state_at_sync->set_append_times(log.sync.first_append, log.sync.last_append);
    const SegmentFacts facts = log.state_at_sync->facts();
    LOGCASK_ASSIGN(const std::uint64_t tombstones, tombstones_of(facts));
    seal(facts, facts.next_offset, tombstones);
  }
  log.state = std::move(tail);
  return {};
}

// Copies [recovery point, end) into a file of its own whose base is the recovery point, and makes that durable.
// Until the manifest lists the old file as ending there, the new one does not chain, so a crash in between changes
// nothing but to leave a copy that will be set aside.
Result<LogState> Recovery::rewrite_tail(const UnlistedLog& log) {
  const SegmentName old_name = log.state.name();
  const SegmentName new_name{log.sync.position > 0 ? log.sync.durable_end : old_name.base, Generation(0)};
  const std::string final_name = segment_filename(new_name, SegmentFile::log);
  const std::string temporary = final_name + std::string(kTemporarySuffix);
  LOGCASK_ASSIGN(std::unique_ptr<File> from,
                 directory_->open(segment_filename(old_name, SegmentFile::log), OpenMode::read));
  LOGCASK_ASSIGN(std::unique_ptr<File> to, directory_->open(temporary, OpenMode::create_new));

  LogState copy(new_name);
  ScanOptions options;
  options.name = old_name;
  options.position = log.sync.position;
  options.expected = new_name.base;
  options.end_position = log.state.position();
  LOGCASK_ASSIGN(const ScanEnd end, scan_batches(*from, options, [&](const ScannedBatch& batch) -> Status {
                   LOGCASK_TRY(to->write_at(copy.position(), batch.bytes));
                   copy.add_batch(batch.header, batch.bytes);
                   return {};
                 }));
  if (end.position != log.state.position())
    return Error{Errc::io_error, final_name + ": the tail changed while it was copied: " + end.reason};
  const TimestampMs first = log.sync.last_append == kNoTimestamp ? opened_at_ : log.sync.last_append;
  copy.set_append_times(first, std::max(first, opened_at_));
  LOGCASK_TRY(to->sync_data());
  // Where the old file loses its tail to a power loss, the copy chains onto it: it must name us then.
  if (new_name != old_name) {
    SyncEntry nothing_yet = log.sync;
    nothing_yet.position = 0;
    nothing_yet.digest = Digest().value();
    nothing_yet.first_append = nothing_yet.last_append = kNoTimestamp;
    nothing_yet.offset_ceiling = log.ceiling;
    LOGCASK_TRY(SyncLog::create(*directory_, options_.owner, new_name.base, nothing_yet));
    // Its name is on disk before the copy's: a copy alone would be nobody's (check_owner).
    LOGCASK_TRY(directory_->sync());
  }
  LOGCASK_TRY(directory_->rename(temporary, final_name));
  LOGCASK_TRY(directory_->sync());
  return copy;
}

Status Recovery::start_active(Offset base) {
  LOGCASK_ASSIGN(out_.writer,
                 SegmentWriter::create(environment_, directory_, {base, Generation(0)}, writer_options(run_)));
  return directory_->sync();
}

Status Recovery::resume_active(LogState state, Offset ceiling) {
  LOGCASK_ASSIGN(out_.writer,
                 SegmentWriter::resume(environment_, directory_, std::move(state), ceiling, writer_options(run_)));
  return directory_->sync();
}

}  // namespace

std::string RecoveryReport::to_string() const {
  std::string text = created ? "created" : "recovered";
  text += " in " + std::to_string(static_cast<std::int64_t>(seconds * 1000)) + " ms";
  const auto add = [&text](const std::string& fact) { text += "; " + fact; };
  if (scanned_bytes > 0) add("scanned " + std::to_string(scanned_bytes) + " bytes");
  if (adopted_segments > 0) add("adopted " + std::to_string(adopted_segments) + " closed segments");
  if (cut_bytes > 0) add("cut " + std::to_string(cut_bytes) + " bytes of a torn tail (" + cut_reason + ")");
  if (rewritten_bytes > 0) add("rewrote " + std::to_string(rewritten_bytes) + " unsynced bytes");
  if (skipped_offsets > 0) add("skipped " + std::to_string(skipped_offsets) + " reserved offsets");
  if (manifest_repaired) add("rewrote one manifest copy");
  if (upgraded) add("brought to format 2");
  if (clock_set_back_ms > 0) add("set every append time back by " + std::to_string(clock_set_back_ms / 1000) + " s");
  if (producers_rebuilt) add("rebuilt producer state from the log");
  for (const std::string& name : set_aside) add("set aside " + name);
  for (const std::string& name : removed) add("removed leftover " + name);
  for (const DamagedRange& range : damaged)
    add("DAMAGED offsets " + std::to_string(range.from.value()) + ".." + std::to_string(range.to.value()) + ": " +
        range.reason);
  return text;
}

Result<std::uint64_t> count_tombstones(const Segment& segment, std::size_t max_decompressed_bytes) {
  std::uint64_t tombstones = 0;
  std::string scratch;
  LOGCASK_TRY(segment.scan([&](const ScannedBatch& batch) -> Status {
    if (batch.header.control()) return {};
    LOGCASK_ASSIGN(const ByteView records, batch_records(batch.header, batch.bytes, max_decompressed_bytes, scratch));
    RecordCursor cursor(batch.header, records);
    RecordView record;
    while (true) {
      LOGCASK_ASSIGN(const bool more, cursor.next(record));
      if (!more) return {};
      if (record.tombstone()) ++tombstones;
    }
  }));
  return tombstones;
}

Result<RecoveredLog> recover_log(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
                                 const RecoveryOptions& options, const Clock& clock) {
  return Recovery(std::move(environment), std::move(directory), options, clock).run();
}

}  // namespace logcask
