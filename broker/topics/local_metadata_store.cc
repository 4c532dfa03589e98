#include "broker/topics/local_metadata_store.h"

#include <algorithm>
#include <map>
#include <optional>

#include "broker/door/committed_records.h"
#include "broker/topics/internal_batch.h"
#include "broker/topics/metadata.pb.h"

namespace logcask {
namespace {

constexpr std::string_view kTopicPrefix = "topic/";
constexpr std::string_view kProducerIdsKey = "producer_ids";
constexpr std::uint32_t kRecordVersion = 1;

std::string topic_key(std::string_view name) { return std::string(kTopicPrefix) + std::string(name); }

Result<TopicRecord> decode_topic(std::string_view value) {
  metadata::Topic message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size())))
    return Error{Errc::corrupt_file, "the value is not a topic record"};
  if (message.version() != kRecordVersion)
    return Error{Errc::unsupported_version, "topic record of version " + std::to_string(message.version()) +
                                                "; this build knows " + std::to_string(kRecordVersion)};
  TopicRecord record;
  if (message.id().size() != record.id.bytes.size()) return Error{Errc::corrupt_file, "the topic id is not 16 bytes"};
  std::copy(message.id().begin(), message.id().end(), record.id.bytes.begin());
  record.name = message.name();
  record.partitions = message.partitions();
  record.settings = SettingMap(message.settings().begin(), message.settings().end());
  record.created = TimestampMs(message.created_ms());
  return record;
}

std::string encode_topic(const TopicRecord& record) {
  metadata::Topic message;
  message.set_version(kRecordVersion);
  message.set_name(record.name);
  message.set_id(record.id.bytes.data(), record.id.bytes.size());
  message.set_partitions(record.partitions);
  for (const auto& [name, value] : record.settings) (*message.mutable_settings())[name] = value;
  message.set_created_ms(record.created.value());
  return message.SerializeAsString();
}

std::string encode_producer_ids(std::int64_t next_block) {
  metadata::ProducerIds message;
  message.set_version(kRecordVersion);
  message.set_next_block(next_block);
  return message.SerializeAsString();
}

}  // namespace

const TopicId LocalMetadataStore::kTopicId = {
    {'l', 'o', 'g', 'c', 'a', 's', 'k', '-', 'm', 'e', 't', 'a', 'd', 'a', 't', 'a'}};

LocalMetadataStore::LocalMetadataStore(std::shared_ptr<PartitionRunner> runner, const KeyHasher& hasher,
                                       const Clock& clock)
    : runner_(std::move(runner)), hasher_(hasher), clock_(clock) {}

Result<std::vector<TopicRecord>> LocalMetadataStore::load_topics() {
  std::map<std::string, std::optional<std::string>> latest;
  LOGCASK_TRY(for_each_committed_record(*runner_, [&latest](const RecordView& record) {
    if (record.key)
      latest[std::string(*record.key)] = record.value ? std::optional<std::string>(*record.value) : std::nullopt;
  }));
  std::vector<TopicRecord> topics;
  problems_.clear();
  for (const auto& [key, value] : latest) {
    if (!value) continue;
    if (key == kProducerIdsKey) {
      metadata::ProducerIds ids;
      // Ids must never be given twice, so an unreadable reservation stops the broker instead of starting at zero.
      if (!ids.ParseFromString(*value) || ids.version() != kRecordVersion)
        return Error{Errc::corrupt_file, "metadata topic: the record of reserved producer ids cannot be read"};
      const std::lock_guard lock(ids_mutex_);
      next_producer_id_ = ids.next_block();
    } else if (key.starts_with(kTopicPrefix)) {
      auto topic = decode_topic(*value);
      if (topic.ok())
        topics.push_back(std::move(topic).value());
      else
        problems_.push_back({key, topic.error().message});
    } else {
      problems_.push_back({key, "unknown kind of record"});
    }
  }
  return topics;
}

Status LocalMetadataStore::put_topic(const TopicRecord& record) {
  LOGCASK_TRY(append_internal(*runner_, {{topic_key(record.name), encode_topic(record)}}, clock_.wall_ms(), hasher_));
  return {};
}

Status LocalMetadataStore::remove_topic(const std::string& name) {
  LOGCASK_TRY(append_internal(*runner_, {{topic_key(name), std::nullopt}}, clock_.wall_ms(), hasher_));
  return {};
}

Result<std::int64_t> LocalMetadataStore::reserve_producer_ids(std::int64_t count) {
  const std::lock_guard lock(ids_mutex_);
  const std::int64_t first = next_producer_id_;
  LOGCASK_TRY(append_internal(*runner_, {{std::string(kProducerIdsKey), encode_producer_ids(first + count)}},
                              clock_.wall_ms(), hasher_));
  next_producer_id_ = first + count;
  return first;
}

}  // namespace logcask
