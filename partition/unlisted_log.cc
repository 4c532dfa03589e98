#include "partition/unlisted_log.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/mutant.h"
#include "segment/batch_scan.h"
#include "segment/filename.h"

namespace logcask {
namespace {

// The epoch under which the batch at `base` was appended.
LeaderEpoch epoch_of(const std::vector<EpochStart>& epochs, Offset base) {
  const auto above = std::partition_point(epochs.begin(), epochs.end(),
                                          [&](const EpochStart& start) { return start.start_offset <= base; });
  return above == epochs.begin() ? epochs.front().epoch : (above - 1)->epoch;
}

class Scan {
 public:
  Scan(Directory& directory, SegmentName name, const UnlistedLogContext& context)
      : directory_(directory), name_(name), context_(context), log_(name) {}

  Result<UnlistedLog> run();

 private:
  void note_missing();
  Status read_batches(const File& file);
  Status take(const ScannedBatch& batch);
  void set_append_times();
  void judge();

  // Up to the recovery point, of which something was promised.
  bool at_recovery_point(std::uint64_t position) const {
    return log_.sync.position > 0 && position == log_.sync.position;
  }
  std::string promised() const {
    return "bytes up to position " + std::to_string(log_.sync.position) + " were on disk";
  }

  Directory& directory_;
  const SegmentName name_;
  const UnlistedLogContext& context_;
  UnlistedLog log_;
  ScanEnd end_;
  std::optional<ScanEnd> wrong_epoch_;
  bool digest_differs_ = false;
  bool unreadable_ = false;
};

Result<UnlistedLog> Scan::run() {
  log_.sync.durable_end = name_.base;
  log_.ceiling = name_.base;
  if (context_.sync) {
    log_.sync = *context_.sync;
    log_.ceiling = log_.sync.offset_ceiling;
  }
  Result<std::unique_ptr<File>> opened = directory_.open(segment_filename(name_, SegmentFile::log), OpenMode::read);
  if (opened.code() == Errc::not_found) {
    note_missing();
    return std::move(log_);
  }
  LOGCASK_ASSIGN(const std::unique_ptr<File> file, std::move(opened));
  LOGCASK_ASSIGN(log_.file_bytes, file->size());
  LOGCASK_TRY(read_batches(*file));
  set_append_times();
  judge();
  if (log_.corrupt && !unreadable_)
    LOGCASK_TRY(context_.producers.learn_behind_damage(*file, name_, log_.damaged_from, log_.sync.position,
                                                       context_.opened_at));
  return std::move(log_);
}

void Scan::note_missing() {
  log_.corrupt = true;
  log_.damaged_from = name_.base;
  log_.state.set_append_times(log_.sync.first_append, log_.sync.last_append);
  log_.reason = "the file is missing; " + promised();
}

Status Scan::read_batches(const File& file) {
  ScanOptions options;
  options.name = name_;
  options.expected = name_.base;
  Result<ScanEnd> scanned = scan_batches(file, options, [this](const ScannedBatch& batch) { return take(batch); });
  if (wrong_epoch_) scanned = *wrong_epoch_;
  LOGCASK_ASSIGN(end_, std::move(scanned));
  if (at_recovery_point(end_.position)) digest_differs_ = log_.state.digest.value() != log_.sync.digest;
  // No batch begins at the recovery point: the .sync speaks of other bytes.
  if (log_.sync.position > 0 && end_.position > log_.sync.position && !log_.state_at_sync) digest_differs_ = true;
  return {};
}

Status Scan::take(const ScannedBatch& batch) {
  if (at_recovery_point(batch.position)) {
    digest_differs_ = log_.state.digest.value() != log_.sync.digest;
    log_.state_at_sync = log_.state;
  }
  // The CRC does not cover the leader epoch, and a digest covers it only below the recovery point.
  const Offset base = batch.header.base_offset;
  if (const LeaderEpoch epoch = epoch_of(context_.epochs, base); batch.header.leader_epoch != epoch) {
    wrong_epoch_ = {ScanEnd::Why::bad_batch, batch.position, base,
                    "its leader epoch is " + std::to_string(batch.header.leader_epoch.value()) + " instead of " +
                        std::to_string(epoch.value())};
    return Error{Errc::cancelled, wrong_epoch_->reason};
  }
  log_.state.add_batch(batch.header, batch.bytes);
  context_.producers.learn(batch.header, context_.opened_at);
  return {};
}

// What lies above the recovery point was appended after its times were noted, nobody knows how long after.
void Scan::set_append_times() {
  if (end_.position == 0) return;
  const SyncEntry& sync = log_.sync;
  const bool whole = end_.position == sync.position;
  const TimestampMs first = sync.first_append == kNoTimestamp ? context_.opened_at : sync.first_append;
  const TimestampMs last = whole && sync.last_append != kNoTimestamp ? sync.last_append : context_.opened_at;
  log_.state.set_append_times(first, std::max(first, last));
}

void Scan::judge() {
  const bool below = end_.position < log_.sync.position;
  log_.corrupt = (below || digest_differs_) && !mutant(Mutant::damage_taken_for_torn_tail);
  log_.torn = !log_.corrupt && end_.why == ScanEnd::Why::bad_batch;
  if (digest_differs_)
    log_.reason = "the bytes up to position " + std::to_string(log_.sync.position) +
                  ", the recovery point, do not match their digest";
  else
    log_.reason = "at position " + std::to_string(end_.position) + ": " +
                  (end_.reason.empty() ? "the data ends here" : end_.reason) + (log_.corrupt ? "; " + promised() : "");
  // Nothing is read of a file that is too short, nor of one whose epochs are not certain (segment/segment.h).
  unreadable_ = digest_differs_ || wrong_epoch_ || log_.file_bytes < log_.sync.position;
  log_.damaged_from = unreadable_ ? name_.base : log_.state.next_offset();
}

}  // namespace

Result<UnlistedLog> scan_unlisted_log(Directory& directory, SegmentName name, const UnlistedLogContext& context) {
  return Scan(directory, name, context).run();
}

}  // namespace logcask
