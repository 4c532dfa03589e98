// What happens to a partition after it was opened and after every roll: keydir loading, hints, checkpoints.

#include <algorithm>
#include <future>

#include "base/check.h"
#include "base/mutant.h"
#include "broker/door/local_partition_runner.h"
#include "partition/clean_through.h"
#include "partition/hint_builder.h"
#include "partition/keydir_loader.h"
#include "segment/digest.h"
#include "segment/filename.h"

namespace logcask {
namespace {

// Entries loaded under one hold of the lock.
constexpr std::size_t kLoadRecords = 1024;

// Files of the directory, after making sure that the removed ones stay removed.
struct PresentFiles {
  std::vector<SegmentName> logs;
  std::vector<SegmentName> sync_logs;
};
Result<PresentFiles> present_files(Directory& directory) {
  LOGCASK_TRY(directory.sync());
  LOGCASK_ASSIGN(const std::vector<Directory::Entry> entries, directory.list());
  PresentFiles present;
  for (const Directory::Entry& entry : entries) {
    const auto parsed = parse_segment_filename(entry.name);
    if (parsed && parsed->file == SegmentFile::log) present.logs.push_back(parsed->name);
    if (parsed && parsed->file == SegmentFile::sync) present.sync_logs.push_back(parsed->name);
  }
  return present;
}

// What the manifest lists it vouches for: those .sync files say nothing any more. One that stays is harmless.
void remove_sync_logs(Directory& directory, const std::vector<SegmentName>& present, Offset closed_end) {
  for (const SegmentName& name : present)
    if (name.base < closed_end) (void)directory.unlink(segment_filename(name, SegmentFile::sync)).ok();
}

}  // namespace

Offset LocalPartitionRunner::due_through_now() const {
  return due_through(clean_through_list_, partition_->now(), partition_->config().delete_retention_ms);
}

// Hands loaded entries to the keydir, a slice of them under each hold of the lock.
class LocalPartitionRunner::LoadSink final : public KeydirLoadSink {
 public:
  explicit LoadSink(LocalPartitionRunner& runner) : runner_(runner) {}
  Status load(std::span<const KeydirRaise> entries) override {
    while (!entries.empty()) {
      const auto slice = entries.first(std::min(entries.size(), kLoadRecords));
      entries = entries.subspan(slice.size());
      const Lock lock(runner_.mutex_);
      if (auto error = runner_.unavailable()) return *std::move(error);
      // Log start may have moved since the load began.
      raises_.assign(slice.begin(), slice.end());
      std::erase_if(raises_, [&](const KeydirRaise& raise) { return raise.offset < runner_.partition_->log_start(); });
      runner_.partition_->keys()->load(raises_);
    }
    return {};
  }

 private:
  LocalPartitionRunner& runner_;
  std::vector<KeydirRaise> raises_;
};

// Fills the keydir from the segments that were there at opening; records committed since enter it by themselves.
void LocalPartitionRunner::load_keydir() {
  std::vector<std::pair<std::shared_ptr<const Segment>, HintExtent>> segments;
  KeydirLoader::Options options;
  {
    const Lock lock(mutex_);
    if (unavailable() || !partition_->keys() || partition_->keys()->complete()) return;
    for (const auto& segment : partition_->list()->segments)
      segments.emplace_back(segment, segment->is_active() || segment->base() >= load_extent_base_
                                         ? load_extent_
                                         : extent_of(segment->facts()));
    options.log_start = partition_->log_start();
  }
  options.hasher = environment_.partition.hasher;
  options.clock = environment_.partition.clock;
  options.max_decompressed_bytes = environment_.partition.segments->max_decompressed_bytes;
  LoadSink sink(*this);
  KeydirLoader loader(environment_.partition.directory, options, sink);
  std::uint64_t bytes = 0;
  std::uint64_t total_bytes = 1;
  for (const auto& [segment, extent] : segments) total_bytes += extent.position;
  for (const auto& [segment, extent] : segments) {
    if (segment->base() > load_extent_base_) break;
    const Result<SegmentLoad> loaded = loader.load(*segment, extent);
    if (loaded.ok() && loaded->damaged && environment_.alarm)
      environment_.alarm(environment_.name + ": " + loaded->damaged->reason);
    const Lock lock(mutex_);
    if (unavailable()) return;
    if (!loaded.ok() && mutant(Mutant::half_loaded_keydir)) continue;
    if (!loaded.ok()) {
      // Nothing about the segment: too many open files, no permission. Lookups must not answer from half a keydir.
      offline_ = Error{Errc::partition_offline, environment_.name + ": the keydir could not be loaded: " +
                                                    loaded.error().message + "; 'logcask reopen' tries again"};
      return;
    }
    note_loaded(*segment, *loaded);
    bytes += extent.position;
    loading_progress_ = static_cast<double>(bytes) / static_cast<double>(total_bytes);
  }
  {
    const Lock lock(mutex_);
    load_report_ = loader.report();
    partition_->keys()->set_complete();
    idle_.notify_all();
  }
  // The load has opened the active log, of thousands of partitions one after another.
  rest_files();
}

void LocalPartitionRunner::note_loaded(const Segment& segment, const SegmentLoad& loaded) {
  if (loaded.damaged) {
    partition_->note_damage(*loaded.damaged);
  }
  if (segment.base() == load_extent_base_) {
    if (SegmentStats* stats = partition_->keys()->stats().find(segment.base())) stats->tombstones += loaded.tombstones;
  } else if (SegmentStats* stats = partition_->keys()->stats().find(segment.base())) {
    // Of a segment that was closed while there was no keydir nobody has counted them.
    stats->tombstones = std::max(stats->tombstones, loaded.tombstones);
  }
  for (ClosedSegment& closed : partition_->closed())
    if (closed.segment->base() == segment.base())
      closed.has_hint = loaded.source == SegmentLoad::Source::hint && loaded.hint_fault.empty();
}

// Hints for what was closed without one, and a partial one for the active segment when it has grown enough, so that the
// next start reads a bounded stretch of log. Failing is no harm: the log holds everything a hint says.
void LocalPartitionRunner::write_hints() {
  std::vector<std::shared_ptr<const Segment>> closed;
  {
    const Lock lock(mutex_);
    if (unavailable() || !partition_->keys() || !partition_->keys()->complete()) return;
    for (const ClosedSegment& segment : partition_->closed())
      if (!segment.has_hint && partition_->marks().committed_end() >= segment.segment->next_offset())
        closed.push_back(segment.segment);
  }
  for (const auto& segment : closed) {
    if (!write_hint(segment, extent_of(segment->facts())).ok()) continue;
    const Lock lock(mutex_);
    if (unavailable()) return;
    for (ClosedSegment& entry : partition_->closed())
      if (entry.segment == segment) entry.has_hint = true;
    // What was closed meanwhile is listed first; one hint comes with each checkpoint at least.
    if (checkpoint_wanted_) return;
  }
  std::shared_ptr<const Segment> active;
  SegmentFacts facts;
  {
    const Lock lock(mutex_);
    if (unavailable() || partition_->writer()->position() < hint_spill_at_) return;
    active = partition_->writer()->segment();
    facts = partition_->writer()->facts();
    if (facts.next_offset > partition_->marks().committed_end()) return;  // the next round finds it committed
    hint_spill_at_ = facts.size_bytes * 2;
  }
  (void)write_hint(active, extent_of(facts));
}

Status LocalPartitionRunner::write_hint(const std::shared_ptr<const Segment>& segment, const HintExtent& extent) {
  HintBuild build;
  build.directory = environment_.partition.directory;
  build.segment = segment;
  build.extent = extent;
  build.hasher = environment_.partition.hasher;
  build.live = [this](std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                      std::vector<bool>& live) { probe_live(identities, offsets, live); };
  build.max_decompressed_bytes = environment_.partition.segments->max_decompressed_bytes;
  build.keep_going = [this]() -> Status {
    if (stopping()) return Error{Errc::cancelled, environment_.name + " is closing"};
    return {};
  };
  const Result<HintHeader> built = build_hint(build);
  if (!built.ok()) return built.error();
  return {};
}

// Puts what was closed since the last step into the manifest, with the producers as they are now.
Status LocalPartitionRunner::run_checkpoint() {
  LOGCASK_ASSIGN(const auto open_step, begin_step());
  return store_checkpoint(open_step->step);
}

Status LocalPartitionRunner::final_checkpoint() {
  std::shared_ptr<LogStructure> structure;
  {
    const Lock lock(mutex_);
    if (!partition_ || partition_->latched()) return {};
    structure = structure_;
  }
  LogStructure::Step step(*structure);
  return store_checkpoint(step);
}

// Returns once everything below `end` is on disk.
Status LocalPartitionRunner::wait_committed(Offset end) {
  // Shared: whoever sets it may still be at it when the waiter goes on.
  const auto durable = std::make_shared<std::promise<Status>>();
  bool sync = false;
  {
    const Lock lock(mutex_);
    // A partition that closes does this, too.
    if (!partition_) return *offline_;
    if (partition_->latched()) return *partition_->latched();
    if (partition_->marks().committed_end() >= end) return {};
    committed_waiters_.add(end, [durable](const Status& status) { durable->set_value(status); });
    want_sync();
    sync = take_sync_request();
  }
  if (sync) run_sync(SettleOn::this_thread);
  return durable->get_future().get();
}

// The producers as of some offset, once everything below it is on disk: a snapshot must never know a batch the log
// lost.
Result<std::string> LocalPartitionRunner::store_producer_snapshot(Offset& covered, std::uint64_t& digest) {
  std::string bytes;
  {
    const Lock lock(mutex_);
    if (partition_->latched()) return *partition_->latched();
    covered = partition_->marks().next_offset();
    bytes = partition_->producers().encode_snapshot(covered);
  }
  LOGCASK_TRY(wait_committed(covered));
  digest = xxh3_64(bytes);
  const std::string name = producer_snapshot_filename(covered);
  LOGCASK_TRY(replace_file(*environment_.partition.directory, name, bytes));
  return name;
}

Status LocalPartitionRunner::store_checkpoint(LogStructure::Step& step) {
  std::vector<ManifestSegment> fresh;
  std::uint64_t digest = 0;
  Offset covered;
  LOGCASK_ASSIGN(const std::string snapshot, store_producer_snapshot(covered, digest));
  AppendStamp now;
  {
    const Lock lock(mutex_);
    partition_->now();
    now = partition_->append_clock().stamp();
    for (const ClosedSegment& closed : partition_->closed()) {
      if (closed.listed) continue;
      const KeyIndex* keys = std::as_const(*partition_).keys();
      const SegmentStats* stats = keys ? keys->stats().find(closed.segment->base()) : nullptr;
      fresh.push_back(
          {closed.segment->facts(), closed.end_offset, stats ? stats->tombstones : 0, closed.compacted_through});
    }
  }
  const std::string old_snapshot = step.manifest().producer_snapshot_name;
  Directory& directory = *environment_.partition.directory;
  LOGCASK_ASSIGN(const PresentFiles present, present_files(directory));
  if (mutant(Mutant::sync_log_gone_too_early) && !fresh.empty())
    remove_sync_logs(directory, present.sync_logs, fresh.back().end_offset);
  LOGCASK_TRY(store_step(step, [&](Manifest& next) {
    std::erase_if(next.obsolete, [&](const SegmentName& name) {
      return std::find(present.logs.begin(), present.logs.end(), name) == present.logs.end();
    });
    next.segments.insert(next.segments.end(), fresh.begin(), fresh.end());
    next.producer_snapshot_name = snapshot;
    next.producer_snapshot_digest = digest;
    next.producer_snapshot_end = covered;
    next.append_clock = now;
  }));
  {
    const Lock lock(mutex_);
    producers_saved_to_ = covered;
    for (ClosedSegment& closed : partition_->closed())
      for (const ManifestSegment& listed : fresh)
        if (closed.segment->name() == listed.facts.name) closed.listed = true;
  }
  // A copy that does not list a segment yet would have its log read with nothing to say what of it is on disk.
  if (!step.both_copies()) return {};
  remove_sync_logs(directory, present.sync_logs, step.manifest().closed_end());
  if (!old_snapshot.empty() && old_snapshot != snapshot)
    (void)directory.unlink(old_snapshot);  // an old snapshot that stays is harmless
  return {};
}

}  // namespace logcask
