#include "compactor/survey.h"

#include <utility>

namespace logcask {
namespace {

constexpr std::uint64_t kTasteBytes = 1u << 20;

void count(const KeepRules& rules, Offset offset, bool tombstone, const KeyIdentity& identity,
           const ProbeAnswer& answer, Survey& survey) {
  ++survey.records;
  switch (judge_record(rules, offset, tombstone, answer, kNoOffset)) {
    case Verdict::drop_superseded:
      ++survey.superseded;
      break;
    case Verdict::drop_expired:
      ++survey.expired;
      break;
    case Verdict::drop_tombstone:
      ++survey.tombstones;
      break;
    case Verdict::keep_newer_above: {
      ++survey.newer_above;
      // Records come in offset order: a key met again means that what was remembered is not its last.
      if (survey.hot.last(identity) != kNoOffset) ++survey.hot_older;
      survey.hot.note(identity, offset);
      break;
    }
    case Verdict::keep_protected:
      survey.withheld += answer.newest > offset;
      break;
    case Verdict::broken:
      if (survey.broken++ == 0) survey.first_broken = offset;
      break;
    default:
      break;
  }
}

Status count_group(const ProbedGroup& group, const KeepRules& rules, Survey& survey) {
  for (const ProbedBatch& batch : group.batches) {
    survey.bytes_read += batch.bytes.size();
    if (batch.header.control()) continue;
    RecordCursor cursor(batch.header, batch.records);
    RecordView record;
    std::size_t answer = batch.first_answer;
    while (true) {
      LOGCASK_ASSIGN(const bool more, cursor.next(record));
      if (!more) break;
      if (!record.key) continue;
      count(rules, record.offset, record.tombstone(), group.identities[answer], group.answers[answer], survey);
      ++answer;
    }
  }
  return {};
}

Result<Survey> read_inputs(CompactionPort& port, std::span<const CompactionSegment> inputs, const KeepRules& rules,
                           const Pace& pace, std::uint64_t max_bytes) {
  Survey survey;
  survey.complete = true;
  for (const CompactionSegment& input : inputs) {
    survey.complete = survey.complete && input.facts.size_bytes <= max_bytes;
    InputReader reader(port, InputReader::Probing::look, inputs.front().facts.name.base);
    std::uint64_t paced = survey.bytes_read;
    const Status read = reader.read(*input.segment, max_bytes, [&](const ProbedGroup& group) -> Status {
      LOGCASK_TRY(count_group(group, rules, survey));
      return pace(survey.bytes_read - std::exchange(paced, survey.bytes_read), 0);
    });
    LOGCASK_TRY(read);
  }
  return survey;
}

Result<Survey> look(CompactionPort& port, std::span<const CompactionSegment> inputs, const KeepRules& rules,
                    const Pace& pace, std::uint64_t max_bytes) {
  LOGCASK_TRY(port.begin_rewrite(inputs.front().facts.name.base, inputs.back().end_offset));
  auto survey = read_inputs(port, inputs, rules, pace, max_bytes);
  port.abandon_rewrite();
  return survey;
}

}  // namespace

Result<Survey> survey_inputs(CompactionPort& port, std::span<const CompactionSegment> inputs, const KeepRules& rules,
                             const Pace& pace) {
  LOGCASK_ASSIGN(Survey taste, look(port, inputs, rules, pace, kTasteBytes));
  const bool mostly_free = taste.droppable() > 0 && taste.newer_above * 20 <= taste.droppable();
  if (taste.complete || taste.broken > 0 || mostly_free) {
    // What a taste says of hot keys is not the whole.
    if (!taste.complete) taste.hot = HotKeys();
    return taste;
  }
  auto whole = look(port, inputs, rules, pace, kMaxSegmentBytes);
  if (whole.ok()) whole->bytes_read += taste.bytes_read;
  return whole;
}

}  // namespace logcask
