#include "segment/segment_writer.h"

#include <algorithm>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {
namespace {

// What an entry says beside the log's end.
void tell(SyncEntry& entry, const RunStart& run, const AppendStamp& clock, Offset log_start) {
  entry.run = run;
  entry.clock_allowance_ms = clock.allowance_ms;
  entry.clock_ahead_ms = clock.ahead_ms;
  entry.log_start = log_start;
}

SyncEntry entry_of(const SegmentFacts& facts) {
  SyncEntry entry;
  entry.durable_end = facts.next_offset;
  entry.position = facts.size_bytes;
  entry.digest = facts.digest;
  entry.first_append = facts.first_append;
  entry.last_append = facts.last_append;
  return entry;
}

}  // namespace

SegmentWriter::SegmentWriter(std::shared_ptr<Directory> directory, std::shared_ptr<ActiveLog> log,
                             std::shared_ptr<const Segment> segment, std::unique_ptr<SyncLog> sync_log,
                             const Options& options)
    : directory_(std::move(directory)),
      name_(segment->name()),
      options_(options),
      log_(std::move(log)),
      segment_(std::move(segment)),
      sync_log_(std::move(sync_log)) {
  durable_ = entry_of(log_->facts());
  if (sync_log_) durable_ = sync_log_->newest();
  ceiling_ = promised_ceiling_ = durable_.offset_ceiling;
  log_start_ = options_.log_start;
  clock_ = options_.clock;
  sync_log_synced_position_ = durable_.position;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(std::shared_ptr<SegmentEnvironment> environment,
                                                             std::shared_ptr<Directory> directory, SegmentName name,
                                                             const Options& options) {
  const std::string log_name = segment_filename(name, SegmentFile::log);
  LOGCASK_ASSIGN(std::shared_ptr<File> file, directory->open(log_name, OpenMode::create_new));
  auto log = std::make_shared<ActiveLog>(std::move(file), LogState(name));
  std::unique_ptr<SyncLog> sync_log;
  if (!name.rewritten()) {
    SyncEntry first = entry_of(log->facts());
    first.offset_ceiling = name.base + options.offset_reserve;
    tell(first, options.run, options.clock, options.log_start);
    auto created = SyncLog::create(*directory, options.owner, name.base, first);
    if (!created.ok()) {
      (void)directory->unlink(log_name);  // so that the same base can be tried again
      return std::move(created).error();
    }
    sync_log = std::move(created).value();
  }
  auto segment = Segment::active(std::move(environment), directory, log);
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(directory), std::move(log), std::move(segment), std::move(sync_log), options));
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::resume(std::shared_ptr<SegmentEnvironment> environment,
                                                             std::shared_ptr<Directory> directory, LogState state,
                                                             Offset ceiling, const Options& options) {
  const SegmentName name = state.name();
  LOGCASK_CHECK(!name.rewritten());
  LOGCASK_ASSIGN(std::shared_ptr<File> file,
                 directory->open(segment_filename(name, SegmentFile::log), OpenMode::read_write));
  // Whatever lies above would be taken for ours once the log has grown up to it.
  LOGCASK_TRY(file->truncate(state.position()));
  LOGCASK_TRY(file->sync_data());
  auto log = std::make_shared<ActiveLog>(std::move(file), std::move(state));
  SyncEntry entry = entry_of(log->facts());
  entry.offset_ceiling = std::max(ceiling, entry.durable_end + options.offset_reserve);
  tell(entry, options.run, options.clock, options.log_start);
  auto resumed = SyncLog::resume(*directory, options.owner, name.base);
  if (resumed.ok()) {
    LOGCASK_TRY((*resumed)->append(entry));
    LOGCASK_TRY((*resumed)->sync());
  } else if (resumed.code() == Errc::not_found || resumed.code() == Errc::corrupt_file) {
    resumed = SyncLog::create(*directory, options.owner, name.base, entry);
    if (resumed.ok()) LOGCASK_TRY(directory->sync());
  }
  if (!resumed.ok()) return std::move(resumed).error();
  auto segment = Segment::active(std::move(environment), directory, log);
  return std::unique_ptr<SegmentWriter>(
      new SegmentWriter(std::move(directory), std::move(log), std::move(segment), std::move(resumed).value(), options));
}

Status SegmentWriter::append(std::span<const ByteView> pieces, const AppendStamp& stamp) {
  LOGCASK_TRY(latched());
  LOGCASK_CHECK(!closed_);
  std::uint64_t bytes = 0;
  Offset last = kNoOffset;
  LOGCASK_TRY(check_append(pieces, bytes, last));
  if (bytes == 0) return {};
  LOGCASK_TRY(wake());
  LOGCASK_TRY(reserve_offsets(last, stamp));
  const std::uint64_t position = log_->end().position;
  LOGCASK_TRY(reserve_blocks(position + bytes));
  if (Status wrote = log_->file()->write_at(position, pieces); !wrote.ok()) return cut_back(wrote.error(), position);
  log_->extend(pieces, stamp.time);
  return {};
}

bool SegmentWriter::fits(std::uint64_t bytes, Offset last_offset) const {
  return bytes <= kMaxSegmentBytes - position() &&
         (last_offset - name_.base <= kMaxSegmentSpan || mutant(Mutant::segment_span_unchecked));
}

// The caller has checked the batches; what is checked here would make the file unreadable if it were wrong.
Status SegmentWriter::check_append(std::span<const ByteView> pieces, std::uint64_t& bytes, Offset& last) const {
  Offset next = next_offset();
  const auto refuse = [&](const std::string& why) {
    return Error{Errc::invalid_argument, "append to " + segment_->describe() + ": " + why};
  };
  for (ByteView piece : pieces) {
    while (!piece.empty()) {
      LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(piece));
      if (header.total_bytes() > piece.size()) return refuse("a batch is cut short");
      if (name_.rewritten() ? header.base_offset < next : header.base_offset != next) {
        return refuse("a batch at offset " + std::to_string(header.base_offset.value()) + " does not follow " +
                      std::to_string(next.value()));
      }
      next = header.next_offset();
      last = header.last_offset();
      bytes += header.total_bytes();
      piece.remove_prefix(header.total_bytes());
    }
  }
  if (!fits(bytes, last)) return refuse("the segment would pass 2^31 bytes or offsets; roll it first");
  return {};
}

// Asks for a chunk ahead, near the end of the disk for no more than is needed.
Status SegmentWriter::reserve_blocks(std::uint64_t end) {
  if (options_.preallocate_bytes == 0 || end <= reserved_end_) return {};
  // In proportion to what is there: a thousand small partitions must not reserve a disk.
  const std::uint64_t ahead =
      std::clamp<std::uint64_t>(end, 64u << 10, std::max<std::uint64_t>(options_.preallocate_bytes, 64u << 10));
  std::uint64_t want = std::min({end + ahead, std::max(end, options_.expected_bytes), kMaxSegmentBytes});
  Status reserved = log_->file()->preallocate(want);
  if (reserved.code() == Errc::storage_full) {
    want = end;
    reserved = log_->file()->preallocate(want);
  }
  if (reserved.code() == Errc::storage_full) return reserved;
  if (!reserved.ok()) return latch(reserved.error());
  reserved_end_ = want;
  return {};
}

// No offset is written that the .sync file has not reserved, durably.
Status SegmentWriter::reserve_offsets(Offset last, const AppendStamp& stamp) {
  if (!sync_log_) return {};
  const std::lock_guard lock(sync_mutex_);
  // Before the log's own last append time is: an entry may tell of a later allowance than of a time, never the reverse.
  clock_ = stamp;
  if (last < promised_ceiling_) return {};
  // settle() reserves ahead; whoever comes here was faster than that.
  SyncEntry entry = durable_;
  entry.offset_ceiling = std::max(ceiling_, last + 1 + options_.offset_reserve);
  if (Status noted = write_entry(entry); !noted.ok())
    return noted.code() == Errc::storage_full ? noted : latch(noted.error());
  if (Status synced = sync_the_sync_log(); !synced.ok()) return latch(synced.error());
  promised_ceiling_ = ceiling_;
  return {};
}

Status SegmentWriter::note_log_start(Offset log_start) {
  const std::lock_guard lock(sync_mutex_);
  if (log_start <= log_start_) return {};
  log_start_ = log_start;
  if (!sync_log_ || is_latched_.load(std::memory_order_acquire)) return {};
  // One at rest may find no descriptor: then this note is missing, and nothing else.
  if (Status awake = sync_log_->wake(); !awake.ok()) return awake;
  if (Status noted = write_entry(durable_); !noted.ok())
    return noted.code() == Errc::storage_full ? noted : latch(noted.error());
  if (Status synced = sync_the_sync_log(); !synced.ok()) return latch(synced.error());
  return {};
}

Status SegmentWriter::cut_back(Error error, std::uint64_t position) {
  if (error.code != Errc::storage_full) return latch(error);
  reserved_end_ = 0;
  if (Status cut = log_->file()->truncate(position); !cut.ok()) return latch(cut.error());
  return error;
}

void SegmentWriter::rest() {
  resting_ = true;
  log_->file()->rest();
  const std::lock_guard lock(sync_mutex_);
  if (sync_log_) sync_log_->rest();
}

// Both at once, so that no later step meets a lack of descriptors where it would have to latch.
Status SegmentWriter::wake() {
  if (!resting_) return {};
  LOGCASK_TRY(log_->file()->wake());
  if (sync_log_) LOGCASK_TRY(sync_log_->wake());
  resting_ = false;
  return {};
}

Result<SyncEntry> SegmentWriter::sync(std::int64_t now_monotonic_ns) {
  LOGCASK_TRY(latched());
  LOGCASK_CHECK(!closed_);
  return sync_log_file(now_monotonic_ns, false);
}

Result<SyncEntry> SegmentWriter::sync_log_file(std::int64_t now_monotonic_ns, bool force_sync_log) {
  // Captured before the sync starts: what is appended meanwhile is not covered by it.
  SyncEntry entry = entry_of(log_->facts());
  const bool skipped = name_.rewritten() && mutant(Mutant::output_not_synced);
  if (entry.position != durable().position && !skipped) {
    if (Status synced = log_->file()->sync_data(); !synced.ok() && !mutant(Mutant::failed_sync_forgotten))
      return latch(synced.error());
  } else if (!force_sync_log) {
    return durable();
  }
  if (Status noted = note_sync(entry, now_monotonic_ns, force_sync_log); !noted.ok()) return latch(noted.error());
  return durable();
}

Status SegmentWriter::note_sync(SyncEntry entry, std::int64_t now_monotonic_ns, bool force) {
  const std::lock_guard lock(sync_mutex_);
  if (!sync_log_) {
    durable_ = entry;
    return {};
  }
  entry.offset_ceiling = ceiling_;
  LOGCASK_TRY(write_entry(entry));
  const std::int64_t interval_ns = options_.sync_log_interval_ms * 1'000'000;
  const bool due = now_monotonic_ns - sync_log_synced_ns_ >= interval_ns ||
                   entry.position - sync_log_synced_position_ >= options_.sync_log_interval_bytes || half_used();
  if (!force) {
    if (due) settle_due_.store(true, std::memory_order_release);
    return {};
  }
  LOGCASK_TRY(sync_the_sync_log());
  promised_ceiling_ = ceiling_;
  sync_log_synced_ns_ = now_monotonic_ns;
  sync_log_synced_position_ = entry.position;
  settle_due_.store(false, std::memory_order_release);
  return {};
}

// One at a time, whoever asks; settle() without the lock over everything else.
Status SegmentWriter::sync_the_sync_log() {
  const std::lock_guard lock(sync_log_file_mutex_);
  return sync_log_->sync();
}

bool SegmentWriter::half_used() const { return ceiling_ - durable_.durable_end < options_.offset_reserve / 2; }

Status SegmentWriter::settle(std::int64_t now_monotonic_ns) {
  std::unique_lock lock(sync_mutex_);
  if (!settle_due_.load(std::memory_order_acquire)) return {};
  LOGCASK_TRY(latched());
  if (half_used()) {
    SyncEntry entry = durable_;
    entry.offset_ceiling = entry.durable_end + options_.offset_reserve;
    if (Status noted = write_entry(entry); !noted.ok()) return latch(noted.error());
  }
  // Noted before the sync, so that what is written meanwhile asks for no second one; a failure latches anyway.
  settle_due_.store(false, std::memory_order_release);
  sync_log_synced_ns_ = now_monotonic_ns;
  sync_log_synced_position_ = durable_.position;
  const Offset ceiling = ceiling_;
  lock.unlock();
  const Status synced = mutant(Mutant::ceiling_used_before_sync) ? Status() : sync_the_sync_log();
  lock.lock();
  if (!synced.ok()) return latch(synced.error());
  promised_ceiling_ = std::max(promised_ceiling_, ceiling);
  return {};
}

Status SegmentWriter::write_entry(SyncEntry entry) {
  tell(entry, options_.run, clock_, log_start_);
  LOGCASK_TRY(sync_log_->append(entry));
  durable_ = entry;
  ceiling_ = entry.offset_ceiling;
  return {};
}

Result<SegmentFacts> SegmentWriter::close(std::int64_t now_monotonic_ns, bool sync_indexes) {
  LOGCASK_TRY(latched());
  LOGCASK_CHECK(!closed_);
  LOGCASK_TRY(wake());
  LOGCASK_TRY(sync_log_file(now_monotonic_ns, true));
  closed_ = true;
  const SegmentFacts facts = log_->facts();
  // Gives reserved blocks back; where that fails they are only wasted.
  if (reserved_end_ > facts.size_bytes) (void)log_->file()->truncate(facts.size_bytes);
  // The indexes are derived: without them the first reader rebuilds them, so a full disk does not fail the roll.
  if (Status wrote = write_indexes(facts, sync_indexes); !wrote.ok() && sync_indexes) return std::move(wrote).error();
  return facts;
}

Status SegmentWriter::write_indexes(const SegmentFacts& facts, bool sync_indexes) {
  const auto [offsets, times] = log_->with_state([&](const LogState& state) {
    return std::pair(state.offset_index.encode(facts), state.time_index.encode(facts));
  });
  const auto put = sync_indexes ? replace_file : put_file;
  LOGCASK_TRY(put(*directory_, segment_filename(name_, SegmentFile::index), offsets));
  return put(*directory_, segment_filename(name_, SegmentFile::time_index), times);
}

SyncEntry SegmentWriter::durable() const {
  const std::lock_guard lock(sync_mutex_);
  return durable_;
}

Status SegmentWriter::latched() const {
  if (!is_latched_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(latch_mutex_);
  return *latched_;
}

Error SegmentWriter::latch(const Error& first) {
  const std::lock_guard lock(latch_mutex_);
  if (!latched_) {
    latched_ =
        Error{Errc::read_only, segment_->describe() + " takes no more writes after a disk error: " + first.to_string() +
                                   "; 'logcask reopen' checks and reopens it"};
    is_latched_.store(true, std::memory_order_release);
  }
  return *latched_;
}

}  // namespace logcask
