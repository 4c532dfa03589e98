#include "client/fetch_state.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask::client {

FetchState::FetchState(const std::vector<PartitionId>& partitions, ConsumerOptions::OutOfRange out_of_range)
    : out_of_range_(out_of_range) {
  for (const PartitionId id : partitions) partitions_[id];
}

void FetchState::assign(const std::vector<PartitionId>& partitions) {
  for (const auto& [id, partition] : partitions_)
    if (!mutant(Mutant::answer_of_an_earlier_share))
      first_generation_ = std::max(first_generation_, partition.generation + 1);
  partitions_.clear();
  queue_.clear();
  queued_bytes_ = 0;
  for (const PartitionId id : partitions) partitions_[id].generation = first_generation_;
}

void FetchState::add(PartitionId id) { partitions_[id].generation = first_generation_; }

void FetchState::start_at(PartitionId id, Offset offset, bool knows_all, RunId run) {
  Partition& partition = partitions_.at(id);
  partition.fetch_run = partition.poll_run = run;
  partition.fetch_position = partition.poll_position = offset;
  partition.knows_all = knows_all;
}

bool FetchState::seek(PartitionId id, Offset offset) {
  const auto found = partitions_.find(id);
  if (found == partitions_.end()) return false;
  Partition& partition = found->second;
  ++partition.generation;
  partition.fetch_position = partition.poll_position = offset;
  partition.fetch_run = partition.poll_run = kNoRun;
  partition.stopped = false;
  drop_queued(id);
  return true;
}

void FetchState::stop(PartitionId id) {
  Partition& partition = partitions_.at(id);
  ++partition.generation;
  partition.stopped = true;
  drop_queued(id);
}

void FetchState::drop_queued(PartitionId id) {
  const auto of_partition = [&](const FetchedItem& item) { return item.partition == id; };
  for (const FetchedItem& item : queue_)
    if (of_partition(item)) queued_bytes_ -= item.bytes.size();
  std::erase_if(queue_, of_partition);
}

std::vector<FetchState::Question> FetchState::questions() {
  std::vector<Question> questions;
  for (const auto& [id, partition] : partitions_)
    if (!partition.stopped)
      questions.push_back({id, partition.fetch_position, partition.generation, partition.fetch_run});
  if (!questions.empty()) {
    first_asked_ = (first_asked_ + 1) % questions.size();
    std::rotate(questions.begin(), questions.begin() + static_cast<std::ptrdiff_t>(first_asked_), questions.end());
  }
  return questions;
}

bool FetchState::answered(const Question& question, const FetchedPart& part,
                          const std::shared_ptr<const Buffer>& owner) {
  const auto found = partitions_.find(question.partition);
  if (found == partitions_.end() || found->second.generation != question.generation) return false;
  Partition& partition = found->second;
  if (part.error.code != Errc::ok) return failed(question.partition, partition, part);
  partition.end = part.committed_end;
  partition.log_start = part.log_start;
  partition.fetch_run = part.run;
  const bool behind = passed_horizon(partition, part);
  const Offset next = std::max(part.next_fetch_offset, question.offset);
  if (part.bytes.empty() && next == question.offset && !behind) return false;
  partition.fetch_position = next;
  push({question.partition, owner, part.bytes, question.offset, next, behind, Error{Errc::ok, {}}, part.run});
  return true;
}

// A reader of everything from the start misses nothing as long as the horizon does not pass it on the way; who begins
// in the middle has state we know nothing of.
bool FetchState::passed_horizon(Partition& partition, const FetchedPart& part) {
  if (!partition.known_horizon) partition.known_horizon = partition.knows_all ? part.tombstone_horizon : Offset(0);
  if (part.tombstone_horizon <= *partition.known_horizon) return false;
  partition.known_horizon = part.tombstone_horizon;
  return partition.fetch_position < part.tombstone_horizon;
}

bool FetchState::failed(PartitionId id, Partition& partition, const FetchedPart& part) {
  if (errc_retriable(part.error.code)) return false;
  const bool another_log = part.error.code == Errc::topic_changed;
  if ((another_log || part.error.code == Errc::offset_out_of_range) &&
      out_of_range_ != ConsumerOptions::OutOfRange::fail) {
    const Offset to = out_of_range_ == ConsumerOptions::OutOfRange::earliest ? part.log_start : part.committed_end;
    if (to >= Offset(0) && (another_log || to != partition.fetch_position)) {
      partition.fetch_position = to;
      partition.fetch_run = kNoRun;
      if (another_log && !mutant(Mutant::horizon_of_the_old_log)) {
        // What was told of the other log's horizon says nothing of this one's.
        partition.known_horizon.reset();
        partition.knows_all = out_of_range_ == ConsumerOptions::OutOfRange::earliest;
      }
      push({id, nullptr, {}, to, to, false, Error{Errc::ok, {}}, kNoRun});
      return true;
    }
  }
  partition.stopped = true;
  push({id, nullptr, {}, partition.fetch_position, partition.fetch_position, false, part.error, kNoRun});
  return true;
}

void FetchState::push(FetchedItem item) {
  queued_bytes_ += item.bytes.size();
  queue_.push_back(std::move(item));
}

std::optional<FetchedItem> FetchState::pop() {
  if (queue_.empty()) return std::nullopt;
  FetchedItem item = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= item.bytes.size();
  return item;
}

Offset FetchState::position(PartitionId id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? kNoOffset : found->second.poll_position;
}
RunId FetchState::run(PartitionId id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? kNoRun : found->second.poll_run;
}
void FetchState::set_position(PartitionId id, Offset offset, RunId run) {
  Partition& partition = partitions_.at(id);
  partition.poll_position = offset;
  partition.poll_run = run;
}
Offset FetchState::end_offset(PartitionId id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? kNoOffset : found->second.end;
}
Offset FetchState::log_start(PartitionId id) const {
  const auto found = partitions_.find(id);
  return found == partitions_.end() ? kNoOffset : found->second.log_start;
}

bool FetchState::all_ends_known() const {
  return std::all_of(partitions_.begin(), partitions_.end(),
                     [](const auto& entry) { return entry.second.end != kNoOffset || entry.second.stopped; });
}

bool FetchState::at_end() const {
  return std::all_of(partitions_.begin(), partitions_.end(), [](const auto& entry) {
    return entry.second.end != kNoOffset && entry.second.poll_position >= entry.second.end;
  });
}

}  // namespace logcask::client
