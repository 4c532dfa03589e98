#include "broker/services/lookup.h"

#include <algorithm>
#include <string>
#include <utility>

namespace logcask {
namespace {

// Keys that go through the partitions together when every partition is asked: a partition's own batch.
constexpr std::size_t kKeysTogether = 64;

bool asks_everywhere(const Topic& topic, PartitionId partition) {
  return partition.value() < 0 && topic.partitions.size() > 1 && topic.config.partitioner == Partitioner::any;
}

// Hands results on in key order, keeping only those that come too early.
class InOrder {
 public:
  InOrder(LookupCall& call, std::size_t first, std::size_t keys) : call_(call), first_(first), keys_(keys) {}

  void put(const LookupResult& result) {
    const std::size_t index = result.key_index - first_;
    if (index != next_) {
      if (early_.empty()) early_.resize(keys_);
      early_[index].keep(result);
      return;
    }
    call_.give(result);
    ++next_;
    while (next_ < early_.size() && early_[next_].present()) early_[next_++].send(call_);
  }

 private:
  LookupCall& call_;
  const std::size_t first_, keys_;
  std::size_t next_ = 0;
  std::vector<KeptResult> early_;
};

}  // namespace

Lookup::Lookup(TopicPtr topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
               const KeyHasher& hasher)
    : topic_(std::move(topic)),
      keys_(keys),
      keys_only_(keys_only),
      hasher_(hasher),
      everywhere_(asks_everywhere(*topic_, partition)),
      partition_(partition) {
  if (everywhere_ || partition.value() >= 0) return;
  const int count = static_cast<int>(topic_->partitions.size());
  if (count == 1)
    partition_ = PartitionId(0);
  else if (keys.size() == 1)
    partition_ = partition_for_key(topic_->config.partitioner, keys[0], count);
}

std::size_t Lookup::questions(const Topic& topic, PartitionId partition, std::size_t keys) {
  return asks_everywhere(topic, partition) ? keys * topic.partitions.size() : keys;
}

// The first partition that is still loading makes the whole answer so.
void Lookup::see(const LookupAnswer& answer) {
  if (answer.status == LookupAnswer::Status::failed && answer.error.code == Errc::loading && !loading_)
    loading_ = answer.error;
}

bool Lookup::step(LookupCall& call) {
  const bool ended = everywhere_ ? step_everywhere(call) : partition_.value() >= 0 ? step_one(call) : step_homes(call);
  return ended || loading_ || !call.wants_more();
}

bool Lookup::step_one(LookupCall& call) {
  const std::size_t count = std::min(kSliceQuestions, keys_.size() - next_);
  InOrder ordered(call, next_, count);
  topic_->partition(partition_)
      ->get(keys_.subspan(next_, count), keys_only_, [&](std::size_t index, const LookupAnswer& answer) {
        see(answer);
        ordered.put(to_result(answer, next_ + index, partition_));
      });
  next_ += count;
  return next_ == keys_.size();
}

// Every key to the one partition that the topic's partitioner names.
bool Lookup::step_homes(LookupCall& call) {
  const std::size_t partitions = topic_->partitions.size();
  const std::size_t count = std::min(kSliceQuestions, keys_.size() - next_);
  std::vector<std::vector<ByteView>> keys_of(partitions);
  std::vector<std::vector<std::size_t>> indexes_of(partitions);
  for (std::size_t i = next_; i < next_ + count; ++i) {
    const PartitionId id = partition_for_key(topic_->config.partitioner, keys_[i], static_cast<int>(partitions));
    const auto home = static_cast<std::size_t>(id.value());
    keys_of[home].push_back(keys_[i]);
    indexes_of[home].push_back(i);
  }
  InOrder ordered(call, next_, count);
  for (std::size_t p = 0; p < partitions; ++p) {
    if (keys_of[p].empty()) continue;
    topic_->partitions[p]->get(keys_of[p], keys_only_, [&](std::size_t index, const LookupAnswer& answer) {
      see(answer);
      ordered.put(to_result(answer, indexes_of[p][index], PartitionId(static_cast<std::int32_t>(p))));
    });
  }
  next_ += count;
  return next_ == keys_.size();
}

bool Lookup::step_everywhere(LookupCall& call) {
  for (std::size_t asked = 0; asked < kSliceQuestions;) {
    const std::size_t count = std::min(kKeysTogether, keys_.size() - next_);
    if (next_partition_ == 0) {
      best_.start(next_, count);
      identities_.clear();
      for (const ByteView key : keys_.subspan(next_, count)) identities_.push_back(hasher_.identity(key));
    }
    const PartitionId id(static_cast<std::int32_t>(next_partition_));
    topic_->partitions[next_partition_]->get({keys_.subspan(next_, count), identities_}, keys_only_,
                                             [&](std::size_t index, const LookupAnswer& answer) {
                                               see(answer);
                                               best_.take(index, id, answer);
                                             });
    if (loading_) return true;
    asked += count;
    if (++next_partition_ < topic_->partitions.size()) continue;
    best_.send(call);
    next_partition_ = 0;
    next_ += count;
    if (next_ == keys_.size() || !call.wants_more()) return true;
  }
  return false;
}

Status look_up(TopicPtr topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
               const KeyHasher& hasher, LookupCall& call) {
  Lookup lookup(std::move(topic), partition, keys, keys_only, hasher);
  while (!lookup.step(call)) {
  }
  return lookup.status();
}

Error prefix_lookup_unsupported() {
  return Error{
      Errc::unsupported,
      "lookups by prefix or range need keys in order, and a keydir is a hash: it has none. Use 'logcask replay "
      "--key-prefix', which walks the log, or a store built on an LSM or B+ tree (RocksDB, PostgreSQL)"};
}

}  // namespace logcask
