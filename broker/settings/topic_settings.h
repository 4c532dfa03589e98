#pragma once
// The table of a topic's settings: every name with what it takes, and the field of TopicValues it fills.
//
// Constant data. Any thread. docs/CONFIG.md is printed from it (config_reference.h).

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "broker/settings/setting.h"

namespace logcask {

// Every setting parsed, before it becomes a TopicConfig.
struct TopicValues {
  std::vector<std::string> cleanup_policy;
  std::int64_t segment_bytes = 0, segment_ms = 0, retention_ms = 0, retention_bytes = 0;
  double min_cleanable_dirty_ratio = 0;
  std::int64_t min_compaction_lag_ms = 0, max_compaction_lag_ms = 0, delete_retention_ms = 0;
  std::string compression_type;
  std::int64_t max_message_bytes = 0;
  std::string timestamp_type;
  std::int64_t flush_ms = 0, flush_messages = 0;
  std::int64_t compaction_dead_bytes = 0;
  std::string compaction_window;
  std::string delete_mode;
  std::int64_t keydir_max_bytes = 0, keydir_expected_keys = 0;
  std::string read_visibility;
  std::string partitioner;
};

struct TopicSettingRow {
  SettingInfo info;
  std::variant<std::int64_t TopicValues::*, double TopicValues::*, std::string TopicValues::*,
               std::vector<std::string> TopicValues::*>
      target;
};

const std::vector<TopicSettingRow>& topic_setting_rows();
std::span<const SettingInfo* const> topic_settings();

}  // namespace logcask
