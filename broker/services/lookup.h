#pragma once
// A lookup under way: which partitions are asked, and how their answers become one per key. In slices, so that others
// of its loop come between.
//
// A key is hashed once, however many partitions are asked, and each partition is asked for each key at most once: the
// cost is linear in keys x partitions asked. Kept meanwhile are the answers of one slice.
// One thread; may read the disk.

#include <optional>
#include <span>
#include <vector>

#include "broker/services/lookup_merge.h"
#include "broker/services/lookup_service.h"

namespace logcask {

class Lookup {
 public:
  // Questions (a key in a partition) asked in one slice, about: a millisecond when nothing is read from the disk.
  static constexpr std::size_t kSliceQuestions = 4096;

  // The keys and their bytes live as long as this. partition -1: as the topic's partitioner says.
  Lookup(TopicPtr topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
         const KeyHasher& hasher);
  // How many questions such a lookup asks.
  static std::size_t questions(const Topic& topic, PartitionId partition, std::size_t keys);

  // One slice more; results go to `call` in the order of the keys. True when it has ended: see status().
  bool step(LookupCall& call);
  // loading: a partition's keydir is incomplete, and what was answered counts for nothing.
  Status status() const { return loading_ ? Status(*loading_) : Status(); }

 private:
  bool step_one(LookupCall& call);
  bool step_homes(LookupCall& call);
  bool step_everywhere(LookupCall& call);
  void see(const LookupAnswer& answer);

  const TopicPtr topic_;
  const std::span<const ByteView> keys_;
  const bool keys_only_;
  const KeyHasher& hasher_;
  const bool everywhere_;  // every partition may hold every key
  PartitionId partition_;  // the only one to ask, or -1
  std::size_t next_ = 0;   // key to go on at
  std::optional<Error> loading_;
  // Everywhere: the keys from next_ on that go through the partitions together, and the partition to ask next.
  std::vector<KeyIdentity> identities_;
  BestAnswers best_;
  std::size_t next_partition_ = 0;
};

// All slices at once, for a few keys.
Status look_up(TopicPtr topic, PartitionId partition, std::span<const ByteView> keys, bool keys_only,
               const KeyHasher& hasher, LookupCall& call);

}  // namespace logcask
