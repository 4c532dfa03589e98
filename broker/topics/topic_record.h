#pragma once
// What is known about a topic for good: the metadata store's value. A value.

#include <string>

#include "base/types.h"
#include "broker/settings/topic_config.h"

namespace logcask {

struct TopicRecord {
  std::string name;
  TopicId id;
  std::uint32_t partitions = 0;
  SettingMap settings;
  TimestampMs created;
};

}  // namespace logcask
