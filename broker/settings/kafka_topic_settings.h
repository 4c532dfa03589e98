#pragma once
// Kafka's topic settings that Logcask has none of: which of them change nothing on one node and are taken without
// being kept, and which ask for what is not there and are refused with the reason.
//
// Constant data. Any thread. Errors are invalid_config and name the setting and the mend.

#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace logcask {

struct KafkaTopicSetting {
  std::string_view name;
  std::string_view value;  // what a topic here behaves as; DescribeConfigs shows it
  std::string_view why;    // it is so
  bool any_value = true;   // taken; false: only `value` is
};

std::span<const KafkaTopicSetting> kafka_topic_settings();
// Whether `name` is one of them. A value that would change something is refused.
Result<bool> passes_over_kafka_setting(std::string_view name, std::optional<std::string_view> value);

}  // namespace logcask
