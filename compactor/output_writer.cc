#include "compactor/output_writer.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::size_t kWriteBufferBytes = 256 * 1024;
constexpr std::uint64_t kSpaceCheckBytes = 32u << 20;
// Synced as it grows: one sync of a whole segment at its end would hold up the syncs of everybody else.
constexpr std::uint64_t kSyncBytes = 8u << 20;

bool same_merge(const BatchHeader& a, const BatchHeader& b) {
  return a.leader_epoch == b.leader_epoch && a.timestamp_type() == b.timestamp_type() &&
         a.compression() == b.compression() &&
         // Such a batch has one time for all its records.
         (a.timestamp_type() == TimestampType::create_time || a.max_timestamp == b.max_timestamp);
}

BatchBuilder::Options merge_options(const BatchHeader& source) {
  BatchBuilder::Options options;
  options.compression = source.compression();
  options.timestamp_type = source.timestamp_type();
  options.leader_epoch = source.leader_epoch;
  return options;
}

}  // namespace

void OutputWriter::AppendTimes::add(const AppendTimes& other) {
  if (first == kNoTimestamp || (other.first != kNoTimestamp && other.first < first)) first = other.first;
  last = std::max(last, other.last);
}

// The batch that kept records are collected in.
struct OutputWriter::Merging {
  Merging(const BatchHeader& of, Offset first) : source(of), builder(first, merge_options(of)), base(first) {}
  BatchHeader source;
  BatchBuilder builder;
  Offset base;
  AppendTimes times;
  std::vector<KeptRecord> kept;
};

// The segment being written.
struct OutputWriter::Output {
  SegmentName name;
  std::unique_ptr<SegmentWriter> writer;
  std::unique_ptr<HintWriter> hint;
  HintHeader hint_header;
  RewriteOutput facts;
  std::string buffer;  // whole batches, not written yet
  Offset next_offset;  // behind the last batch put
  LeaderEpoch last_epoch;
  AppendTimes times;

  std::uint64_t size() const { return writer->position() + buffer.size(); }
};

OutputWriter::OutputWriter(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
                           const Clock& clock, const Options& options)
    : environment_(std::move(environment)),
      directory_(std::move(directory)),
      clock_(clock),
      options_(options),
      covered_next_(options.first.base) {}

OutputWriter::~OutputWriter() {
  if (!keep_files_) (void)remove();  // what stays is a leftover that recovery removes
}

void OutputWriter::begin_input(TimestampMs first_append, TimestampMs last_append) {
  input_times_ = {first_append, last_append};
}

void OutputWriter::cover(Offset next, LeaderEpoch epoch) {
  LOGCASK_CHECK(next >= covered_next_);
  covered_next_ = next;
  covered_epoch_ = epoch;
}

Status OutputWriter::add(const BatchHeader& source, const RecordView& record, const KeptRecord& kept) {
  if (merging_) {
    const bool fits = same_merge(merging_->source, source) &&
                      merging_->builder.size_bytes() + record.encoded_bytes <= options_.batch_bytes &&
                      record.offset - merging_->base <= std::numeric_limits<std::int32_t>::max();
    if (!fits) LOGCASK_TRY(flush_merging());
  }
  if (!merging_) merging_ = std::make_unique<Merging>(source, record.offset);
  merging_->times.add(input_times_);
  merging_->builder.add(record);
  merging_->kept.push_back(kept);
  return {};
}

Status OutputWriter::flush_merging() {
  if (!merging_) return {};
  const std::unique_ptr<Merging> merging = std::move(merging_);
  batch_.clear();
  LOGCASK_TRY(merging->builder.finish(batch_));
  return put(merging->kept, merging->times);
}

Status OutputWriter::add_batch(ByteView batch, std::span<const KeptRecord> kept) {
  LOGCASK_TRY(flush_merging());
  batch_.assign(batch);
  return put(kept, input_times_);
}

// Puts batch_ into the output that has room for it.
Status OutputWriter::put(std::span<const KeptRecord> kept, const AppendTimes& times) {
  LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(batch_));
  if (!output_ && made_.empty()) LOGCASK_TRY(open(options_.first.base));
  const std::uint64_t after = output_->size() + batch_.size();
  // Room is kept for the empty batch that may have to carry the last offset.
  const bool fits =
      output_->size() == 0 ||
      (after + kBatchHeaderBytes <= options_.segment_bytes &&
       output_->writer->fits(output_->buffer.size() + batch_.size() + kBatchHeaderBytes, header.last_offset()));
  if (!fits) {
    LOGCASK_TRY(close_output(header.base_offset));
    LOGCASK_TRY(open(header.base_offset));
  }
  Output& output = *output_;
  output.buffer.append(batch_);
  output.next_offset = header.next_offset();
  output.last_epoch = header.leader_epoch;
  output.times.add(times);
  for (const KeptRecord& record : kept) {
    output.hint_header.record_bytes += record.encoded_bytes;
    output.hint_header.tombstones += record.tombstone;
    output.hint_header.max_timestamp = std::max(output.hint_header.max_timestamp, record.timestamp);
    output.facts.tombstones += record.tombstone;
    output.facts.live_values += record.live && !record.tombstone;
    output.facts.live_tombstones += record.live && record.tombstone;
    output.facts.unindexed_tombstones += record.verdict == Verdict::keep_unindexed;
    if (record.keyed && !(record.tombstone && mutant(Mutant::hint_without_tombstones)))
      LOGCASK_TRY(output.hint->add(
          HintEntry::make(record.identity, output.name.base, record.offset, record.encoded_bytes, record.tombstone)));
  }
  return output.buffer.size() >= kWriteBufferBytes ? write_buffered() : Status();
}

Status OutputWriter::open(Offset base) {
  auto output = std::make_unique<Output>();
  output->name = {base, options_.first.generation};
  LOGCASK_ASSIGN(output->writer, create(output->name));
  LOGCASK_ASSIGN(output->hint, HintWriter::create(directory_, output->name));
  output->next_offset = base;
  output_ = std::move(output);
  return {};
}

Result<std::unique_ptr<SegmentWriter>> OutputWriter::create(SegmentName name) {
  SegmentWriter::Options options;
  options.preallocate_bytes = 0;
  made_.push_back(name);
  auto created = SegmentWriter::create(environment_, directory_, name, options);
  if (created.code() != Errc::already_exists) return created;
  // Generations only rise, so no segment of the log ever had this name: a leftover that could not be removed.
  LOGCASK_TRY(remove_output(name));
  return SegmentWriter::create(environment_, directory_, name, options);
}

Status OutputWriter::write_buffered() {
  if (output_->buffer.empty()) return {};
  LOGCASK_TRY(check_space());
  LOGCASK_TRY(output_->writer->append(output_->buffer, input_times_.last));
  bytes_written_ += output_->buffer.size();
  output_->buffer.clear();
  if (output_->writer->position() - output_->writer->durable().position < kSyncBytes) return {};
  const auto synced = output_->writer->sync(clock_.monotonic_ns());
  return synced.ok() ? Status() : synced.error();
}

Status OutputWriter::check_space() {
  if (options_.disk_reserve_bytes == 0 || (bytes_written_ > 0 && bytes_written_ < space_checked_at_ + kSpaceCheckBytes))
    return {};
  space_checked_at_ = bytes_written_;
  LOGCASK_ASSIGN(const std::uint64_t free, directory_->free_bytes());
  if (free >= options_.disk_reserve_bytes) return {};
  return Error{Errc::storage_full, directory_->path() + ": compaction stops at " + std::to_string(free) +
                                       " free bytes; " + std::to_string(options_.disk_reserve_bytes) +
                                       " are kept for appends: free space or move the data"};
}

// `end_offset`: where the next output begins, or where the inputs end.
Status OutputWriter::close_output(Offset end_offset) {
  const Offset covered = std::min(covered_next_, end_offset);
  if (output_->next_offset < covered || output_->size() == 0) {
    // What has been covered beyond this output may be of a later epoch.
    const LeaderEpoch epoch =
        covered_next_ <= end_offset || output_->size() == 0 ? covered_epoch_ : output_->last_epoch;
    LOGCASK_TRY(carry_last_offset(std::max(covered - 1, output_->name.base), epoch));
  }
  LOGCASK_TRY(write_buffered());
  Output& output = *output_;
  LOGCASK_ASSIGN(output.facts.facts, output.writer->close(clock_.monotonic_ns(), true));
  if (output.times.last == kNoTimestamp) output.times = input_times_;
  output.facts.facts.first_append = output.times.first;
  output.facts.facts.last_append = output.times.last;
  output.facts.end_offset = end_offset;
  output.facts.compacted_through = options_.compacted_through;
  output.hint_header.name = output.name;
  output.hint_header.records = output.facts.facts.records;
  output.hint_header.covered_position = output.facts.facts.size_bytes;
  output.hint_header.covered_next = output.facts.facts.next_offset;
  output.hint_header.digest = output.facts.facts.digest;
  output.hint_header.secret_fingerprint = options_.secret_fingerprint;
  LOGCASK_TRY(output.hint->finish(output.hint_header));
  finished_.push_back(output.facts);
  output_.reset();
  return {};
}

// An empty batch at the last offset alone: what lies between is a hole that readers step over.
Status OutputWriter::carry_last_offset(Offset last, LeaderEpoch epoch) {
  BatchBuilder::Options options;
  options.leader_epoch = epoch;
  BatchBuilder builder(last, options);
  LOGCASK_TRY(builder.finish(output_->buffer, last));
  output_->next_offset = last + 1;
  return {};
}

Result<std::vector<RewriteOutput>> OutputWriter::finish(Offset end_offset) {
  LOGCASK_TRY(flush_merging());
  if (!output_) LOGCASK_TRY(open(options_.first.base));
  LOGCASK_TRY(close_output(end_offset));
  LOGCASK_TRY(directory_->sync());
  return finished_;
}

Status OutputWriter::remove() {
  output_.reset();
  Status first;
  for (const SegmentName& name : made_) {
    Status removed = remove_output(name);
    if (first.ok()) first = std::move(removed);
  }
  made_.clear();
  keep_files_ = true;
  return first;
}

Status OutputWriter::remove_output(const SegmentName& name) {
  FileRemoval removal{directory_, {}};
  for (const SegmentFile kind : {SegmentFile::log, SegmentFile::index, SegmentFile::time_index, SegmentFile::hint})
    removal.names.push_back(segment_filename(name, kind));
  return removal.run();
}

}  // namespace logcask
