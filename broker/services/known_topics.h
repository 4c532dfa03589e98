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
  bool internal = false;  // the broker's own: only those that name it subscribe to it
};
using KnownTopics = std::map<std::string, KnownTopic>;

KnownTopics known_topics(const Topics& topics);

}  // namespace logcask
