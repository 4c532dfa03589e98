#pragma once
// What there is to subscribe to, as consumer groups need it.

#include <cstdint>
#include <map>
#include <string>

#include "base/types.h"

namespace logcask {

class Topics;

struct KnownTopic {
  TopicId id;
  std::int32_t partitions = 0;
};
using KnownTopics = std::map<std::string, KnownTopic>;

// All but the broker's own metadata. A regular expression finds __consumer_offsets, as with Kafka.
KnownTopics known_topics(const Topics& topics);

}  // namespace logcask
