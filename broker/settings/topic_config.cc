#include "broker/settings/topic_config.h"

#include <algorithm>
#include <variant>

#include "broker/settings/broker_settings.h"
#include "partition/keydir_budget.h"
#include "sizing/quantity.h"

namespace logcask {
namespace {

Status apply_topic(const TopicSettingRow& row, std::string_view text, TopicValues& values) {
  if (const auto* number = std::get_if<std::int64_t TopicValues::*>(&row.target)) {
    LOGCASK_ASSIGN(values.**number, parse_number(row.info, text));
  } else if (const auto* ratio = std::get_if<double TopicValues::*>(&row.target)) {
    LOGCASK_ASSIGN(values.**ratio, parse_ratio(row.info, text));
  } else if (const auto* words = std::get_if<std::vector<std::string> TopicValues::*>(&row.target)) {
    LOGCASK_ASSIGN(values.**words, parse_choices(row.info, text));
  } else if (const auto* word = std::get_if<std::string TopicValues::*>(&row.target)) {
    if (row.info.type == SettingType::choice) {
      LOGCASK_ASSIGN(values.**word, parse_choice(row.info, text));
    } else {
      values.** word = std::string(text);
    }
  }
  return {};
}

const TopicSettingRow* find_row(std::string_view name) {
  for (const TopicSettingRow& row : topic_setting_rows())
    if (row.info.name == name) return &row;
  return nullptr;
}

Error unknown_topic_setting(std::string_view name) {
  for (const SettingInfo* info : broker_settings())
    if (info->name == name)
      return Error{Errc::invalid_config, "'" + std::string(name) +
                                             "' is a setting of the broker, not of a topic; 'logcask serve --set " +
                                             std::string(name) + "=VALUE' takes it"};
  return unknown_setting(name, topic_settings());
}

// The value as it is meant: 2097152 for "2MiB", so that readers need not know the units.
std::string canonical(const TopicSettingRow& row, const std::string& text) {
  if (!std::holds_alternative<std::int64_t TopicValues::*>(row.target)) return text;
  const auto number = parse_number(row.info, text);
  return number.ok() ? std::to_string(*number) : text;
}

Result<CompactionWindow> parse_window(std::string_view text) {
  if (text == "always") return CompactionWindow{};
  const SettingInfo hour{.name = "compaction.window", .type = SettingType::integer, .max = 23};
  const std::size_t dash = text.find('-');
  const Error refused{Errc::invalid_config, "compaction.window = '" + std::string(text) +
                                                "' is not allowed; it takes always, or two hours such as 1-5 or 22-4"};
  if (dash == std::string_view::npos) return refused;
  const auto from = parse_number(hour, text.substr(0, dash));
  const auto to = parse_number(hour, text.substr(dash + 1));
  if (!from.ok() || !to.ok() || *from == *to) return refused;
  return CompactionWindow{static_cast<std::uint8_t>(*from), static_cast<std::uint8_t>(*to)};
}

Error clash(const std::string& what) { return Error{Errc::invalid_config, what}; }

// Settings that are fine alone and could never settle together.
Status check_topic(const TopicValues& v, bool compacted, std::int64_t message_bytes_limit) {
  if (v.max_message_bytes > message_bytes_limit)
    return clash("max.message.bytes (" + std::to_string(v.max_message_bytes) + ") is above what a request can carry (" +
                 std::to_string(message_bytes_limit) + "); raise the broker's frame.max.bytes first");
  if (v.max_compaction_lag_ms < v.min_compaction_lag_ms)
    return clash("max.compaction.lag.ms (" + std::to_string(v.max_compaction_lag_ms) +
                 ") is below min.compaction.lag.ms (" + std::to_string(v.min_compaction_lag_ms) + ")");
  if (compacted && v.min_cleanable_dirty_ratio <= 0)
    return clash("min.cleanable.dirty.ratio = 0 would compact without end; it takes more than 0, at most 1");
  if (!compacted && v.keydir_max_bytes != kUnlimited)
    return clash("keydir.max.bytes needs cleanup.policy compact: other topics have no keydir");
  if (!compacted && v.keydir_expected_keys != 0)
    return clash("keydir.expected.keys needs cleanup.policy compact: other topics have no keydir");
  const auto keydir_max_bytes = static_cast<std::uint64_t>(v.keydir_max_bytes);
  if (v.keydir_max_bytes != kUnlimited &&
      static_cast<std::uint64_t>(v.keydir_expected_keys) > keydir_max_bytes / kKeydirBytesPerEntry)
    return expected_keys_refusal(v.keydir_expected_keys, "keydir.max.bytes", keydir_max_bytes);
  return {};
}

PartitionConfig to_partition_config(const TopicValues& v) {
  const auto has = [&v](std::string_view word) {
    return std::find(v.cleanup_policy.begin(), v.cleanup_policy.end(), word) != v.cleanup_policy.end();
  };
  PartitionConfig config;
  config.compacted = has("compact");
  config.deletes = has("delete");
  config.segment_bytes = v.segment_bytes;
  config.segment_ms = v.segment_ms;
  config.retention_ms = v.retention_ms;
  config.retention_bytes = v.retention_bytes;
  config.min_cleanable_dirty_ratio = v.min_cleanable_dirty_ratio;
  config.min_compaction_lag_ms = v.min_compaction_lag_ms;
  config.max_compaction_lag_ms = v.max_compaction_lag_ms;
  config.delete_retention_ms = v.delete_retention_ms;
  config.compaction_dead_bytes = v.compaction_dead_bytes;
  config.delete_mode = v.delete_mode == "keep" ? DeleteMode::keep : DeleteMode::drop;
  if (v.compression_type != "producer") config.compression = *compression_from_name(v.compression_type);
  config.max_message_bytes = v.max_message_bytes;
  if (v.segment_bytes < v.max_message_bytes) {
    config.max_message_bytes = v.segment_bytes;
    config.max_message_setting = "segment.bytes";
  }
  config.timestamp_type =
      v.timestamp_type == "LogAppendTime" ? TimestampType::log_append_time : TimestampType::create_time;
  // Kafka's default is no limit; nothing stays unsynced for longer than this.
  constexpr std::int64_t kFlushMsMost = 3'600'000;
  config.flush_ms = std::clamp<std::int64_t>(v.flush_ms, 1, kFlushMsMost);
  config.flush_messages = v.flush_messages;
  config.read_visibility = v.read_visibility == "written" ? ReadVisibility::written : ReadVisibility::committed;
  return config;
}

}  // namespace

Result<TopicConfig> make_topic_config(const SettingMap& settings, std::int64_t message_bytes_limit) {
  for (const auto& [name, text] : settings)
    if (!find_row(name)) return unknown_topic_setting(name);
  TopicValues values;
  for (const TopicSettingRow& row : topic_setting_rows()) {
    const auto set = settings.find(row.info.name);
    LOGCASK_TRY(
        apply_topic(row, set == settings.end() ? row.info.default_text : std::string_view(set->second), values));
  }
  TopicConfig config;
  config.partition = to_partition_config(values);
  LOGCASK_TRY(check_topic(values, config.partition.compacted, message_bytes_limit));
  LOGCASK_ASSIGN(config.partition.compaction_window, parse_window(values.compaction_window));
  LOGCASK_ASSIGN(config.partitioner, partitioner_from_name(values.partitioner));
  config.keydir_max_bytes = values.keydir_max_bytes;
  config.keydir_expected_keys = values.keydir_expected_keys;
  return config;
}

Error expected_keys_refusal(std::int64_t keys, std::string_view limit, std::uint64_t limit_bytes,
                            std::uint64_t others) {
  const std::uint64_t needed = static_cast<std::uint64_t>(keys) * kKeydirBytesPerEntry;
  std::string text = "keydir.expected.keys = " + std::to_string(keys) + " needs " +
                     sizing::decimal_bytes(static_cast<double>(needed), 2) + " of RAM, and " + std::string(limit) +
                     " is " + sizing::short_bytes(limit_bytes);
  if (others > 0)
    text += ", of which other topics expect to need " +
            sizing::decimal_bytes(static_cast<double>(others * kKeydirBytesPerEntry), 2);
  return Error{Errc::invalid_config, text + ": raise it, or expect fewer keys"};
}

std::vector<TopicSettingValue> list_topic_settings(const SettingMap& settings) {
  std::vector<TopicSettingValue> list;
  for (const TopicSettingRow& row : topic_setting_rows()) {
    const auto set = settings.find(row.info.name);
    const bool is_default = set == settings.end();
    list.push_back({std::string(row.info.name),
                    is_default ? std::string(row.info.default_text) : canonical(row, set->second), is_default});
  }
  return list;
}

}  // namespace logcask
