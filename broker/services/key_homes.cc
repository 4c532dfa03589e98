#include "broker/services/key_homes.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/mutant.h"
#include "broker/services/lookup.h"

namespace logcask {
namespace {

// A partition's newest record of one of the batch's keys.
struct Standing {
  std::uint32_t record_index = 0;
  PartitionId partition;
  KeyState state;
};

class NewestPartition final : public LookupCall {
 public:
  void result(const LookupResult& result) override {
    if (result.status == LookupStatus::found) partition = result.partition;
  }
  void completed(Status) override {}
  std::optional<PartitionId> partition;
};

std::string names_of(std::span<const PartitionId> partitions) {
  std::string names;
  for (const PartitionId partition : partitions)
    names += (names.empty() ? "" : ", ") + std::to_string(partition.value());
  return names;
}

class HomeFinder {
 public:
  HomeFinder(const TopicPtr& topic, PartitionId at, const PreparedBatch& batch, const KeyHasher& hasher)
      : topic_(topic), at_(at), batch_(batch), hasher_(hasher), condition_of_(batch.identities.size(), nullptr) {
    for (const Condition& condition : batch.conditions) condition_of_[condition.record_index] = &condition;
  }

  Result<KeyHomes> find(std::optional<std::uint32_t>& refused) {
    for (std::size_t p = 0; p < topic_->partitions.size(); ++p)
      if (const PartitionId id(static_cast<std::int32_t>(p)); id != at_) LOGCASK_TRY(ask(id));
    if (standings_.empty()) return KeyHomes();
    LOGCASK_TRY(ask(at_));
    std::sort(standings_.begin(), standings_.end(), [](const Standing& a, const Standing& b) {
      return std::pair(a.record_index, a.partition) < std::pair(b.record_index, b.partition);
    });
    for (std::size_t first = 0; first < standings_.size();) {
      std::size_t last = first;
      while (last < standings_.size() && standings_[last].record_index == standings_[first].record_index) ++last;
      if (auto placed = place({standings_.begin() + static_cast<std::ptrdiff_t>(first), last - first}); !placed.ok()) {
        refused = standings_[first].record_index;
        return placed.error();
      }
      first = last;
    }
    return std::move(homes_);
  }

 private:
  bool tombstone(std::uint32_t index) const { return batch_.checked->records[index].tombstone; }

  Status ask(PartitionId id) {
    const std::size_t count = batch_.identities.size();
    states_.assign(count, KeyState());
    if (auto asked = topic_->partition(id)->newest(batch_.identities, states_); !asked.ok()) return unknown(asked, id);
    for (std::uint32_t i = 0; i < count; ++i)
      if (states_[i].live() || (condition_of_[i] && states_[i].offset != kNoOffset))
        standings_.push_back({i, id, states_[i]});
    return {};
  }

  // What a partition that does not answer may hold is not missed by a value, which is the newest.
  Status unknown(const Status& why, PartitionId id) const {
    if (batch_.conditions.empty() && std::none_of(batch_.checked->records.begin(), batch_.checked->records.end(),
                                                  [](const CheckedRecord& record) { return record.tombstone; }))
      return {};
    return Error{why.error()}.in("partition " + std::to_string(id.value()) +
                                 " cannot say whether it holds the key (name a partition to write there all the same)");
  }

  Status place(std::span<const Standing> standings) {
    const std::uint32_t index = standings.front().record_index;
    std::vector<PartitionId> holders;
    for (const Standing& standing : standings)
      if (standing.state.live()) holders.push_back(standing.partition);
    const bool here = std::find(holders.begin(), holders.end(), at_) != holders.end();
    if (holders.empty()) return place_by_tombstone(standings);
    if (holders.size() == 1) {
      if (!here) homes_.moves.push_back({index, holders.front()});
      return {};
    }
    if (condition_of_[index])
      return Error{Errc::wrong_partition,
                   "record " + std::to_string(index) + ": partitions " + names_of(holders) +
                       " hold a value of the key, and a condition is about one record; delete the key, which "
                       "deletes all of them, or name the partition"};
    if (tombstone(index)) {
      const PartitionId other = holders.front() == at_ ? holders[1] : holders.front();
      (here ? homes_.also : homes_.moves).push_back({index, other});
      return {};
    }
    const PartitionId newest = newest_of(index).value_or(here ? at_ : holders.front());
    if (newest == at_)
      homes_.ambiguous.push_back(index);
    else
      homes_.moves.push_back({index, newest});
    return {};
  }

  // The key stands nowhere, but the condition may be about the tombstone that says so.
  Status place_by_tombstone(std::span<const Standing> standings) {
    const std::uint32_t index = standings.front().record_index;
    const Condition* condition = condition_of_[index];
    if (!condition || condition->kind != Condition::Kind::offset) return {};
    const auto meant = [&](const Standing& standing) { return standing.state.offset == condition->offset; };
    const auto found = std::find_if(standings.begin(), standings.end(), meant);
    if (found == standings.end()) return {};
    for (const Standing& standing : standings)
      if (meant(standing) && standing.partition == at_) return {};
    homes_.moves.push_back({index, found->partition});
    return {};
  }

  std::optional<PartitionId> newest_of(std::uint32_t index) const {
    const ByteView key = batch_.checked->records[index].key;
    NewestPartition newest;
    if (!look_up(topic_, PartitionId(-1), {&key, 1}, true, hasher_, newest).ok()) return std::nullopt;
    return newest.partition;
  }

  const TopicPtr& topic_;
  const PartitionId at_;
  const PreparedBatch& batch_;
  const KeyHasher& hasher_;
  std::vector<const Condition*> condition_of_;
  std::vector<KeyState> states_;
  std::vector<Standing> standings_;
  KeyHomes homes_;
};

}  // namespace

bool keys_may_stand_elsewhere(const Topic& topic) {
  return topic.config.partitioner == Partitioner::any && topic.partitions.size() > 1 &&
         topic.config.partition.compacted && !mutant(Mutant::writes_miss_their_key);
}

Result<KeyHomes> find_key_homes(const TopicPtr& topic, PartitionId at, const PreparedBatch& batch,
                                const KeyHasher& hasher, std::optional<std::uint32_t>& refused) {
  return HomeFinder(topic, at, batch, hasher).find(refused);
}

}  // namespace logcask
