#include "broker/services/known_topics.h"

#include "broker/topics/topic_name.h"
#include "broker/topics/topics.h"

namespace logcask {

KnownTopics known_topics(const Topics& topics) {
  KnownTopics known;
  for (const auto& [name, topic] : *topics.snapshot())
    if (name != kMetadataTopic) known[name] = {topic->record.id, static_cast<std::int32_t>(topic->partitions.size())};
  return known;
}

}  // namespace logcask
