#pragma once
// Whose a file is: the topic's id, which a topic of the same name never has again, and the partition's number.
// A value.

#include <string>

#include "base/types.h"

namespace logcask {

struct PartitionIdentity {
  TopicId topic;
  PartitionId partition;
  friend bool operator==(const PartitionIdentity&, const PartitionIdentity&) = default;
  // For messages: it is also what the name of the partition's directory ends with.
  std::string to_string() const {
    return "partition " + std::to_string(partition.value()) + " of topic id " + topic.to_hex();
  }
};

}  // namespace logcask
