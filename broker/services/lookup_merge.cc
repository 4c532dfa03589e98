#include "broker/services/lookup_merge.h"

namespace logcask {
namespace {

int rank_of(const LookupResult& result) {
  switch (result.status) {
    case LookupStatus::failed:
      return 3;
    case LookupStatus::found:
      return 2;
    case LookupStatus::deleted:
      return 1;
    default:
      return 0;
  }
}

bool better(const LookupResult& candidate, const LookupResult& best) {
  if (rank_of(candidate) != rank_of(best)) return rank_of(candidate) > rank_of(best);
  return candidate.timestamp > best.timestamp;
}

}  // namespace

LookupResult to_result(const LookupAnswer& answer, std::size_t key_index, PartitionId partition) {
  LookupResult result;
  result.key_index = static_cast<std::uint32_t>(key_index);
  result.partition = partition;
  result.offset = answer.offset;
  result.timestamp = answer.timestamp;
  switch (answer.status) {
    case LookupAnswer::Status::found:
      result.status = LookupStatus::found;
      result.value = answer.value;
      result.header_count = static_cast<std::uint32_t>(answer.header_count);
      result.raw_headers = answer.raw_headers;
      break;
    case LookupAnswer::Status::absent:
      result.status = LookupStatus::absent;
      break;
    case LookupAnswer::Status::deleted:
      result.status = LookupStatus::deleted;
      break;
    case LookupAnswer::Status::failed:
      result.status = LookupStatus::failed;
      result.error = answer.error.code;
      break;
  }
  return result;
}

void KeptResult::keep(const LookupResult& from) {
  result_ = from;
  value_.assign(from.value);
  headers_.assign(from.raw_headers);
  present_ = true;
}

LookupResult KeptResult::view() const {
  LookupResult result = result_;
  result.value = value_;
  result.raw_headers = headers_;
  return result;
}

void KeptResult::send(LookupCall& call) { call.give(view()); }

void BestAnswers::start(std::size_t first, std::size_t keys) {
  first_ = first;
  best_.clear();
  best_.resize(keys);
}

void BestAnswers::take(std::size_t index, PartitionId partition, const LookupAnswer& answer) {
  Best& best = best_[index];
  const LookupResult result = to_result(answer, first_ + index, partition);
  if (result.status == LookupStatus::found) ++best.holders;
  if (!best.kept.present() || better(result, best.kept.get())) best.kept.keep(result);
}

void BestAnswers::send(LookupCall& call) {
  for (std::size_t i = 0; i < best_.size(); ++i) {
    if (!best_[i].kept.present()) take(i, PartitionId(0), LookupAnswer());
    best_[i].kept.set_ambiguous(best_[i].holders > 1);
    best_[i].kept.send(call);
  }
}

}  // namespace logcask
