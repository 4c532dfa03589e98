#include "partition/partition.h"

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {
namespace {

// Records applied to the keydir under one hold of the lock.
constexpr std::size_t kSliceRecords = 256;
// Bytes handed to one write call.
constexpr std::size_t kWriteBytes = 4u << 20;
constexpr std::size_t kTailKeepBytes = 8u << 20;

std::optional<AppendStamp> clock_start(const RecoveredLog& log) {
  return log.append_clock.time > TimestampMs(0) ? std::optional(log.append_clock) : std::nullopt;
}

}  // namespace

Partition::Partition(const PartitionEnvironment& environment, const PartitionConfig& config, RecoveredLog log)
    : environment_(environment),
      config_(config),
      marks_(log.writer->next_offset()),
      tail_(kTailKeepBytes),
      producers_(std::move(log.producers)),
      clock_(*environment.clock, clock_start(log)),
      runs_(std::make_shared<const RunHistory>(log.manifest.runs)),
      run_(log.run),
      epochs_(log.manifest.epochs),
      epoch_(log.epoch),
      log_start_(log.manifest.log_start_offset),
      tombstone_horizon_(log.manifest.tombstone_horizon),
      damaged_(log.manifest.damaged),
      writer_(std::move(log.writer)),
      active_since_(writer_->facts().first_append),
      active_bytes_(writer_->position()) {
  if (config_.compacted)
    keys_.emplace(*environment.arena, *environment.budget,
                  PendingLimits{config.pending_records_max, config.tail_buffer_bytes * 8});
  if (keys_) keys_->expect(config_.expected_keys);
  for (std::size_t i = 0; i < log.closed.size(); ++i) {
    const ManifestSegment& entry = log.manifest.segments[i];
    // Nobody knows any more what of that a rewritten segment was judged by.
    const Offset judged = entry.facts.name.rewritten() ? log.manifest.judged_end : Offset(0);
    closed_.push_back({log.closed[i], entry.end_offset, entry.compacted_through, judged, true, false});
    if (keys_) keys_->stats().add({entry.facts.name.base, entry.facts.records, entry.tombstones, 0, 0, 0});
  }
  if (keys_) keys_->stats().add({writer_->name().base, writer_->facts().records, 0, 0, 0, 0});
  publish_list();
}

void Partition::publish_list() {
  auto list = std::make_shared<SegmentList>();
  list->segments.reserve(closed_.size() + 1);
  for (const ClosedSegment& closed : closed_) list->segments.push_back(closed.segment);
  list->segments.push_back(writer_->segment());
  list_ = std::move(list);
}

// ---- append

bool Partition::full() const {
  const auto unwritten = static_cast<std::uint64_t>(marks_.next_offset() - marks_.written_end());
  return (keys_ && keys_->pending_full()) || (unwritten > 0 && tail_.bytes() >= config_.tail_buffer_bytes);
}

Partition::Admission Partition::refuse(Errc code, std::string message) const {
  Admission admission;
  admission.kind = Admission::Kind::refused;
  admission.result.error = Error{code, std::move(message)};
  admission.result.log_start_offset = log_start_;
  return admission;
}

Partition::Admission Partition::admit(PreparedBatch& batch) {
  if (latched_) return refuse(Errc::read_only, latched_->message);
  // On its way while the topic's partitioner changed: its keys may belong elsewhere by now, where lookups would ask.
  if (config_.placement != kAnywhere && batch.placement != config_.placement &&
      !mutant(Mutant::stale_placement_admitted))
    return refuse(
        Errc::wrong_partition,
        "the topic's partitioner has changed since the records were sent; read its metadata again and resend");
  // On its way while the topic was made a compacted one.
  const bool keys_missing = (config_.compacted || config_.keys_required) && !batch.keys_checked;
  const bool identities_missing = config_.compacted && batch.identities.size() != batch.checked->records.size();
  if ((keys_missing && !mutant(Mutant::keyless_slips_in)) || identities_missing)
    return refuse(Errc::loading, "the topic becomes a compacted one and asks for keys now; send the records again");
  const BatchHeader& header = batch.checked->header;
  const TimestampMs now = clock_.now();
  if (header.has_producer()) {
    const auto known =
        producers_.check(header.producer_id, header.producer_epoch, header.base_sequence, header.record_count, now);
    if (!known.ok()) return refuse(known.code(), known.error().message);
    if (known->has_value()) {
      Admission admission;
      admission.kind = Admission::Kind::duplicate;
      admission.result.base_offset = (*known)->first_offset;
      admission.result.last_offset = (*known)->last_offset;
      admission.result.log_start_offset = log_start_;
      admission.result.duplicate = true;
      if (config_.timestamp_type == TimestampType::log_append_time) admission.result.append_time = (*known)->timestamp;
      admission.wait_end = mutant(Mutant::duplicate_acked_before_sync) ? Offset(0) : (*known)->last_offset + 1;
      return admission;
    }
  }
  const Offset last = marks_.next_offset() + (header.record_count - 1);
  if (config_.compacted && last > kMaxCompactedOffset)
    return refuse(Errc::limit_exceeded, "offsets of a compacted topic end at " +
                                            std::to_string(kMaxCompactedOffset.value()) + "; create a new topic");

  Admission admission;
  admission.result.log_start_offset = log_start_;
  if (auto refusal = check_conditions(batch, admission.wait_end)) {
    admission.result = std::move(*refusal);
    admission.result.log_start_offset = log_start_;
    return admission;
  }
  std::vector<bool> creates;
  if (keys_) {
    std::vector<std::uint32_t> refused = keys_->reserve(batch.identities, creates);
    if (!refused.empty()) {
      if (!keys_->complete())
        return refuse(Errc::loading, "the keydir is being loaded and its budget leaves no room to accept keys unseen");
      KeydirBudget& full = keys_->refusing(refused.size());
      full.note_refused(refused.size(), now);
      admission =
          refuse(Errc::keydir_budget_exceeded, std::to_string(refused.size()) + " records would create keys beyond " +
                                                   full.describe() + "; overwrites and deletes of known keys pass");
      admission.result.refused_records = std::move(refused);
      return admission;
    }
  }
  accept(batch, creates, now, admission);
  return admission;
}

void Partition::accept(PreparedBatch& batch, const std::vector<bool>& creates, TimestampMs now, Admission& admission) {
  const CheckedBatch& checked = *batch.checked;
  const Offset base = marks_.next_offset();
  const Offset next = base + checked.header.record_count;

  TailBuffer::Batch entry;
  entry.base_offset = base;
  entry.next_offset = next;
  entry.records = static_cast<std::uint32_t>(checked.records.size());
  for (const CheckedRecord& record : checked.records) entry.tombstones += record.tombstone ? 1 : 0;
  char* copy = tail_.append(checked.batch, entry);
  patch_base_offset(copy, base);
  patch_leader_epoch(copy, epoch_);
  if (config_.timestamp_type == TimestampType::log_append_time) {
    stamp_log_append_time(copy, checked.batch.size(), now);
    admission.result.append_time = now;
  } else if (checked.max_timestamp != checked.header.max_timestamp) {
    // Lookups by time trust the header.
    patch_max_timestamp(copy, checked.batch.size(), checked.max_timestamp);
  }
  if (keys_) {
    if (!batch.placed_by_key) keys_->expect_strays(base + checked.header.record_count);
    const std::size_t n = checked.records.size();
    for (std::size_t i = 0; i < n; ++i) {
      const auto log_bytes = i + 1 == n ? static_cast<std::uint32_t>(checked.batch.size()) : 0;
      keys_->push(PendingEntry(batch.identities[i], base + static_cast<std::int64_t>(i), log_bytes,
                               checked.records[i].tombstone, creates[i]));
    }
  }
  if (checked.header.has_producer())
    producers_.record(checked.header.producer_id, checked.header.producer_epoch, checked.header.base_sequence,
                      checked.header.record_count, base, next - 1, now);
  marks_.assigned(next);
  admission.kind = Admission::Kind::admitted;
  admission.result.base_offset = base;
  admission.result.last_offset = next - 1;
  admission.wait_end = next;
}

// Fills `found` with the newest record of the condition's key that precedes it: earlier in the batch, pending, keydir.
bool Partition::condition_holds(const Condition& condition, const PreparedBatch& batch, KeyState& found) {
  const KeyIdentity& identity = batch.identities[condition.record_index];
  found = {};
  bool in_batch = false;
  for (std::uint32_t i = condition.record_index; i-- > 0 && !in_batch;) {
    if (batch.identities[i] != identity) continue;
    found = {marks_.next_offset() + i, batch.checked->records[i].tombstone, false};
    in_batch = true;
  }
  if (!in_batch) found = keys_->newest(identity);
  if (found.offset != kNoOffset && found.offset < log_start_) found = {};
  switch (condition.kind) {
    case Condition::Kind::absent:
      return !found.live();
    case Condition::Kind::exists:
      return found.live();
    case Condition::Kind::offset:
      return found.offset == condition.offset && found.offset != kNoOffset;
  }
  return false;
}

std::optional<AppendResult> Partition::check_conditions(const PreparedBatch& batch, Offset& wait_end) {
  if (batch.conditions.empty()) return std::nullopt;
  AppendResult refusal;
  if (!keys_) {
    refusal.error = Error{Errc::unsupported, "conditions need a keydir; this topic's cleanup.policy is not compact"};
    return refusal;
  }
  if (!keys_->complete()) {
    refusal.error = Error{Errc::loading, "conditions wait until the keydir is loaded"};
    return refusal;
  }
  for (const Condition& condition : batch.conditions) {
    if (condition.record_index >= batch.identities.size()) {
      refusal.error = Error{Errc::invalid_argument, "condition names record " + std::to_string(condition.record_index) +
                                                        " of a batch of " + std::to_string(batch.identities.size())};
      return refusal;
    }
    KeyState found;
    if (const DamagedRange* damage = hidden_by_damage(keys_->newest(batch.identities[condition.record_index]).offset)) {
      refusal.error =
          Error{Errc::corrupt_range, "the key's newest record may lie in a damaged range: " + damage->reason};
      return refusal;
    }
    if (condition_holds(condition, batch, found)) continue;
    if (found.pending) wait_end = found.offset + 1;
    refusal.failed_record_index = condition.record_index;
    refusal.current_offset = found.offset;
    refusal.current_is_tombstone = found.deleted;
    refusal.error = Error{Errc::condition_failed,
                          "record " + std::to_string(condition.record_index) + ": the key's latest record is " +
                              (found.offset == kNoOffset ? std::string("absent")
                                                         : (found.deleted ? "a tombstone at offset " : "at offset ") +
                                                               std::to_string(found.offset.value()))};
    return refusal;
  }
  return std::nullopt;
}

Status Partition::newest(std::span<const KeyIdentity> identities, std::span<KeyState> out) {
  LOGCASK_CHECK(keys_ && keys_->complete());
  keys_->newest_for_others(identities, out);
  for (std::size_t i = 0; i < identities.size(); ++i) {
    if (const DamagedRange* damage = hidden_by_damage(out[i].offset))
      return Error{Errc::corrupt_range, "a newer record of a key may lie in a damaged range: " + damage->reason +
                                            "; 'logcask verify' shows it"};
    if (out[i].offset != kNoOffset && out[i].offset < log_start_) out[i] = {};
  }
  return {};
}

bool Partition::is_repeat(const BatchHeader& header) {
  if (!header.has_producer()) return false;
  const auto known = producers_.check(header.producer_id, header.producer_epoch, header.base_sequence,
                                      header.record_count, clock_.now());
  return known.ok() && known->has_value();
}

// ---- write

bool Partition::roll_due(TimestampMs now) const {
  if (active_bytes_ == 0) return false;
  const std::int64_t age_limit = std::min(config_.segment_ms, config_.max_compaction_lag_ms);
  return active_bytes_ >= static_cast<std::uint64_t>(config_.segment_bytes) ||
         (active_since_ >= TimestampMs(0) && now.value() - active_since_.value() >= age_limit);
}

bool Partition::active_expired(TimestampMs now) const {
  if (!config_.deletes || config_.retention_ms < 0 || active_bytes_ == 0) return false;
  const TimestampMs newest = writer_->facts().last_append;
  return newest >= TimestampMs(0) && now.value() - newest.value() > config_.retention_ms;
}

Partition::WriteJob Partition::begin_write() {
  WriteJob job;
  job.writer = writer_;
  job.append_stamp = clock_.stamp();
  if (roll_due(job.append_stamp.time)) {
    job.roll = true;
    return job;
  }
  // An empty segment takes one batch whatever its size; after that batches go in while they fit.
  const auto limit = static_cast<std::uint64_t>(config_.segment_bytes);
  const std::uint64_t room = limit > active_bytes_ ? limit - active_bytes_ : 0;
  const bool at_least_one = active_bytes_ == 0 || room >= kWriteBytes;
  job.set = tail_.unwritten(marks_.written_end(), std::min<std::uint64_t>(kWriteBytes, room), at_least_one);
  if (job.set.batches.empty()) {
    job.roll = true;
    return job;
  }
  job.end = job.set.batches.back()->next_offset;
  if (!writer_->fits(job.set.bytes, job.end - 1)) {
    LOGCASK_CHECK(active_bytes_ > 0);
    job.roll = true;
    job.set = {};
  }
  return job;
}

void Partition::drop_unwritten() {
  if (!mutant(Mutant::dropped_batch_remembered)) forget_unwritten_of_producers();
  tail_.cut_from(marks_.written_end());
  if (keys_) keys_->cut_pending(marks_.written_end());
  marks_.cut_back_to_written();
}

void Partition::forget_unwritten_of_producers() {
  const Offset end = marks_.written_end();
  producers_.truncate_from(end);
  for (ByteView piece : tail_.unwritten(end, SIZE_MAX, false).pieces) {
    while (!piece.empty()) {
      const Result<BatchHeader> header = decode_batch_header(piece);
      LOGCASK_CHECK(header.ok());
      if (header->has_producer())
        producers_.expect_again(header->producer_id, header->producer_epoch, header->base_sequence);
      piece.remove_prefix(header->total_bytes());
    }
  }
}

void Partition::finish_write(const WriteJob& job) {
  if (active_bytes_ == 0) active_since_ = job.append_stamp.time;
  active_bytes_ += job.set.bytes;
  marks_.written(job.end);
  if (keys_) {
    SegmentStats* stats = keys_->stats().find(job.end);
    for (const TailBuffer::Batch* batch : job.set.batches) {
      stats->records += batch->records;
      stats->tombstones += batch->tombstones;
    }
  }
  tail_.release(marks_.written_end());
}

// ---- roll

std::optional<Partition::Roll> Partition::begin_roll() {
  if (active_bytes_ == 0 || latched_) return std::nullopt;
  return Roll{writer_, marks_.written_end()};
}

void Partition::finish_roll(const Roll& roll, const SegmentFacts& facts, std::shared_ptr<SegmentWriter> new_writer) {
  LOGCASK_CHECK(facts.next_offset == roll.base && roll.base == marks_.written_end());
  closed_.push_back({Segment::closed(environment_.segments, environment_.directory, facts), facts.next_offset,
                     Offset(0), Offset(0), false, false});
  writer_ = std::move(new_writer);
  active_bytes_ = 0;
  active_since_ = kNoTimestamp;
  if (keys_) keys_->stats().add({roll.base, 0, 0, 0, 0, 0});
  marks_.durable(facts.next_offset);
  publish_list();
}

// ---- sync and commit

void Partition::finish_sync(const SyncEntry& entry) {
  // A write that has reached the file but not finish_write() yet may have been synced along with what came before it;
  // it counts from the next sync on, which then finds nothing to do.
  const Offset synced = mutant(Mutant::sync_credits_later_writes) ? marks_.written_end() : entry.durable_end;
  const Offset end = std::min(synced, marks_.written_end());
  if (end > marks_.durable_end()) marks_.durable(end);
}

bool Partition::apply_slice(const std::function<void(const KeyIndex::Applied&)>& observe) {
  const Offset durable = marks_.durable_end();
  const Offset end = keys_ ? keys_->apply(durable, log_start_, kSliceRecords, observe) : durable;
  marks_.committed(end);
  return end == durable;
}

void Partition::latch(const Error& error) {
  if (!latched_) latched_ = error;
}

// ---- read and structure

// Recovery and the keydir's load may both meet the same damage; the later word names the file's whole path.
void Partition::note_damage(const DamagedRange& range) {
  for (DamagedRange& known : damaged_)
    if (known.from == range.from && known.to == range.to) {
      known.reason = range.reason;
      return;
    }
  damaged_.push_back(range);
}

const DamagedRange* Partition::hidden_by_damage(Offset best_known) const {
  for (const DamagedRange& range : damaged_)
    if (best_known < range.to) return &range;
  return nullptr;
}

void Partition::replace_segments(Offset from, Offset to, std::vector<ClosedSegment> with,
                                 const std::vector<SegmentStats>& stats) {
  const auto in_order = [](const ClosedSegment& s, Offset o) { return s.segment->base() < o; };
  const auto first = std::lower_bound(closed_.begin(), closed_.end(), from, in_order);
  const auto last = std::lower_bound(closed_.begin(), closed_.end(), to, in_order);
  const auto at = closed_.erase(first, last);
  closed_.insert(at, with.begin(), with.end());
  if (keys_) keys_->stats().replace(from, to, stats);
  publish_list();
}

std::vector<ClosedSegment> Partition::move_log_start(Offset log_start, Offset dropped_end) {
  LOGCASK_CHECK(log_start >= log_start_ && log_start <= marks_.committed_end());
  log_start_ = log_start;
  std::erase_if(damaged_, [&](const DamagedRange& range) { return range.to <= log_start; });
  std::vector<ClosedSegment> dropped;
  while (!closed_.empty() && closed_.front().end_offset <= dropped_end) {
    dropped.push_back(closed_.front());
    closed_.erase(closed_.begin());
  }
  if (!dropped.empty()) {
    if (keys_) keys_->stats().replace(dropped.front().segment->base(), dropped.back().end_offset, {});
    publish_list();
  }
  return dropped;
}

void Partition::raise_tombstone_horizon(Offset horizon) { tombstone_horizon_ = std::max(tombstone_horizon_, horizon); }

}  // namespace logcask
