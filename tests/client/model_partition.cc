#include "tests/client/model_partition.h"

namespace logcask::client {
namespace {

std::vector<ModelRecord> decode(const CheckedBatch& batch) {
  const ByteView section =
      batch.decompressed.empty() ? batch.batch.substr(kBatchHeaderBytes) : ByteView(batch.decompressed);
  RecordCursor cursor(batch.header, section);
  logcask::RecordView record;
  std::vector<ModelRecord> records;
  while (cursor.next(record).value())
    records.push_back({std::string(record.key.value_or(ByteView())),
                       record.value ? std::optional<std::string>(*record.value) : std::optional<std::string>(),
                       decode_headers(record).size()});
  return records;
}

}  // namespace

std::int64_t ModelPartition::latest(const std::string& key) const {
  const auto found = latest_.find(key);
  return found == latest_.end() ? -1 : found->second;
}

std::optional<ModelAnswer> ModelPartition::check_sequence(const BatchHeader& header) const {
  if (!header.has_producer()) return std::nullopt;
  const auto found = producers_.find(header.producer_id.value());
  if (found == producers_.end()) return std::nullopt;  // unknown producers may start anywhere
  const Producer& producer = found->second;
  ModelAnswer answer;
  for (const Accepted& accepted : producer.accepted) {
    if (accepted.first != header.base_sequence || accepted.last != header.base_sequence + header.record_count - 1)
      continue;
    answer.base_offset = accepted.base_offset;
    answer.duplicate = true;
    return answer;
  }
  if (header.base_sequence == producer.accepted.back().last + 1) return std::nullopt;
  answer.code = Errc::out_of_order_sequence;
  return answer;
}

std::optional<ModelAnswer> ModelPartition::check_conditions(const CheckedBatch& batch,
                                                            const std::vector<ModelCondition>& conditions) const {
  for (const ModelCondition& wanted : conditions) {
    const std::string key(batch.records[wanted.record].key);
    std::int64_t current = latest(key);
    bool live = current >= 0 && records_[static_cast<std::size_t>(current)].value.has_value();
    for (std::uint32_t i = 0; i < wanted.record; ++i) {
      if (batch.records[i].key != key) continue;
      current = static_cast<std::int64_t>(records_.size()) + i;
      live = !batch.records[i].tombstone;
    }
    const auto kind = wanted.condition.kind;
    const bool holds = kind == Condition::Kind::absent   ? !live
                       : kind == Condition::Kind::exists ? live
                                                         : current == wanted.condition.offset.value();
    if (holds) continue;
    ModelAnswer answer;
    answer.code = Errc::condition_failed;
    answer.failed_record = wanted.record;
    answer.current_offset = current;
    answer.current_is_tombstone = current >= 0 && !live;
    return answer;
  }
  return std::nullopt;
}

ModelAnswer ModelPartition::append(ByteView bytes, const std::vector<ModelCondition>& conditions) {
  ModelAnswer answer;
  const auto checked = check_produced_batch(bytes, BatchRules());
  if (!checked.ok()) {
    answer.code = checked.code();
    return answer;
  }
  const CheckedBatch& batch = **checked;
  for (const ModelRecord& record : decode(batch)) {
    if (record.value != kPoison) continue;
    answer.code = Errc::invalid_record;
    return answer;
  }
  if (auto verdict = check_sequence(batch.header)) return *verdict;
  if (auto verdict = check_conditions(batch, conditions)) return *verdict;
  std::size_t keys = latest_.size();
  for (std::uint32_t i = 0; i < batch.records.size(); ++i)
    if (latest(std::string(batch.records[i].key)) < 0 && keys++ >= key_limit_) answer.refused.push_back(i);
  if (!answer.refused.empty()) {
    answer.code = Errc::keydir_budget_exceeded;
    return answer;
  }
  answer.base_offset = static_cast<std::int64_t>(records_.size());
  for (ModelRecord& record : decode(batch)) {
    latest_[record.key] = static_cast<std::int64_t>(records_.size());
    records_.push_back(std::move(record));
  }
  StoredBatch stored{answer.base_offset, static_cast<std::int64_t>(records_.size()), std::string(bytes)};
  patch_base_offset(stored.bytes.data(), Offset(answer.base_offset));
  batches_.push_back(std::move(stored));
  if (batch.header.has_producer()) {
    auto& accepted = producers_[batch.header.producer_id.value()].accepted;
    accepted.push_back(
        {batch.header.base_sequence, batch.header.base_sequence + batch.header.record_count - 1, answer.base_offset});
    if (accepted.size() > 5) accepted.pop_front();
  }
  return answer;
}

std::string ModelPartition::batches_from(std::int64_t offset) const {
  std::string bytes;
  for (const StoredBatch& batch : batches_)
    if (batch.next_offset > offset) bytes += batch.bytes;
  return bytes;
}

}  // namespace logcask::client
