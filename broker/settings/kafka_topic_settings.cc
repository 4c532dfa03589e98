#include "broker/settings/kafka_topic_settings.h"

#include <algorithm>
#include <array>
#include <string>

namespace logcask {
namespace {

constexpr std::array kKafkaSettings = {
    KafkaTopicSetting{"compression.gzip.level", "-1", "compression.type re-encodes at the codec's own level"},
    KafkaTopicSetting{"compression.lz4.level", "9", "compression.type re-encodes at the codec's own level"},
    KafkaTopicSetting{"compression.zstd.level", "3", "compression.type re-encodes at the codec's own level"},
    KafkaTopicSetting{"errors.deadletterqueue.group.enable", "false", "there are no share groups", false},
    KafkaTopicSetting{"file.delete.delay.ms", "60000", "a removed file goes with its last reader"},
    KafkaTopicSetting{"follower.replication.throttled.replicas", "", "there is one replica"},
    KafkaTopicSetting{"index.interval.bytes", "4096", "indexes are made in memory, as readers need them"},
    KafkaTopicSetting{"leader.replication.throttled.replicas", "", "there is one replica"},
    KafkaTopicSetting{"local.retention.bytes", "-2", "every segment lies here"},
    KafkaTopicSetting{"local.retention.ms", "-2", "every segment lies here"},
    KafkaTopicSetting{"max.decompressed.message.bytes", "2147483639",
                      "the broker's batch.decompressed.max.bytes counts for every topic", false},
    KafkaTopicSetting{"message.downconversion.enable", "false", "records are sent as they stand"},
    KafkaTopicSetting{"message.format.version", "3.0-IV1", "there is one format"},
    KafkaTopicSetting{"message.timestamp.after.max.ms", "9223372036854775807",
                      "a record's timestamp is not held against the clock", false},
    KafkaTopicSetting{"message.timestamp.before.max.ms", "9223372036854775807",
                      "a record's timestamp is not held against the clock", false},
    KafkaTopicSetting{"message.timestamp.difference.max.ms", "9223372036854775807",
                      "a record's timestamp is not held against the clock", false},
    KafkaTopicSetting{"min.insync.replicas", "1", "there is one replica, and acks=all waits until it is on disk"},
    KafkaTopicSetting{"preallocate", "false", "log files grow as they are written"},
    KafkaTopicSetting{"remote.copy.lag.bytes", "-1", "there is no remote storage"},
    KafkaTopicSetting{"remote.copy.lag.ms", "0", "there is no remote storage"},
    KafkaTopicSetting{"remote.log.copy.disable", "false", "there is no remote storage"},
    KafkaTopicSetting{"remote.log.delete.on.disable", "false", "there is no remote storage"},
    KafkaTopicSetting{"remote.storage.enable", "false", "there is no remote storage", false},
    KafkaTopicSetting{"segment.index.bytes", "10485760", "indexes are made in memory, as readers need them"},
    KafkaTopicSetting{"segment.jitter.ms", "0", "partitions roll at the time of their own first record"},
    KafkaTopicSetting{"unclean.leader.election.enable", "false", "there is one replica"},
};

}  // namespace

std::span<const KafkaTopicSetting> kafka_topic_settings() { return kKafkaSettings; }

Result<bool> passes_over_kafka_setting(std::string_view name, std::optional<std::string_view> value) {
  const auto found = std::find_if(kKafkaSettings.begin(), kKafkaSettings.end(),
                                  [&](const KafkaTopicSetting& setting) { return setting.name == name; });
  if (found == kKafkaSettings.end()) return false;
  if (found->any_value || !value || *value == found->value) return true;
  return Error{Errc::invalid_config, std::string(name) + " can only be " + std::string(found->value) + " here, not '" +
                                         std::string(*value) + "': " + std::string(found->why) +
                                         "; leave the setting out"};
}

}  // namespace logcask
