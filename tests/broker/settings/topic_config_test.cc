#include "broker/settings/topic_config.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

std::string topic_refusal(const SettingMap& settings) {
  const auto config = make_topic_config(settings);
  REQUIRE(!config.ok());
  CHECK(config.code() == Errc::invalid_config);
  return config.error().message;
}

TEST_CASE("the defaults of a topic are those of PartitionConfig") {
  const auto config = make_topic_config({});
  REQUIRE_OK(config);
  const PartitionConfig plain;
  CHECK(config->partition.compacted == plain.compacted);
  CHECK(config->partition.deletes == plain.deletes);
  CHECK(config->partition.segment_bytes == plain.segment_bytes);
  CHECK(config->partition.segment_ms == plain.segment_ms);
  CHECK(config->partition.retention_ms == plain.retention_ms);
  CHECK(config->partition.retention_bytes == plain.retention_bytes);
  CHECK(config->partition.min_cleanable_dirty_ratio == plain.min_cleanable_dirty_ratio);
  CHECK(config->partition.min_compaction_lag_ms == plain.min_compaction_lag_ms);
  CHECK(config->partition.max_compaction_lag_ms == plain.max_compaction_lag_ms);
  CHECK(config->partition.delete_retention_ms == plain.delete_retention_ms);
  CHECK(config->partition.compaction_dead_bytes == plain.compaction_dead_bytes);
  CHECK(config->partition.max_message_bytes == plain.max_message_bytes);
  CHECK(config->partition.flush_ms == plain.flush_ms);
  CHECK(config->partition.flush_messages == plain.flush_messages);
  CHECK(config->partition.compression == plain.compression);
  CHECK(config->partitioner == Partitioner::any);
}

TEST_CASE("flush.ms takes what Kafka takes, and nothing stays unsynced for more than an hour") {
  const auto flush_ms = [](const std::string& text) {
    const auto config = make_topic_config({{"flush.ms", text}});
    REQUIRE_OK(config);
    return config->partition.flush_ms;
  };
  CHECK(flush_ms("9223372036854775807") == 3'600'000);
  CHECK(flush_ms("3600001") == 3'600'000);
  CHECK(flush_ms("250") == 250);
  CHECK(flush_ms("0") == 1);
}

TEST_CASE("every setting of a topic reaches the partition's config") {
  const auto config = make_topic_config({{"cleanup.policy", "compact,delete"},
                                         {"segment.bytes", "2MiB"},
                                         {"compression.type", "zstd"},
                                         {"message.timestamp.type", "LogAppendTime"},
                                         {"delete.mode", "keep"},
                                         {"read.visibility", "written"},
                                         {"compaction.window", "22-4"},
                                         {"partitioner", "crc32"},
                                         {"keydir.max.bytes", "1MiB"}});
  REQUIRE_OK(config);
  CHECK(config->partition.compacted);
  CHECK(config->partition.deletes);
  CHECK(config->partition.segment_bytes == 2 << 20);
  CHECK(config->partition.compression == Compression::zstd);
  CHECK(config->partition.timestamp_type == TimestampType::log_append_time);
  CHECK(config->partition.delete_mode == DeleteMode::keep);
  CHECK(config->partition.read_visibility == ReadVisibility::written);
  CHECK(config->partition.compaction_window.from_hour == 22);
  CHECK(config->partition.compaction_window.to_hour == 4);
  CHECK(config->partitioner == Partitioner::crc32);
  CHECK(config->keydir_max_bytes == 1 << 20);
}

TEST_CASE("retention.bytes below segment.bytes is taken, as whole segments go") {
  for (const char* bytes : {"0", "1MiB"}) {
    const auto config = make_topic_config({{"cleanup.policy", "delete"}, {"retention.bytes", bytes}}, INT64_MAX);
    REQUIRE_OK(config);
    CHECK(config->partition.retention_bytes == (std::string(bytes) == "0" ? 0 : 1 << 20));
  }
}

TEST_CASE("thresholds that could never settle are refused") {
  CHECK(
      topic_refusal({{"max.compaction.lag.ms", "10"}, {"min.compaction.lag.ms", "11"}}).find("max.compaction.lag.ms") !=
      std::string::npos);
  CHECK(topic_refusal({{"min.cleanable.dirty.ratio", "0"}}).find("min.cleanable.dirty.ratio") != std::string::npos);
  CHECK(topic_refusal({{"min.cleanable.dirty.ratio", "1.5"}}).find("0 to 1") != std::string::npos);
  CHECK(topic_refusal({{"min.cleanable.dirty.ratio", "nan"}}).find("0 to 1") != std::string::npos);
  CHECK(topic_refusal({{"cleanup.policy", "delete"}, {"keydir.max.bytes", "1MiB"}}).find("keydir.max.bytes") !=
        std::string::npos);
  CHECK(topic_refusal({{"cleanup.policy", "delete"}, {"keydir.expected.keys", "5"}}).find("keydir.expected.keys") !=
        std::string::npos);
  CHECK(topic_refusal({{"keydir.expected.keys", "52429"}, {"keydir.max.bytes", "1MiB"}})
            .find("needs 1.05 MB of RAM, and keydir.max.bytes is 1 MiB") != std::string::npos);
  REQUIRE_OK(make_topic_config({{"keydir.expected.keys", "52428"}, {"keydir.max.bytes", "1MiB"}}, INT64_MAX));
  CHECK(topic_refusal({{"segment.bytes", "2147483648"}}).find("segment.bytes") != std::string::npos);
  CHECK(topic_refusal({{"compaction.window", "4-4"}}).find("compaction.window") != std::string::npos);
  CHECK(topic_refusal({{"compaction.window", "4-24"}}).find("compaction.window") != std::string::npos);
  CHECK(topic_refusal({{"cleanup.policy", "compress"}}).find("compact, delete") != std::string::npos);
  CHECK(make_topic_config({{"max.message.bytes", "1MiB"}}, 1000).code() == Errc::invalid_config);
}

TEST_CASE("an unknown topic setting suggests the one that was meant") {
  CHECK(topic_refusal({{"cleanup.polcy", "compact"}}).find("did you mean 'cleanup.policy'?") != std::string::npos);
  CHECK(topic_refusal({{"segment", "1"}}).find("did you mean 'segment.bytes'?") != std::string::npos);
  CHECK(topic_refusal({{"listen", "x"}}).find("'listen' is a setting of the broker, not of a topic") !=
        std::string::npos);
  CHECK(topic_refusal({{"zzzzzzzzzzzz", "1"}}).find("did you mean") == std::string::npos);
}

TEST_CASE("listing shows what was set and what is default") {
  const auto list = list_topic_settings({{"segment.bytes", "2MiB"}});
  CHECK(list.size() == topic_settings().size());
  for (const auto& setting : list) CHECK(setting.is_default == (setting.name != "segment.bytes"));
}

TEST_CASE("listing shows a size or time as a number whatever unit it was set in") {
  for (const auto& setting : list_topic_settings({{"segment.bytes", "2MiB"}, {"segment.ms", "1h"}})) {
    if (setting.name == "segment.bytes") CHECK(setting.value == "2097152");
    if (setting.name == "segment.ms") CHECK(setting.value == "3600000");
    if (setting.name == "retention.bytes") CHECK(setting.value == "-1");
  }
}

}  // namespace
}  // namespace logcask
