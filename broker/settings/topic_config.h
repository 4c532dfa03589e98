#pragma once
// The settings of a topic: Kafka's names where Kafka has one, ours where it has none (docs/CONFIG.md).
//
// A topic stores only what was set; everything else follows the defaults of the running build. A value
// that could never work, alone or together with another, is refused as invalid_config with the names.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/settings/topic_settings.h"
#include "partition/config.h"
#include "proto/partitioner.h"

namespace logcask {

// What users set: name to text. Ordered, so that equal settings have equal records.
using SettingMap = std::map<std::string, std::string, std::less<>>;

// A value: made once per change of the topic's settings.
struct TopicConfig {
  PartitionConfig partition;
  Partitioner partitioner = Partitioner::any;
  std::int64_t keydir_max_bytes = kUnlimited;  // keydir.max.bytes: sum over the partitions
  std::int64_t keydir_expected_keys = 0;       // keydir.expected.keys: the same; 0: not known
};

// Checks every name and value and how they go together. `message_bytes_limit` is what a frame can carry.
Result<TopicConfig> make_topic_config(const SettingMap& settings, std::int64_t message_bytes_limit = INT64_MAX);

// Why a topic may not expect so many keys: setting `limit` allows all keydirs that it bounds `limit_bytes`, of which
// other topics expect `others` keys already.
Error expected_keys_refusal(std::int64_t keys, std::string_view limit, std::uint64_t limit_bytes,
                            std::uint64_t others = 0);

// Every setting with its current value.
struct TopicSettingValue {
  std::string name;
  std::string value;
  bool is_default = false;
};
std::vector<TopicSettingValue> list_topic_settings(const SettingMap& settings);

}  // namespace logcask
