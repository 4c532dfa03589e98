#include "cli/partition_check.h"

#include <algorithm>
#include <set>

#include "base/mutant.h"
#include "segment/batch_scan.h"
#include "segment/digest.h"
#include "segment/filename.h"
#include "segment/hint_file.h"
#include "segment/log_state.h"
#include "segment/offset_index.h"
#include "segment/sync_log.h"
#include "segment/time_index.h"

namespace logcask::cli {
namespace {

constexpr std::uint64_t kMaxManifestBytes = 1u << 30;

bool overlaps(const ManifestSegment& segment, const DamagedRange& range) {
  return segment.facts.name.base < range.to && range.from < segment.end_offset;
}

class Checker {
 public:
  Checker(std::shared_ptr<Directory> directory, const std::optional<PartitionIdentity>& owner, PartitionCheck& out)
      : directory_(std::move(directory)), owner_(owner), out_(out) {}

  Status run() {
    LOGCASK_ASSIGN(const auto entries, directory_->list());
    for (const auto& entry : entries)
      if (!entry.is_directory) names_.insert(entry.name);
    check_manifest();
    Offset end;
    if (out_.manifest) {
      for (const auto& segment : out_.manifest->segments) check_listed(segment);
      check_producer_snapshot();
      find_healed();
      end = out_.manifest->closed_end();
    }
    check_unlisted(end);
    return {};
  }

 private:
  void find(Finding::Kind kind, const std::string& file, const std::string& what) {
    out_.findings.push_back({kind, file, what});
  }

  void check_manifest() {
    std::size_t sound = 0;
    for (const char* name : kManifestNames) {
      if (!names_.contains(name)) continue;
      auto bytes = read_file(*directory_, name, kMaxManifestBytes);
      // Too large for a manifest is damage, everything else says nothing of what the file holds.
      if (!bytes.ok() && bytes.code() != Errc::corrupt_file && !mutant(Mutant::unreadable_is_damaged)) {
        find(Finding::Kind::unread, name, bytes.error().message);
        continue;
      }
      auto manifest = bytes.ok() ? decode_manifest(*bytes) : Result<Manifest>(std::move(bytes).error());
      if (!manifest.ok()) {
        find(Finding::Kind::manifest, name, manifest.error().message);
        continue;
      }
      if (owner_ && manifest->owner && *manifest->owner != *owner_) {
        find(Finding::Kind::damage, name, "it belongs to " + manifest->owner->to_string());
        continue;
      }
      ++sound;
      if (!out_.manifest || manifest->generation > out_.manifest->generation) out_.manifest = *std::move(manifest);
    }
    // Nothing is made in place of what somebody may still read.
    if (!out_.findings.empty() && !std::all_of(out_.findings.begin(), out_.findings.end(), [](const Finding& finding) {
          return finding.kind == Finding::Kind::manifest;
        }))
      return;
    if (sound == 0 && has_logs()) find(Finding::Kind::manifest, "manifest.a", "no readable manifest, but log files");
    if (sound == 0 && out_.findings.empty() && !has_logs())
      find(Finding::Kind::damage, "manifest.a",
           "neither a manifest nor a log is there: the partition's files are gone, or were never made because the "
           "creation of its topic was interrupted");
    if (sound == 1)
      find(Finding::Kind::note, "manifest.a",
           "one of the two copies is missing or damaged; the next start writes it again");
  }

  bool has_logs() const {
    return std::any_of(names_.begin(), names_.end(), [](const std::string& name) {
      const auto parsed = parse_segment_filename(name);
      return parsed && parsed->file == SegmentFile::log;
    });
  }

  void check_listed(const ManifestSegment& segment) {
    ++out_.segments;
    const SegmentFacts& facts = segment.facts;
    const std::string name = segment_filename(facts.name, SegmentFile::log);
    if (!names_.contains(name)) return find(Finding::Kind::damage, name, "the manifest lists it, but it is not there");
    LogState state(facts.name);
    auto end = scan(facts.name, facts.size_bytes, state);
    if (!end.ok()) return find(Finding::Kind::damage, name, end.error().message);
    const std::string where =
        "at position " + std::to_string(end->position) + " of " + std::to_string(facts.size_bytes);
    if (end->position != facts.size_bytes)
      return find(Finding::Kind::damage, name, where + ": " + (end->reason.empty() ? "the data ends" : end->reason));
    if (state.digest.value() != facts.digest)
      return find(Finding::Kind::damage, name,
                  "every batch holds its checksum, but the file's digest differs from the manifest's");
    const bool same_records = state.facts().records == facts.records;
    if (state.next_offset() != facts.next_offset || !(same_records || known_damage(segment)))
      return find(Finding::Kind::damage, name, "it holds other offsets or records than the manifest says");
    // A log that was damaged when it was closed is listed with the digest of what was synced, and with the records in
    // front of the damage: with that digest it is whole again.
    if (!same_records) {
      SegmentFacts whole = state.facts();
      whole.first_append = facts.first_append;
      whole.last_append = facts.last_append;
      out_.restored.push_back(whole);
    }
    sound_.insert(facts.name);
    out_.records += state.facts().records;
    out_.bytes += facts.size_bytes;
    check_derived(facts);
  }

  bool known_damage(const ManifestSegment& segment) const {
    const auto& ranges = out_.manifest->damaged;
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const DamagedRange& range) { return overlaps(segment, range); });
  }

  // What can be rebuilt from the log is never damage, only work for the next start.
  void check_derived(const SegmentFacts& facts) {
    const std::string index = segment_filename(facts.name, SegmentFile::index);
    if (names_.contains(index)) {
      auto bytes = read_file(*directory_, index, kMaxSegmentBytes);
      const Status decoded = bytes.ok() ? as_status(OffsetIndex::decode(*bytes, facts)) : Status(bytes.error());
      if (!decoded.ok()) find(Finding::Kind::note, index, decoded.error().message + " (rebuilt when needed)");
    }
    const std::string times = segment_filename(facts.name, SegmentFile::time_index);
    if (names_.contains(times)) {
      auto bytes = read_file(*directory_, times, kMaxSegmentBytes);
      const Status decoded = bytes.ok() ? as_status(TimeIndex::decode(*bytes, facts)) : Status(bytes.error());
      if (!decoded.ok()) find(Finding::Kind::note, times, decoded.error().message + " (rebuilt when needed)");
    }
    check_hint(facts);
  }

  template <class T>
  static Status as_status(const Result<T>& result) {
    return result.ok() ? Status() : Status(result.error());
  }

  void check_hint(const SegmentFacts& facts) {
    const std::string hint = segment_filename(facts.name, SegmentFile::hint);
    if (!names_.contains(hint)) return;
    auto reader = HintReader::open(*directory_, facts.name);
    const Status read =
        reader.ok() ? reader->read([](std::span<const HintEntry>) { return Status(); }) : Status(reader.error());
    if (!read.ok())
      return find(Finding::Kind::note, hint, read.error().message + " (the next start reads the log instead)");
    if (reader->header().digest != facts.digest || reader->header().covered_position != facts.size_bytes)
      find(Finding::Kind::note, hint, "made of other bytes than its log holds (the next start reads the log instead)");
  }

  void check_producer_snapshot() {
    const std::string& name = out_.manifest->producer_snapshot_name;
    if (name.empty()) return;
    auto bytes = read_file(*directory_, name, kMaxManifestBytes);
    if (!bytes.ok()) return find(Finding::Kind::note, name, bytes.error().message + " (rebuilt from the log)");
    if (xxh3_64(*bytes) != out_.manifest->producer_snapshot_digest)
      find(Finding::Kind::note, name, "it does not match its digest (rebuilt from the log)");
  }

  void find_healed() {
    for (const auto& range : out_.manifest->damaged) {
      // A rebuilt manifest lists only what is sound of a broken file; such bytes prove nothing about the rest.
      const auto heals = [&](const ManifestSegment& segment) {
        return sound_.contains(segment.facts.name) && segment.facts.next_offset > range.from;
      };
      bool sound = true;
      bool held = false;
      for (const auto& segment : out_.manifest->segments) {
        if (!overlaps(segment, range)) continue;
        held = true;
        sound = sound && heals(segment);
      }
      if (sound && held) {
        out_.healed.push_back(range);
        find(Finding::Kind::manifest, "manifest.a",
             "it calls offsets " + std::to_string(range.from.value()) + " to " + std::to_string(range.to.value()) +
                 " damaged, but they are sound");
      } else {
        find(Finding::Kind::damage, "manifest.a",
             "known damage: offsets " + std::to_string(range.from.value()) + " to " + std::to_string(range.to.value()) +
                 ": " + range.reason);
      }
    }
  }

  void check_unlisted(Offset expected) {
    std::set<SegmentName> listed;
    if (out_.manifest)
      for (const auto& segment : out_.manifest->segments) listed.insert(segment.facts.name);
    std::set<SegmentName> unlisted;
    for (const auto& name : names_) {
      const auto parsed = parse_segment_filename(name);
      if (parsed && parsed->file == SegmentFile::log && !listed.contains(parsed->name)) unlisted.insert(parsed->name);
    }
    check_missing(listed, unlisted, expected);
    check_active(unlisted, expected);
    for (const auto& name : unlisted) {
      if (out_.manifest && name.rewritten())
        find(Finding::Kind::note, segment_filename(name, SegmentFile::log),
             "left over from a compaction; the next start removes it");
      else
        expected = check_open(name, expected);
    }
    if (out_.manifest && expected < out_.manifest->judged_end)
      find(Finding::Kind::damage, "manifest.a",
           "compaction has removed records because of newer ones below offset " +
               std::to_string(out_.manifest->judged_end.value()) + ", but the log ends at " +
               std::to_string(expected.value()));
  }

  // A .sync that speaks of bytes in a log that is not there. Below the closed end it is what a removal left behind.
  void check_missing(const std::set<SegmentName>& listed, const std::set<SegmentName>& unlisted, Offset closed_end) {
    for (const auto& name : names_) {
      const auto parsed = parse_segment_filename(name);
      if (!parsed || parsed->file != SegmentFile::sync || parsed->name.base < closed_end) continue;
      if (listed.contains(parsed->name) || unlisted.contains(parsed->name)) continue;
      const auto sync = read_sync_log(*directory_, parsed->name.base, owner_);
      if (sync.ok() && sync->position > 0)
        find(Finding::Kind::damage, segment_filename(parsed->name, SegmentFile::log),
             "it is not there, but " + std::to_string(sync->position) + " bytes of it were synced");
    }
  }

  // The log that goes on where the manifest ends.
  void check_active(const std::set<SegmentName>& unlisted, Offset closed_end) {
    const SegmentName name{closed_end, Generation(0)};
    if (!out_.manifest || unlisted.contains(name) || read_sync_log(*directory_, closed_end, owner_).ok()) return;
    find(Finding::Kind::damage, segment_filename(name, SegmentFile::log),
         "it is not there, nor is its sync log, but the log goes on in it");
  }

  // An unlisted file of the appender: sound up to its recovery point, or damaged; what follows may be torn.
  Offset check_open(SegmentName name, Offset expected) {
    ++out_.segments;
    const std::string file = segment_filename(name, SegmentFile::log);
    if (out_.manifest && name.base != expected)
      find(Finding::Kind::note, file, "it does not follow the offsets before it; the next start sets it aside");
    auto sync = read_sync_log(*directory_, name.base, owner_);
    if (sync.code() == Errc::foreign_file) {
      find(Finding::Kind::damage, segment_filename(name, SegmentFile::sync), sync.error().message);
      return expected;
    }
    if (!sync.ok() && sync.code() != Errc::not_found && sync.code() != Errc::corrupt_file)
      find(Finding::Kind::unread, segment_filename(name, SegmentFile::sync), sync.error().message);
    const std::uint64_t certain = sync.ok() && !name.rewritten() ? sync->position : 0;
    LogState state(name);
    auto end = scan(name, kMaxSegmentBytes, state);
    if (!end.ok()) {
      find(Finding::Kind::damage, file, end.error().message);
      return expected;
    }
    out_.records += state.facts().records;
    out_.bytes += end->position;
    const std::string where = "at position " + std::to_string(end->position);
    if (sync.code() == Errc::not_found && end->position > 0 && !name.rewritten() && out_.manifest &&
        out_.manifest->owner)
      find(Finding::Kind::damage, segment_filename(name, SegmentFile::sync),
           "it is not there, so nothing says that the log beside it is this partition's; restore it from a backup, or "
           "make an empty one if the log is this partition's");
    if (end->position < certain)
      find(Finding::Kind::damage, file,
           where + ", below the " + std::to_string(certain) +
               " bytes that were synced: " + (end->reason.empty() ? "the data ends" : end->reason));
    else if (LogState synced(name);
             certain > 0 && scan(name, certain, synced).ok() && synced.digest.value() != sync->digest)
      find(Finding::Kind::damage, file,
           "every batch holds its checksum, but the digest of its first " + std::to_string(certain) +
               " bytes differs from the sync log's");
    else if (end->why == ScanEnd::Why::bad_batch)
      find(Finding::Kind::note, file, where + " a torn tail begins (" + end->reason + "); the next start cuts it");
    return state.next_offset();
  }

  Result<ScanEnd> scan(SegmentName name, std::uint64_t end_position, LogState& state) {
    LOGCASK_ASSIGN(const auto file, directory_->open(segment_filename(name, SegmentFile::log), OpenMode::read));
    ScanOptions options;
    options.name = name;
    options.expected = name.base;
    options.end_position = end_position;
    return scan_batches(*file, options, [&](const ScannedBatch& batch) {
      state.add_batch(batch.header, batch.bytes);
      return Status();
    });
  }

  std::shared_ptr<Directory> directory_;
  const std::optional<PartitionIdentity> owner_;
  PartitionCheck& out_;
  std::set<std::string> names_;
  std::set<SegmentName> sound_;
};

}  // namespace

bool PartitionCheck::has(Finding::Kind kind) const {
  return std::any_of(findings.begin(), findings.end(), [kind](const Finding& finding) { return finding.kind == kind; });
}

Result<PartitionCheck> check_partition(std::shared_ptr<Directory> directory, const std::string& name,
                                       const std::optional<PartitionIdentity>& owner) {
  PartitionCheck check;
  check.name = name;
  LOGCASK_TRY(Checker(std::move(directory), owner, check).run());
  return check;
}

}  // namespace logcask::cli
