#pragma once
// What a write of one key by somebody without a client library of ours means: placed as the topic's partitioner says
// and, where that is `any`, where the key stands (key_homes.h); acknowledged when it is on disk.
//
// Loop thread only; answers there.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "broker/services/produce_service.h"

namespace logcask {

struct KeyWrite {
  std::string topic;
  std::string key;
  std::optional<std::string> value;  // nothing = tombstone
  std::optional<Condition> condition;
  // Of a condition on an offset: the partition that the offset is of; condition_failed when the key stands in another.
  std::optional<PartitionId> condition_partition;
  std::optional<TopicId> topic_id;  // topic_changed for another one of the name
};

struct KeyWritten {
  TopicId topic_id;
  PartitionId partition;
  Offset offset = kNoOffset;
  bool ambiguous = false;  // older values of the key stand in other partitions
  // condition_failed: what was found there instead; kNoOffset where there is nothing.
  Status status;
  Offset current_offset = kNoOffset;
  bool current_is_tombstone = false;
};

class KeyWriter {
 public:
  using Done = std::function<void(const KeyWritten&)>;

  KeyWriter(const ServiceParts& parts, ProduceService& produce) : parts_(parts), produce_(produce) {}

  // `done` hears the end once, on the loop, possibly before this returns. What `context` refers to lives as long as
  // `done`. A tombstone goes to each partition that a value of the key stands in, one after the other; the answer is
  // that of the first, or the first error.
  void write(const CallContext& context, KeyWrite write, Done done);

 private:
  class Open;
  const ServiceParts& parts_;
  ProduceService& produce_;
};

}  // namespace logcask
