#include "cli/manifest_rebuild.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/mutant.h"
#include "partition/producer_state.h"
#include "partition/recovery.h"
#include "segment/batch_scan.h"
#include "segment/digest.h"
#include "segment/filename.h"
#include "segment/log_state.h"
#include "segment/segment.h"
#include "segment/sync_log.h"

namespace logcask::cli {
namespace {

constexpr std::uint64_t kRebuildManifestBytes = 1u << 30;

// A log file, read front to back as far as it is sound.
struct Candidate {
  SegmentName name;
  SegmentFacts facts;
  std::string broken;  // why it is not sound to its end; empty when it is
  std::vector<EpochStart> epochs;
};

// The best chain that begins with a candidate: offsets covered, generations summed, the one after it.
struct Chain {
  std::int64_t covered = 0;
  std::int64_t generations = 0;
  std::size_t next = SIZE_MAX;
  bool better_than(const Chain& other) const {
    return std::make_tuple(covered, -generations) > std::make_tuple(other.covered, -other.generations);
  }
};

class Rebuild {
 public:
  Rebuild(std::shared_ptr<Directory> directory, const std::optional<PartitionIdentity>& owner)
      : directory_(std::move(directory)), owner_(owner), environment_(std::make_shared<SegmentEnvironment>()) {}

  Result<RebuildReport> run() {
    LOGCASK_TRY(check_manifests());
    LOGCASK_TRY(read_logs());
    LOGCASK_TRY(read_sync_logs());
    choose();
    LOGCASK_TRY(list_segments());
    LOGCASK_TRY(take_from_sync_logs());
    LOGCASK_TRY(snapshot_producers());
    LOGCASK_TRY(set_aside());
    LOGCASK_TRY(make_active());
    // Only now: before this step the directory has no manifest and the next try begins anew.
    LOGCASK_TRY(store_manifest(*directory_, report_.manifest));
    return std::move(report_);
  }

 private:
  // What is there and cannot be read may be whole; a manifest made in its place would not know what it does.
  Status check_manifests() {
    for (const char* name : kManifestNames) {
      const auto bytes = read_file(*directory_, name, kRebuildManifestBytes);
      if (bytes.ok() || bytes.code() == Errc::not_found || bytes.code() == Errc::corrupt_file) continue;
      if (!mutant(Mutant::unreadable_is_damaged)) return bytes.error();
    }
    return {};
  }

  // Foreign or unreadable ones stop everything: nothing has been changed yet.
  Status read_sync_logs() {
    LOGCASK_ASSIGN(const auto entries, directory_->list());
    for (const auto& entry : entries) {
      const auto parsed = parse_segment_filename(entry.name);
      if (entry.is_directory || !parsed || parsed->file != SegmentFile::sync) continue;
      auto content = read_sync_content(*directory_, parsed->name.base, owner_);
      if (content.code() == Errc::not_found || content.code() == Errc::corrupt_file) continue;
      if (!content.ok()) return std::move(content).error();
      sync_logs_.emplace(parsed->name.base, *std::move(content));
    }
    return {};
  }

  // What the sync logs kept of what only the manifest knew.
  Status take_from_sync_logs() {
    Manifest& manifest = report_.manifest;
    Offset proven = manifest.log_start_offset;
    for (const auto& [base, content] : sync_logs_) {
      const SyncEntry& entry = content.newest;
      proven = std::max(proven, entry.log_start);
      if (content.owner) manifest.owner = content.owner;
      manifest.runs.add(entry.run);
      if (entry.last_append <= manifest.append_clock.time) continue;
      manifest.append_clock = {entry.last_append};
      manifest.append_clock.allowance_ms = entry.clock_allowance_ms;
      manifest.append_clock.ahead_ms = entry.clock_ahead_ms;
    }
    if (!mutant(Mutant::log_start_forgotten)) manifest.log_start_offset = proven;
    const auto newest = sync_logs_.find(chosen_.back()->name.base);
    report_.log_start_proof =
        newest != sync_logs_.end() && newest->second.owner
            ? "(as the newest sync log has it)"
            : "(nothing on disk says more: records that were deleted may be back, delete them again)";
    return {};
  }

  Status read_logs() {
    LOGCASK_ASSIGN(const auto entries, directory_->list());
    for (const auto& entry : entries) {
      const auto parsed = parse_segment_filename(entry.name);
      if (entry.is_directory || !parsed || parsed->file != SegmentFile::log) continue;
      LOGCASK_ASSIGN(auto candidate, read_log(parsed->name));
      candidates_.push_back(std::move(candidate));
    }
    if (candidates_.empty())
      return Error{Errc::not_found, directory_->path() + ": no log file to rebuild a manifest from"};
    std::sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return {};
  }

  Result<Candidate> read_log(SegmentName name) {
    Candidate candidate;
    candidate.name = name;
    LogState state(name);
    LOGCASK_ASSIGN(const auto file, directory_->open(segment_filename(name, SegmentFile::log), OpenMode::read));
    ScanOptions options;
    options.name = name;
    options.expected = name.base;
    LOGCASK_ASSIGN(const ScanEnd end, scan_batches(*file, options, [&](const ScannedBatch& batch) {
                     state.add_batch(batch.header, batch.bytes);
                     const EpochStart start{batch.header.leader_epoch, batch.header.base_offset};
                     if (candidate.epochs.empty() || candidate.epochs.back().epoch < start.epoch)
                       candidate.epochs.push_back(start);
                     return Status();
                   }));
    if (end.why == ScanEnd::Why::bad_batch)
      candidate.broken =
          segment_filename(name, SegmentFile::log) + " at position " + std::to_string(end.position) + ": " + end.reason;
    candidate.facts = state.facts();
    return candidate;
  }

  // Sorted by base, so every file that may follow stands behind.
  void choose() {
    std::vector<Chain> best(candidates_.size());
    std::size_t first = candidates_.size() - 1;
    for (std::size_t i = candidates_.size(); i-- > 0;) {
      for (std::size_t j = i + 1; j < candidates_.size(); ++j) {
        if (candidates_[j].name.base < candidates_[i].facts.next_offset ||
            candidates_[j].name.base == candidates_[i].name.base)
          continue;
        if (best[i].next == SIZE_MAX || best[j].better_than(best[best[i].next])) best[i].next = j;
      }
      if (best[i].next != SIZE_MAX) {
        const std::size_t next = best[i].next;
        best[i].covered = best[next].covered;
        best[i].generations = best[next].generations;
      }
      best[i].covered += candidates_[i].facts.next_offset - candidates_[i].name.base;
      best[i].generations += candidates_[i].name.generation.value();
      if (!best[first].better_than(best[i])) first = i;
    }
    for (std::size_t i = first; i != SIZE_MAX; i = best[i].next) chosen_.push_back(&candidates_[i]);
  }

  Status list_segments() {
    Manifest& manifest = report_.manifest;
    manifest.generation = 1;
    manifest.log_start_offset = chosen_.front()->name.base;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const Candidate& candidate = *chosen_[i];
      for (const auto& epoch : candidate.epochs)
        if (manifest.epochs.empty() || manifest.epochs.back().epoch < epoch.epoch) manifest.epochs.push_back(epoch);
      const bool last = i + 1 == chosen_.size();
      // Recovery takes an unlisted file that begins exactly where the listed ones end: at 0 when there are none.
      const bool chains = !manifest.segments.empty() || candidate.name.base == Offset(0);
      if (last && !candidate.name.rewritten() && chains) break;
      const Offset end = last ? candidate.facts.next_offset : chosen_[i + 1]->name.base;
      if (!candidate.broken.empty() && candidate.facts.next_offset < end)
        manifest.damaged.push_back({candidate.facts.next_offset, end, candidate.broken});
      if (candidate.name.rewritten())
        manifest.tombstone_horizon = std::max(manifest.tombstone_horizon, candidate.facts.next_offset);
      LOGCASK_TRY(sync_log_file(candidate.name));
      const auto segment = Segment::closed(environment_, directory_, candidate.facts);
      LOGCASK_ASSIGN(const auto tombstones, count_tombstones(*segment, environment_->max_decompressed_bytes));
      manifest.segments.push_back({candidate.facts, end, tombstones, Offset(0)});
    }
    // What rewritten segments were judged by nobody knows any more; it was there.
    const auto rewritten = [](const Candidate* candidate) { return candidate->name.rewritten(); };
    if (std::any_of(chosen_.begin(), chosen_.end(), rewritten)) manifest.judged_end = chosen_.back()->facts.next_offset;
    if (manifest.epochs.empty()) manifest.epochs.push_back({LeaderEpoch(0), manifest.log_start_offset});
    return {};
  }

  // What the manifest will call closed must be on disk.
  Status sync_log_file(SegmentName name) {
    LOGCASK_ASSIGN(const auto file, directory_->open(segment_filename(name, SegmentFile::log), OpenMode::read_write));
    return file->sync_data();
  }

  // Without it producers of the closed segments would be unknown, and a repeated batch be taken twice.
  Status snapshot_producers() {
    ProducerState producers;
    for (const auto& listed : report_.manifest.segments) {
      LOGCASK_TRY(Segment::closed(environment_, directory_, listed.facts)->scan([&](const ScannedBatch& batch) {
        const BatchHeader& header = batch.header;
        if (header.has_producer() && !header.control())
          producers.record(header.producer_id, header.producer_epoch, header.base_sequence, header.record_count,
                           header.base_offset, header.last_offset(), header.max_timestamp);
        return Status();
      }));
    }
    const Offset end = report_.manifest.closed_end();
    const std::string bytes = producers.encode_snapshot(end);
    report_.manifest.producer_snapshot_name = producer_snapshot_filename(end);
    report_.manifest.producer_snapshot_digest = xxh3_64(bytes);
    report_.manifest.producer_snapshot_end = end;
    return replace_file(*directory_, report_.manifest.producer_snapshot_name, bytes);
  }

  Status set_aside() {
    for (const auto& candidate : candidates_) {
      if (std::find(chosen_.begin(), chosen_.end(), &candidate) != chosen_.end()) continue;
      const std::string name = segment_filename(candidate.name, SegmentFile::log);
      LOGCASK_TRY(directory_->rename(name, name + ".aside"));
      report_.set_aside.push_back(name);
    }
    return report_.set_aside.empty() ? Status() : directory_->sync();
  }

  // A manifest behind which no log goes on would have lost it.
  Status make_active() {
    const SegmentName name{report_.manifest.closed_end(), Generation(0)};
    // The log that goes on is there: an empty .sync in place of a lost one says that it is this partition's.
    const SegmentFile file = chosen_.back()->name == name ? SegmentFile::sync : SegmentFile::log;
    const auto made = directory_->open(segment_filename(name, file), OpenMode::create_new);
    if (!made.ok() && made.code() != Errc::already_exists) return made.error();
    return directory_->sync();
  }

  std::shared_ptr<Directory> directory_;
  const std::optional<PartitionIdentity> owner_;
  std::shared_ptr<SegmentEnvironment> environment_;
  std::map<Offset, SyncLogContent> sync_logs_;  // the sound ones, by base
  std::vector<Candidate> candidates_;
  std::vector<const Candidate*> chosen_;
  RebuildReport report_;
};

}  // namespace

Result<RebuildReport> rebuild_manifest(std::shared_ptr<Directory> directory,
                                       const std::optional<PartitionIdentity>& owner) {
  return Rebuild(std::move(directory), owner).run();
}

}  // namespace logcask::cli
