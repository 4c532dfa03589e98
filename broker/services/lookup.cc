// look_up(): which partitions are asked, and how their answers become one per key.
#include <algorithm>
#include <optional>
#include <string>

#include "broker/services/lookup_service.h"

namespace logcask {
namespace {

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

// A result that outlives the sink's call.
struct KeptResult {
  LookupResult result;
  std::string value, headers;
  bool present = false;

  void keep(const LookupResult& from) {
    result = from;
    value.assign(from.value);
    headers.assign(from.raw_headers);
    present = true;
  }
  void send(LookupCall& call) {
    result.value = value;
    result.raw_headers = headers;
    call.result(result);
  }
};

// Hands results on in key order, keeping only those that come too early.
class InOrder {
 public:
  InOrder(LookupCall& call, std::size_t keys) : call_(call), keys_(keys) {}

  void put(const LookupResult& result) {
    if (result.key_index != next_) {
      if (early_.empty()) early_.resize(keys_);
      early_[result.key_index].keep(result);
      return;
    }
    call_.result(result);
    ++next_;
    while (next_ < early_.size() && early_[next_].present) early_[next_++].send(call_);
  }

 private:
  LookupCall& call_;
  const std::size_t keys_;
  std::size_t next_ = 0;
  std::vector<KeptResult> early_;
};

// True when `candidate` is the better answer of the two to one key: a value beats a tombstone beats nothing, the
// newest value beats the others, and a failure beats all, because it may hide any of them.
bool better(const LookupResult& candidate, const LookupResult& best) {
  const auto rank = [](const LookupResult& r) {
    switch (r.status) {
      case LookupStatus::failed:
        return 3;
      case LookupStatus::found:
        return 2;
      case LookupStatus::deleted:
        return 1;
      default:
        return 0;
    }
  };
  if (rank(candidate) != rank(best)) return rank(candidate) > rank(best);
  return candidate.timestamp > best.timestamp;
}

// Remembers the first partition that is still loading.
struct Loading {
  std::optional<Error> error;
  void see(const LookupAnswer& answer) {
    if (answer.status == LookupAnswer::Status::failed && answer.error.code == Errc::loading && !error)
      error = answer.error;
  }
  Status status() const { return error ? Status(*error) : Status(); }
};

Status ask_one(const Topic& topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
               LookupCall& call) {
  InOrder ordered(call, keys.size());
  Loading loading;
  topic.partition(partition)->get(keys, keys_only, [&](std::size_t index, const LookupAnswer& answer) {
    loading.see(answer);
    ordered.put(to_result(answer, index, partition));
  });
  return loading.status();
}

Status ask_all(const Topic& topic, std::span<const ByteView> keys, bool keys_only, LookupCall& call) {
  std::vector<KeptResult> best(keys.size());
  std::vector<std::uint32_t> holders(keys.size());
  Loading loading;
  for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
    topic.partitions[p]->get(keys, keys_only, [&](std::size_t index, const LookupAnswer& answer) {
      loading.see(answer);
      const LookupResult result = to_result(answer, index, PartitionId(static_cast<std::int32_t>(p)));
      if (result.status == LookupStatus::found) ++holders[index];
      if (!best[index].present || better(result, best[index].result)) best[index].keep(result);
    });
    if (loading.error) return loading.status();
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    best[i].result.ambiguous = holders[i] > 1;
    best[i].send(call);
  }
  return {};
}

// Every key to the one partition that the topic's partitioner names.
Status ask_homes(const Topic& topic, std::span<const ByteView> keys, bool keys_only, LookupCall& call) {
  const int count = static_cast<int>(topic.partitions.size());
  if (keys.size() == 1)
    return ask_one(topic, partition_for_key(topic.config.partitioner, keys[0], count), keys, keys_only, call);
  std::vector<std::vector<ByteView>> keys_of(topic.partitions.size());
  std::vector<std::vector<std::size_t>> indexes_of(topic.partitions.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto home = static_cast<std::size_t>(partition_for_key(topic.config.partitioner, keys[i], count).value());
    keys_of[home].push_back(keys[i]);
    indexes_of[home].push_back(i);
  }
  InOrder ordered(call, keys.size());
  Loading loading;
  for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
    if (keys_of[p].empty()) continue;
    topic.partitions[p]->get(keys_of[p], keys_only, [&](std::size_t index, const LookupAnswer& answer) {
      loading.see(answer);
      ordered.put(to_result(answer, indexes_of[p][index], PartitionId(static_cast<std::int32_t>(p))));
    });
  }
  return loading.status();
}

}  // namespace

Status look_up(const Topic& topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
               LookupCall& call) {
  if (partition.value() >= 0) return ask_one(topic, partition, keys, keys_only, call);
  if (topic.partitions.size() == 1) return ask_one(topic, PartitionId(0), keys, keys_only, call);
  if (topic.config.partitioner != Partitioner::any) return ask_homes(topic, keys, keys_only, call);
  return ask_all(topic, keys, keys_only, call);
}

Error prefix_lookup_unsupported() {
  return Error{
      Errc::unsupported,
      "lookups by prefix or range need keys in order, and a keydir is a hash: it has none. Use 'logcask replay "
      "--key-prefix', which walks the log, or a store built on an LSM or B+ tree (RocksDB, PostgreSQL)"};
}

}  // namespace logcask
