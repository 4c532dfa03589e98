#include "broker/services/offsets_topic.h"

#include <utility>

#include "broker/topics/topic_name.h"

namespace logcask {

// Small segments: the topic holds little and should compact often, as Kafka has it (offsets.topic.segment.bytes).
SettingMap offsets_topic_settings() { return {{"cleanup.policy", "compact"}, {"segment.bytes", "104857600"}}; }

// An internal topic is never deleted.
std::shared_ptr<PartitionRunner> OffsetsTopic::partition() const {
  const TopicPtr topic = parts_.topics.find(kOffsetsTopic);
  return topic ? topic->partitions[0] : nullptr;
}

void OffsetsTopic::append(std::vector<InternalRecord> records, std::function<void(Result<Offset>)> done) {
  const auto there = partition();
  bool begins = false;
  {
    const std::lock_guard lock(mutex_);
    begins = !there && !making_;
    making_ = making_ || begins;
    if (making_) waiting_.push_back({std::move(records), std::move(done)});
    if (making_ && !begins) return;
  }
  if (begins) return parts_.background.post([this] { make_topic(); });
  append_to(*there, records, std::move(done));
}

void OffsetsTopic::make_topic() {
  const auto made = parts_.topics.ensure_internal(kOffsetsTopic, 1, offsets_topic_settings());
  while (true) {
    std::vector<Waiting> ready;
    {
      const std::lock_guard lock(mutex_);
      making_ = !waiting_.empty();
      if (!making_) return;
      ready.swap(waiting_);
    }
    for (Waiting& one : ready) {
      if (made.ok())
        append_to(*(*made)->partitions[0], one.records, std::move(one.done));
      else
        one.done(made.error());
    }
  }
}

void OffsetsTopic::append_to(PartitionRunner& partition, const std::vector<InternalRecord>& records,
                             std::function<void(Result<Offset>)> done) {
  append_internal(partition, records, parts_.clock.wall_ms(), parts_.hasher, std::move(done));
}

void OffsetsTopic::save(std::string key, std::optional<std::string> value, std::function<void(Status)> done) {
  std::vector<InternalRecord> records;
  records.push_back({std::move(key), std::move(value)});
  save_all(std::move(records), std::move(done));
}

void OffsetsTopic::save_all(std::vector<InternalRecord> records, std::function<void(Status)> done) {
  append(std::move(records), [done = std::move(done)](const Result<Offset>& appended) {
    done(appended.ok() ? Status() : Status(appended.error()));
  });
}

}  // namespace logcask
