// Kafka's topic settings beside ours.
#include "broker/settings/kafka_topic_settings.h"

#include <algorithm>

#include "broker/settings/topic_config.h"
#include "broker/settings/topic_settings.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

// Of Kafka 4.4 (LogConfig.configNames()), without internal.segment.bytes, which its own tests alone use.
constexpr const char* kNamesOfKafka[] = {
    "cleanup.policy",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "delete.retention.ms",
    "errors.deadletterqueue.group.enable",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "max.decompressed.message.bytes",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "remote.copy.lag.bytes",
    "remote.copy.lag.ms",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
};

TEST_CASE("every topic setting of Kafka is honoured, or passed over with its reason", "[kafka-settings]") {
  const auto ours = topic_settings();
  for (const char* name : kNamesOfKafka) {
    INFO(name);
    const bool honoured =
        std::any_of(ours.begin(), ours.end(), [&](const SettingInfo* row) { return row->name == name; });
    const auto passed_over = passes_over_kafka_setting(name, std::nullopt);
    REQUIRE_OK(passed_over);
    CHECK(honoured != *passed_over);
  }
}

TEST_CASE("what Kafka's default is, is taken, and what would promise something that is not there is refused by name",
          "[kafka-settings]") {
  for (const KafkaTopicSetting& setting : kafka_topic_settings()) {
    INFO(setting.name);
    CHECK(!setting.why.empty());
    const auto taken = passes_over_kafka_setting(setting.name, setting.value);
    REQUIRE_OK(taken);
    CHECK(*taken);
    if (setting.any_value) continue;
    const auto refused = passes_over_kafka_setting(setting.name, "1");
    REQUIRE(!refused.ok());
    CHECK(refused.code() == Errc::invalid_config);
    CHECK(refused.error().message.find(setting.name) != std::string::npos);
  }
}

TEST_CASE("a segment smaller than the largest batch is taken, and the batch that does not fit is refused",
          "[kafka-settings]") {
  const auto config = make_topic_config({{"segment.bytes", "1048576"}});
  REQUIRE_OK(config);
  CHECK(config->partition.max_message_bytes == 1048576);
  CHECK(config->partition.max_message_setting == "segment.bytes");
}

}  // namespace
}  // namespace logcask::testing
