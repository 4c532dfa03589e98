#include "broker/settings/topic_config.h"

#include <algorithm>
#include <variant>

#include "broker/settings/config.h"

namespace logcask {
namespace {

// Every setting parsed, before it becomes a PartitionConfig.
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
  std::int64_t keydir_max_bytes = 0;
  std::string read_visibility;
  std::string partitioner;
};

using TopicTarget = std::variant<std::int64_t TopicValues::*, double TopicValues::*, std::string TopicValues::*,
                                 std::vector<std::string> TopicValues::*>;
struct TopicRow {
  SettingInfo info;
  TopicTarget target;
};

constexpr std::int64_t kSegmentBytesMax = INT32_MAX;

const std::vector<TopicRow>& topic_rows() {
  using enum SettingType;
  static const std::vector<TopicRow> table = {
      {{"cleanup.policy",
        choices,
        "compact",
        0,
        0,
        "compact|delete",
        "What happens to old records. compact: the latest record of every key stays, and keys can be looked up. "
        "delete: "
        "closed segments go by age or size. Both may be given. Whether a topic is compacted cannot change later.",
        {},
        {}},
       &TopicValues::cleanup_policy},
      {{"segment.bytes",
        bytes,
        "1073741824",
        1024,
        kSegmentBytesMax,
        {},
        "Size at which the active segment is closed and a new one begins. Only closed segments are compacted.",
        {},
        {}},
       &TopicValues::segment_bytes},
      {{"segment.ms",
        milliseconds,
        "604800000",
        1,
        INT64_MAX,
        {},
        "Age at which the active segment is closed even when it is small.",
        {},
        {}},
       &TopicValues::segment_ms},
      {{"retention.ms",
        milliseconds,
        "604800000",
        0,
        INT64_MAX,
        {},
        "With cleanup.policy delete: age at which a closed segment goes.",
        -1,
        "unlimited"},
       &TopicValues::retention_ms},
      {{"retention.bytes",
        bytes,
        "-1",
        0,
        INT64_MAX,
        {},
        "With cleanup.policy delete: size of a partition above which its oldest closed segments go.",
        -1,
        "unlimited"},
       &TopicValues::retention_bytes},
      {{"min.cleanable.dirty.ratio",
        ratio,
        "0.5",
        0,
        1,
        {},
        "Share of dead records at which a closed segment is compacted.",
        {},
        {}},
       &TopicValues::min_cleanable_dirty_ratio},
      {{"min.compaction.lag.ms",
        milliseconds,
        "0",
        0,
        INT64_MAX,
        {},
        "Records younger than this are never removed by compaction.",
        {},
        {}},
       &TopicValues::min_compaction_lag_ms},
      {{"max.compaction.lag.ms",
        milliseconds,
        "9223372036854775807",
        1,
        INT64_MAX,
        {},
        "Superseded records are removed at this age at the latest; the active segment is closed for it.",
        {},
        {}},
       &TopicValues::max_compaction_lag_ms},
      {{"delete.retention.ms",
        milliseconds,
        "86400000",
        0,
        INT64_MAX,
        {},
        "How long a tombstone stays after everything older of its key has been cleaned away. A reader that needs less "
        "than this from the start to the end sees every delete.",
        {},
        {}},
       &TopicValues::delete_retention_ms},
      {{"compression.type",
        choice,
        "producer",
        0,
        0,
        "producer|none|gzip|snappy|lz4|zstd",
        "Codec of stored batches. producer: as they were sent; anything else re-encodes batches that differ.",
        {},
        {}},
       &TopicValues::compression_type},
      {{"max.message.bytes",
        bytes,
        "1048588",
        100,
        kSegmentBytesMax,
        {},
        "Largest record batch that is taken.",
        {},
        {}},
       &TopicValues::max_message_bytes},
      {{"message.timestamp.type",
        choice,
        "CreateTime",
        0,
        0,
        "CreateTime|LogAppendTime",
        "Whose clock a record's timestamp shows: the producer's or the broker's.",
        {},
        {}},
       &TopicValues::timestamp_type},
      {{"flush.ms",
        milliseconds,
        "100",
        1,
        3'600'000,
        {},
        "Longest time that a written record waits for a sync nobody asked for.",
        {},
        {}},
       &TopicValues::flush_ms},
      {{"flush.messages",
        integer,
        "9223372036854775807",
        1,
        INT64_MAX,
        {},
        "Number of written records at which a sync is started that nobody asked for.",
        {},
        {}},
       &TopicValues::flush_messages},
      {{"compaction.dead.bytes",
        bytes,
        "536870912",
        1,
        INT64_MAX,
        {},
        "Estimated dead bytes at which a closed segment is compacted, whatever its ratio.",
        {},
        {}},
       &TopicValues::compaction_dead_bytes},
      {{"compaction.window",
        text,
        "always",
        0,
        0,
        {},
        "Hours of the day (UTC) in which compaction runs, e.g. 1-5 or 22-4. Ignored when the disk runs low.",
        {},
        {}},
       &TopicValues::compaction_window},
      {{"delete.mode",
        choice,
        "drop",
        0,
        0,
        "drop|keep",
        "drop: tombstones go after delete.retention.ms. keep: they stay for ever, and so does their keydir entry.",
        {},
        {}},
       &TopicValues::delete_mode},
      {{"keydir.max.bytes",
        bytes,
        "-1",
        65536,
        INT64_MAX,
        {},
        "RAM that the topic's keydirs may take, all partitions together. At the limit new keys are refused; overwrites "
        "and deletes pass.",
        -1,
        "only the broker's keydir.total.max.bytes counts"},
       &TopicValues::keydir_max_bytes},
      {{"read.visibility",
        choice,
        "committed",
        0,
        0,
        "committed|written",
        "committed: readers see a record when it is on disk. written: as soon as it is written; a power loss may take "
        "back what was seen.",
        {},
        {}},
       &TopicValues::read_visibility},
      {{"partitioner",
        choice,
        "any",
        0,
        0,
        "any|murmur2|crc32|fnv1a",
        "Which partition a key belongs to. any: producers may differ, and a lookup asks every partition. Otherwise a "
        "lookup asks one partition, and a keyed produce to another is refused.",
        {},
        {}},
       &TopicValues::partitioner},
  };
  return table;
}

Status apply_topic(const TopicRow& row, std::string_view text, TopicValues& values) {
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

const TopicRow* find_row(std::string_view name) {
  for (const TopicRow& row : topic_rows())
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
std::string canonical(const TopicRow& row, const std::string& text) {
  if (!std::holds_alternative<std::int64_t TopicValues::*>(row.target)) return text;
  const auto number = parse_number(row.info, text);
  return number.ok() ? std::to_string(*number) : text;
}

Result<CompactionWindow> parse_window(std::string_view text) {
  if (text == "always") return CompactionWindow{};
  const SettingInfo hour{"compaction.window", SettingType::integer, {}, 0, 23, {}, {}, {}, {}};
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
  if (v.segment_bytes < v.max_message_bytes)
    return clash("segment.bytes (" + std::to_string(v.segment_bytes) + ") is below max.message.bytes (" +
                 std::to_string(v.max_message_bytes) +
                 "): a batch must fit a segment; raise the one or lower the other");
  if (v.max_message_bytes > message_bytes_limit)
    return clash("max.message.bytes (" + std::to_string(v.max_message_bytes) + ") is above what a request can carry (" +
                 std::to_string(message_bytes_limit) + "); raise the broker's frame.max.bytes first");
  if (v.max_compaction_lag_ms < v.min_compaction_lag_ms)
    return clash("max.compaction.lag.ms (" + std::to_string(v.max_compaction_lag_ms) +
                 ") is below min.compaction.lag.ms (" + std::to_string(v.min_compaction_lag_ms) + ")");
  if (compacted && v.min_cleanable_dirty_ratio <= 0)
    return clash("min.cleanable.dirty.ratio = 0 would compact without end; it takes more than 0, at most 1");
  if (v.retention_bytes >= 0 && v.retention_bytes < v.segment_bytes)
    return clash("retention.bytes (" + std::to_string(v.retention_bytes) + ") is below segment.bytes (" +
                 std::to_string(v.segment_bytes) + "): it could never be kept, whole segments go");
  if (!compacted && v.keydir_max_bytes != kUnlimited)
    return clash("keydir.max.bytes needs cleanup.policy compact: other topics have no keydir");
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
  config.timestamp_type =
      v.timestamp_type == "LogAppendTime" ? TimestampType::log_append_time : TimestampType::create_time;
  config.flush_ms = v.flush_ms;
  config.flush_messages = v.flush_messages;
  config.read_visibility = v.read_visibility == "written" ? ReadVisibility::written : ReadVisibility::committed;
  return config;
}

}  // namespace

std::span<const SettingInfo* const> topic_settings() {
  static const std::vector<const SettingInfo*> infos = [] {
    std::vector<const SettingInfo*> result;
    for (const TopicRow& row : topic_rows()) result.push_back(&row.info);
    return result;
  }();
  return infos;
}

Result<TopicConfig> make_topic_config(const SettingMap& settings, std::int64_t message_bytes_limit) {
  for (const auto& [name, text] : settings)
    if (!find_row(name)) return unknown_topic_setting(name);
  TopicValues values;
  for (const TopicRow& row : topic_rows()) {
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
  return config;
}

std::vector<TopicSettingValue> list_topic_settings(const SettingMap& settings) {
  std::vector<TopicSettingValue> list;
  for (const TopicRow& row : topic_rows()) {
    const auto set = settings.find(row.info.name);
    const bool is_default = set == settings.end();
    list.push_back({std::string(row.info.name),
                    is_default ? std::string(row.info.default_text) : canonical(row, set->second), is_default});
  }
  return list;
}

}  // namespace logcask
