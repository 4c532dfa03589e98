#include "partition/recovery.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/mutant.h"
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
  Status read_directory();
  Status start_new();
  Status check_closed();
  Status remove_temporaries();
  Status remove_leftovers();
  Result<bool> lost_its_log(SegmentName name);
  Result<UnlistedLog> scan(SegmentName name);
  Status chain();
  // What to append to once the manifest is stored: a log to go on with, or a new file at `base`.
  struct Active {
    std::optional<LogState> state;
    Offset base;
    Offset ceiling;
  };
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
  Result<std::uint64_t> tombstones_of(const SegmentFacts& facts);

  const std::shared_ptr<SegmentEnvironment> environment_;
  const std::shared_ptr<Directory> directory_;
  const RecoveryOptions& options_;
  const Clock& clock_;

  RecoveredLog out_;
  std::vector<std::string> names_;
  std::vector<std::string> temporaries_;
  std::vector<SegmentName> unlisted_;  // GEN 0, at or above the closed end, by base
  bool manifest_changed_ = false;
  TimestampMs opened_at_{0};
  ProducerRecovery producers_;
  Offset ceiling_;  // no offset at or above has been assigned, says any .sync of the chain
};

Result<RecoveredLog> Recovery::run() {
  const std::int64_t start_ns = clock_.monotonic_ns();
  LOGCASK_TRY(read_directory());
  LOGCASK_ASSIGN(std::optional<Manifest> manifest, load_manifest(*directory_, out_.report.manifest_repaired));
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
    out_.append_clock = out_.manifest.append_clock;
    opened_at_ = std::max(clock_.wall_ms(), out_.append_clock);
    LOGCASK_TRY(check_closed());
    LOGCASK_TRY(remove_leftovers());
    LOGCASK_TRY(producers_.load(*directory_, out_.manifest, out_.closed));
    LOGCASK_TRY(chain());
  }
  out_.producers = producers_.take();
  out_.report.producers_rebuilt = producers_.rebuilt();
  out_.epoch = out_.manifest.epochs.back().epoch;
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
  out_.manifest.epochs.push_back({LeaderEpoch(0), Offset(0)});
  LOGCASK_TRY(store_manifest(*directory_, out_.manifest));
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
  const auto& segments = out_.manifest.segments;
  std::vector<std::string> kept;
  std::vector<SegmentName> synced;
  bool removed_any = false;
  for (const std::string& name : names_) {
    const auto parsed = parse_segment_filename(name);
    if (!parsed) {
      kept.push_back(name);
      continue;
    }
    const bool listed = std::any_of(segments.begin(), segments.end(),
                                    [&](const ManifestSegment& s) { return s.facts.name == parsed->name; });
    const bool obsolete =
        !listed && (parsed->name.rewritten() || mutant(Mutant::active_log_is_leftover) ||
                    std::count(out_.manifest.obsolete.begin(), out_.manifest.obsolete.end(), parsed->name) > 0);
    if (obsolete) {
      LOGCASK_TRY(directory_->unlink(name));
      out_.report.removed.push_back(name);
      removed_any = true;
      continue;
    }
    kept.push_back(name);
    if (!listed && parsed->file == SegmentFile::log) unlisted_.push_back(parsed->name);
    if (!listed && parsed->file == SegmentFile::sync) synced.push_back(parsed->name);
  }
  for (const SegmentName& name : synced) {
    LOGCASK_ASSIGN(const bool lost, lost_its_log(name));
    if (lost) unlisted_.push_back(name);
  }
  if (removed_any) LOGCASK_TRY(directory_->sync());
  names_ = std::move(kept);
  std::sort(unlisted_.begin(), unlisted_.end());
  return {};
}

// A .sync whose entries speak of bytes in a file that is not there. Below the closed end that is a file of which the
// rest was removed.
Result<bool> Recovery::lost_its_log(SegmentName name) {
  if (name.base < out_.manifest.closed_end() || std::find(unlisted_.begin(), unlisted_.end(), name) != unlisted_.end())
    return false;
  LOGCASK_ASSIGN(const auto sync, find_sync_entry(*directory_, name.base));
  return sync && sync->position > 0;
}

Result<UnlistedLog> Recovery::scan(SegmentName name) {
  LOGCASK_ASSIGN(UnlistedLog log, scan_unlisted_log(*directory_, name, {out_.manifest.epochs, opened_at_, producers_}));
  out_.report.scanned_bytes += log.state.position();
  out_.append_clock = std::max(out_.append_clock, log.sync.last_append);
  log.ceiling = ceiling_ = std::max(ceiling_, log.ceiling);
  return log;
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
  LOGCASK_TRY(set_aside());

  Active active;
  active.base = out_.manifest.closed_end();
  if (last) {
    LOGCASK_ASSIGN(active, settle_last(*last));
  }
  // The step that seals a file comes before the first byte of the one behind it, but after that one is there: a
  // manifest behind which no log goes on has lost it.
  if (!active.state) LOGCASK_TRY(start_active(active.base));
  if (manifest_changed_) {
    ++out_.manifest.generation;
    LOGCASK_TRY(store_manifest(*directory_, out_.manifest));
  }
  return active.state ? resume_active(*std::move(active.state), active.ceiling) : Status();
}

// No log goes on at the closed end. It was durable before the manifest was, so it is lost; a .sync that is there says
// that nothing of it was promised.
Status Recovery::check_missing_log(Offset base) {
  LOGCASK_ASSIGN(const auto sync, find_sync_entry(*directory_, base));
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
  const bool lost = log.torn || log.corrupt || options_.machine_reset;
  const Offset next = lost && !mutant(Mutant::offsets_given_twice) ? std::max(end, log.ceiling) : end;
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
  LOGCASK_ASSIGN(std::unique_ptr<SegmentWriter> closing,
                 SegmentWriter::resume(environment_, directory_, std::move(log.state), ceiling, options_.writer));
  LOGCASK_ASSIGN(const SegmentFacts facts, closing->close(clock_.monotonic_ns()));
  LOGCASK_ASSIGN(const std::uint64_t tombstones, tombstones_of(facts));
  seal(facts, next, tombstones);
  return Active{std::nullopt, next, next};
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
  LOGCASK_TRY(directory_->rename(temporary, final_name));
  LOGCASK_TRY(directory_->sync());
  return copy;
}

Status Recovery::start_active(Offset base) {
  LOGCASK_ASSIGN(out_.writer, SegmentWriter::create(environment_, directory_, {base, Generation(0)}, options_.writer));
  return directory_->sync();
}

Status Recovery::resume_active(LogState state, Offset ceiling) {
  LOGCASK_ASSIGN(out_.writer,
                 SegmentWriter::resume(environment_, directory_, std::move(state), ceiling, options_.writer));
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
