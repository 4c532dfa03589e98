#pragma once
// Answers of several partitions to the same keys, and the one that counts for each key: a value beats a tombstone beats
// nothing, the newest value beats the others, and a failure beats all, because it may hide any of them.
//
// Owns what it keeps. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "broker/door/partition_runner.h"
#include "broker/services/lookup_service.h"

namespace logcask {

LookupResult to_result(const LookupAnswer& answer, std::size_t key_index, PartitionId partition);

// A result that outlives the call it came in.
class KeptResult {
 public:
  void keep(const LookupResult& from);
  bool present() const { return present_; }
  const LookupResult& get() const { return result_; }  // without value and headers
  // With them, as long as this lives and keeps nothing else.
  LookupResult view() const;
  void send(LookupCall& call);
  void set_ambiguous(bool ambiguous) { result_.ambiguous = ambiguous; }

 private:
  LookupResult result_;
  std::string value_, headers_;
  bool present_ = false;
};

class BestAnswers {
 public:
  // For `keys` keys, of which the first has the number `first` in the results.
  void start(std::size_t first, std::size_t keys);
  void take(std::size_t index, PartitionId partition, const LookupAnswer& answer);
  // In the order of the keys; a key that nobody has answered is absent.
  void send(LookupCall& call);

 private:
  struct Best {
    KeptResult kept;
    std::uint32_t holders = 0;
  };
  std::size_t first_ = 0;
  std::vector<Best> best_;
};

}  // namespace logcask
