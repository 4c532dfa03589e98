// What happens to a partition after it was opened and after every roll: keydir loading, hints, checkpoints.

#include <algorithm>
#include <future>

#include "base/check.h"
#include "broker/local_partition_runner.h"
#include "partition/clean_through.h"
#include "segment/digest.h"
#include "segment/filename.h"

namespace logcask {
namespace {

constexpr std::size_t kLoadRecords = 256;

// Log files of the directory, after making sure that the removed ones stay removed.
Result<std::vector<SegmentName>> present_logs(Directory& directory) {
  LOGCASK_TRY(directory.sync());
  LOGCASK_ASSIGN(const std::vector<Directory::Entry> entries, directory.list());
  std::vector<SegmentName> logs;
  for (const Directory::Entry& entry : entries) {
    const auto parsed = parse_segment_filename(entry.name);
    if (parsed && parsed->file == SegmentFile::log) logs.push_back(parsed->name);
  }
  return logs;
}

}  // namespace

Offset LocalPartitionRunner::due_through_now() const {
  return due_through(clean_through_list_, partition_->now(), partition_->config().delete_retention_ms);
}

// Fills the keydir from the segments that were there at opening; records committed since enter it by themselves.
void LocalPartitionRunner::load_keydir() {
  LogView view;
  {
    const Lock lock(mutex_);
    if (unavailable() || !partition_->keys() || partition_->keys()->complete()) return;
    view = partition_->view();
  }
  std::vector<KeydirRaise> raises;
  const auto load = [&] {
    const Lock lock(mutex_);
    std::erase_if(raises, [&](const KeydirRaise& raise) { return raise.offset < partition_->log_start(); });
    partition_->keys()->load(raises);
    raises.clear();
  };
  std::string scratch;
  for (const auto& segment : view.list->segments) {
    const Status scanned = segment->scan([&](const ScannedBatch& batch) -> Status {
      if (batch.header.base_offset >= view.visible_end || batch.header.control()) return {};
      LOGCASK_ASSIGN(const ByteView records,
                     batch_records(batch.header, batch.bytes, environment_.partition.segments->max_decompressed_bytes, scratch));
      RecordCursor cursor(batch.header, records);
      RecordView record;
      while (true) {
        LOGCASK_ASSIGN(const bool more, cursor.next(record));
        if (!more) return {};
        if (!record.key) continue;
        raises.push_back({environment_.partition.hasher->identity(*record.key), record.offset, record.tombstone()});
        if (raises.size() == kLoadRecords) load();
      }
    });
    if (!scanned.ok()) {
      const Lock lock(mutex_);
      partition_->note_damage({segment->base(), segment->next_offset(), scanned.error().message});
    }
  }
  load();
  const Lock lock(mutex_);
  partition_->keys()->set_complete();
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

// The producers as of some offset, once everything below it is on disk: a snapshot must never know a batch the log lost.
Result<std::string> LocalPartitionRunner::store_producer_snapshot(Offset& covered, std::uint64_t& digest) {
  std::string bytes;
  std::promise<Status> durable;
  bool sync = false;
  {
    const Lock lock(mutex_);
    if (partition_->latched()) return *partition_->latched();
    covered = partition_->marks().next_offset();
    bytes = partition_->producers().encode_snapshot(covered);
    if (partition_->marks().committed_end() >= covered) {
      durable.set_value({});
    } else {
      committed_waiters_.add(covered, [&durable](const Status& status) { durable.set_value(status); });
      want_sync();
      sync = take_sync_request();
    }
  }
  if (sync) run_sync();
  LOGCASK_TRY(durable.get_future().get());
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
  TimestampMs now;
  {
    const Lock lock(mutex_);
    now = partition_->now();
    for (const ClosedSegment& closed : partition_->closed()) {
      if (closed.listed) continue;
      const KeyIndex* keys = std::as_const(*partition_).keys();
      const SegmentStats* stats = keys ? keys->stats().find(closed.segment->base()) : nullptr;
      fresh.push_back({closed.segment->facts(), closed.end_offset, stats ? stats->tombstones : 0, closed.compacted_through});
    }
  }
  const std::string old_snapshot = step.manifest().producer_snapshot_name;
  LOGCASK_ASSIGN(const std::vector<SegmentName> still_there, present_logs(*environment_.partition.directory));
  LOGCASK_TRY(step.store([&](Manifest& next) {
    std::erase_if(next.obsolete, [&](const SegmentName& name) {
      return std::find(still_there.begin(), still_there.end(), name) == still_there.end();
    });
    next.segments.insert(next.segments.end(), fresh.begin(), fresh.end());
    next.producer_snapshot_name = snapshot;
    next.producer_snapshot_digest = digest;
    next.producer_snapshot_end = covered;
    next.append_clock = now;
    remember_clean_through(next);
  }));
  {
    const Lock lock(mutex_);
    for (ClosedSegment& closed : partition_->closed())
      for (const ManifestSegment& listed : fresh)
        if (closed.segment->name() == listed.facts.name) closed.listed = true;
  }
  if (!old_snapshot.empty() && old_snapshot != snapshot && step.both_copies())
    (void)environment_.partition.directory->unlink(old_snapshot);  // an old snapshot that stays is harmless
  return {};
}

}  // namespace logcask
