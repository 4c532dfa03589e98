#include "compactor/rewrite.h"

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "base/mutant.h"

namespace logcask {
namespace {

BatchBuilder::Options same_fields(const BatchHeader& header) {
  BatchBuilder::Options options;
  options.compression = header.compression();
  options.timestamp_type = header.timestamp_type();
  options.leader_epoch = header.leader_epoch;
  options.producer_id = header.producer_id;
  options.producer_epoch = header.producer_epoch;
  options.base_sequence = header.base_sequence;
  options.transactional = header.transactional();
  return options;
}

// Whether the keydir's silence about a record proves nothing any more: retention has removed the entry since, or the
// log was closed under the compactor (and tells nobody where it starts).
bool log_moved_on(CompactionPort& port, Offset offset) {
  const CompactionState state = port.state();
  return !state.keydir_complete || offset < state.log_start;
}

class Rewrite {
 public:
  Rewrite(CompactionPort& port, std::span<const CompactionSegment> inputs, const RewriteOptions& options,
          const Pace& pace)
      : port_(port), inputs_(inputs), options_(options), pace_(pace) {}

  Result<Rewritten> run() {
    start();
    InputReader reader(port_);
    for (const CompactionSegment& input : inputs_) {
      out_->begin_input(input.facts.first_append, input.facts.last_append);
      LOGCASK_TRY(reader.read(*input.segment, [this](const ProbedGroup& group) { return take(group); }));
    }
    LOGCASK_ASSIGN(std::vector<RewriteOutput> outputs, out_->finish(inputs_.back().end_offset));
    return finished(std::move(outputs));
  }

 private:
  void start() {
    std::uint32_t generation = 0;
    for (const CompactionSegment& input : inputs_)
      generation = std::max(generation, input.facts.name.generation.value());
    OutputWriter::Options output;
    output.first = {inputs_.front().facts.name.base, Generation(generation + 1)};
    output.segment_bytes = options_.segment_bytes;
    output.batch_bytes = options_.batch_bytes;
    output.disk_reserve_bytes = options_.disk_reserve_bytes;
    output.compacted_through = options_.compacted_through;
    output.secret_fingerprint = port_.hasher().secret_fingerprint();
    out_ = std::make_unique<OutputWriter>(port_.environment(), port_.directory(), port_.clock(), output);
    for (const ProducerTail& tail : port_.producer_tails()) tails_[tail.last_offset] = tail.producer;
  }

  Status take(const ProbedGroup& group) {
    std::uint64_t bytes = 0;
    for (const ProbedBatch& batch : group.batches) {
      LOGCASK_TRY(take_batch(group, batch));
      out_->cover(batch.header.next_offset(), batch.header.leader_epoch);
      bytes += batch.bytes.size();
    }
    stats_.bytes_read += bytes;
    const std::uint64_t written = out_->bytes_written();
    LOGCASK_TRY(pace_(bytes, written - std::exchange(paced_written_, written)));
    if (port_.stopping()) return Error{Errc::cancelled, "the partition is closing"};
    return {};
  }

  Status take_batch(const ProbedGroup& group, const ProbedBatch& batch) {
    if (batch.header.control()) {
      stats_.records_kept += static_cast<std::uint64_t>(batch.header.record_count);
      return out_->add_batch(batch.bytes, {});
    }
    const auto tail = tails_.find(batch.header.last_offset());
    const bool own = batch.header.transactional() ||
                     (tail != tails_.end() && batch.header.has_producer() && tail->second == batch.header.producer_id);
    return own ? keep_own(group, batch) : merge(group, batch);
  }

  // Calls use(record, kept) for each record that stays.
  template <class Use>
  Status each_kept(const ProbedGroup& group, const ProbedBatch& batch, const Use& use) {
    RecordCursor cursor(batch.header, batch.records);
    RecordView record;
    std::size_t answer = batch.first_answer;
    while (true) {
      LOGCASK_ASSIGN(const bool more, cursor.next(record));
      if (!more) return {};
      KeptRecord kept;
      if (record.key) {
        kept = judge(record, group.identities[answer], group.answers[answer], batch.header.transactional());
        ++answer;
      } else if (record.offset < options_.rules.log_start) {
        // Of a topic that was not always a compacted one: its records below log start needed no key.
        ++stats_.records_dropped;
        continue;
      }
      if (kept.verdict == Verdict::broken) return broken(record.offset);
      if (dropped(kept.verdict)) {
        note_dropped(kept, group.answers[answer - 1]);
        continue;
      }
      kept.offset = record.offset;
      kept.encoded_bytes = record.encoded_bytes;
      kept.tombstone = record.tombstone();
      kept.timestamp = record.timestamp;
      ++stats_.records_kept;
      LOGCASK_TRY(use(record, kept));
    }
  }

  KeptRecord judge(const RecordView& record, const KeyIdentity& identity, const ProbeAnswer& answer, bool undecided) {
    KeptRecord kept;
    kept.identity = identity;
    kept.offset = record.offset;
    kept.keyed = true;
    kept.live = answer.newest == record.offset;
    kept.verdict = judge_record(options_.rules, record.offset, record.tombstone(), answer);
    const bool full = kept.verdict == Verdict::drop_tombstone && dropped_.size() >= kDroppedTombstonesMax;
    if (full) kept.verdict = kept.live ? Verdict::keep_live : Verdict::keep_unindexed;
    // Whether a transaction's records count is told by its marker, which is not looked at here.
    const bool undecided_drop = undecided && dropped(kept.verdict);
    if (undecided_drop) kept.verdict = Verdict::keep_unjudged;
    if (undecided_drop || (kept.verdict == Verdict::keep_protected && answer.newest > record.offset)) withheld_ = true;
    return kept;
  }

  void note_dropped(const KeptRecord& record, const ProbeAnswer& answer) {
    ++stats_.records_dropped;
    if (record.verdict == Verdict::drop_superseded) judged_through_ = std::max(judged_through_, answer.newest + 1);
    if (record.verdict != Verdict::drop_tombstone) return;
    ++stats_.tombstones_dropped;
    dropped_.push_back({record.identity, record.offset});
  }

  Status merge(const ProbedGroup& group, const ProbedBatch& batch) {
    return each_kept(group, batch, [&](const RecordView& record, const KeptRecord& kept) {
      return out_->add(batch.header, record, kept);
    });
  }

  // A batch of its own, with its producer's fields and last sequence number, if need be without records.
  Status keep_own(const ProbedGroup& group, const ProbedBatch& batch) {
    BatchBuilder builder(batch.header.base_offset, same_fields(batch.header));
    own_.clear();
    LOGCASK_TRY(each_kept(group, batch, [&](const RecordView& record, const KeptRecord& kept) {
      builder.add(record);
      own_.push_back(kept);
      return Status();
    }));
    if (own_.size() == static_cast<std::size_t>(batch.header.record_count)) return out_->add_batch(batch.bytes, own_);
    std::string bytes;
    LOGCASK_TRY(builder.finish(bytes, batch.header.last_offset()));
    return out_->add_batch(bytes, own_);
  }

  Status broken(Offset offset) {
    if (log_moved_on(port_, offset))
      return Error{Errc::cancelled, "log start moved during the rewrite, or the log was closed; it is planned anew"};
    return Error{Errc::internal, inputs_.front().segment->describe() + " and what follows: the value at offset " +
                                     std::to_string(offset.value()) +
                                     " is committed, but the keydir has no entry for its key; nothing was removed, "
                                     "'logcask reopen' rebuilds the keydir"};
  }

  Rewritten finished(std::vector<RewriteOutput> outputs) {
    Rewritten rewritten;
    rewritten.result.from = inputs_.front().facts.name.base;
    rewritten.result.to = inputs_.back().end_offset;
    rewritten.result.judged_through = judged_through_;
    for (const CompactionSegment& input : inputs_) {
      rewritten.result.inputs.push_back(input.facts.name);
      stats_.bytes_before += input.facts.size_bytes;
    }
    // Tombstones count on a segment that is compacted through them having nothing older of their keys. What a collision
    // keeps is older; once its mark is forgotten nothing else would hold the tombstone back.
    Offset clean = options_.compacted_through;
    for (const CompactionSegment& input : inputs_) clean = std::min(clean, input.compacted_through);
    for (RewriteOutput& output : outputs) {
      if (withheld_) output.compacted_through = clean;
      if (mutant(Mutant::clean_mark_of_the_end)) output.compacted_through = port_.state().committed_end;
      stats_.bytes_after += output.facts.size_bytes;
    }
    stats_.rewrites = 1;
    stats_.segments_in = inputs_.size();
    stats_.segments_out = outputs.size();
    stats_.bytes_written = stats_.bytes_after;
    rewritten.result.outputs = std::move(outputs);
    rewritten.result.dropped_tombstones = std::move(dropped_);
    rewritten.outputs = std::move(out_);
    rewritten.stats = stats_;
    return rewritten;
  }

  CompactionPort& port_;
  const std::span<const CompactionSegment> inputs_;
  const RewriteOptions& options_;
  const Pace& pace_;
  std::unique_ptr<OutputWriter> out_;
  std::unordered_map<Offset, ProducerId> tails_;  // by last offset of the producer's last batch
  std::vector<DroppedTombstone> dropped_;
  std::vector<KeptRecord> own_;
  Offset judged_through_;  // every record that was evidence lies below
  bool withheld_ = false;  // something superseded stays, because its identity has collided
  std::uint64_t paced_written_ = 0;
  CompactionStats stats_;
};

}  // namespace

Result<Rewritten> rewrite_segments(CompactionPort& port, std::span<const CompactionSegment> inputs,
                                   const RewriteOptions& options, const Pace& pace) {
  LOGCASK_CHECK(!inputs.empty());
  if (inputs.back().facts.next_offset - inputs.front().facts.name.base > kMaxSegmentSpan)
    return Error{Errc::invalid_argument, "a rewrite of more than 2^31 offsets"};
  return Rewrite(port, inputs, options, pace).run();
}

}  // namespace logcask
