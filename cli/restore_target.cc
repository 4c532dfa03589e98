#include "cli/restore_target.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/random.h"
#include "broker/services/offsets_topic.h"
#include "broker/settings/config_sources.h"
#include "broker/settings/memory_limit.h"
#include "broker/threads/thread_executor.h"
#include "broker/topics/disk_partition_factory.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/metadata_partition.h"
#include "broker/topics/topic_name.h"
#include "segment/posix_file.h"

namespace logcask::cli {
namespace {

const Error kRestoreDone{Errc::shutting_down, "the restore is done"};

Result<bool> is_empty(Directory& root, const std::string& name) {
  LOGCASK_ASSIGN(const auto directory, root.open_directory(name));
  LOGCASK_ASSIGN(const auto files, directory->list());
  return files.empty();
}

}  // namespace

struct RestoreTarget::Parts {
  Parts(const BrokerConfig& settings, std::unique_ptr<DataDirectory> directory)
      : config(settings),
        data(std::move(directory)),
        hasher(data->secret()),
        flush("flush", 1, clock),
        background("background", 1, clock),
        factory({*data, config, hasher, clock, flush, background, 64, [](const std::string&) {},
                 [](const std::string&) {}, [] {}}) {}
  ~Parts() { shut(); }
  void shut() {
    for (auto* partition : {&offsets, &metadata_partition})
      if (auto runner = std::exchange(*partition, nullptr)) runner->close(kRestoreDone);
    flush.stop();
    background.stop();
  }

  const Clock& clock = system_clock();
  const BrokerConfig config;
  const std::unique_ptr<DataDirectory> data;
  const KeyHasher hasher;
  ThreadExecutor flush;
  ThreadExecutor background;
  DiskPartitionFactory factory;
  std::shared_ptr<PartitionRunner> metadata_partition;
  std::unique_ptr<LocalMetadataStore> metadata;
  std::vector<TopicRecord> topics;
  std::shared_ptr<PartitionRunner> offsets;
};

RestoreTarget::RestoreTarget(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RestoreTarget::~RestoreTarget() = default;
DataDirectory& RestoreTarget::data() { return *parts_->data; }
const KeyHasher& RestoreTarget::hasher() const { return parts_->hasher; }
const Clock& RestoreTarget::clock() const { return parts_->clock; }

Result<std::unique_ptr<RestoreTarget>> RestoreTarget::open(const std::string& path) {
  ConfigSources sources;
  sources.flags["data.dir"] = path;
  LOGCASK_ASSIGN(const BrokerConfig config, make_broker_config(sources));
  LOGCASK_ASSIGN(std::shared_ptr<Directory> root, create_posix_directory(path));
  auto data = DataDirectory::open(root, machine_boot_id(), config.disk_reserve_bytes);
  if (data.code() == Errc::in_use)
    return Error{Errc::in_use, data.error().message +
                                   "; restore writes into a data directory that no broker uses: "
                                   "stop it first, or give another one"};
  if (!data.ok()) return std::move(data).error();
  std::unique_ptr<RestoreTarget> target(new RestoreTarget(std::make_unique<Parts>(config, std::move(data).value())));
  LOGCASK_TRY(target->load());
  LOGCASK_TRY(target->remove_half_done());
  return target;
}

Status RestoreTarget::load() {
  Parts& parts = *parts_;
  LOGCASK_ASSIGN(parts.metadata_partition, open_metadata_partition(*parts.data, parts.factory));
  parts.metadata = std::make_unique<LocalMetadataStore>(parts.metadata_partition, parts.hasher, parts.clock);
  LOGCASK_ASSIGN(parts.topics, parts.metadata->load_topics());
  return {};
}

// A restore that was killed leaves directories with markers, and perhaps a record: what the next start of a broker
// would do. The last one it has made may have had no time for its marker: it is empty, and no topic's.
Status RestoreTarget::remove_half_done() {
  Parts& parts = *parts_;
  LOGCASK_ASSIGN(const auto entries, parts.data->list_partitions());
  std::set<TopicId> marked;
  std::set<TopicId> known = {LocalMetadataStore::kTopicId};
  for (const auto& entry : entries)
    if (entry.deletion_marked) marked.insert(entry.topic_id);
  for (const TopicRecord& topic : parts.topics) {
    if (!marked.contains(topic.id)) {
      known.insert(topic.id);
      continue;
    }
    for (const auto& entry : entries)
      if (entry.topic_id == topic.id) LOGCASK_TRY(parts.data->mark_deleted(entry.directory_name));
    LOGCASK_TRY(parts.metadata->remove_topic(topic.name));
  }
  std::erase_if(parts.topics, [&](const TopicRecord& topic) { return marked.contains(topic.id); });
  for (const auto& entry : entries) {
    if (known.contains(entry.topic_id)) continue;
    LOGCASK_ASSIGN(const bool empty, is_empty(parts.data->root(), entry.directory_name));
    if (empty) LOGCASK_TRY(parts.data->mark_deleted(entry.directory_name));
    if (empty || marked.contains(entry.topic_id)) LOGCASK_TRY(parts.data->remove_partition(entry.directory_name));
  }
  return {};
}

Status RestoreTarget::check_new(const std::string& name) const {
  LOGCASK_TRY(check_topic_name(name));
  for (const TopicRecord& topic : parts_->topics)
    if (fold_topic_name(topic.name) == fold_topic_name(name))
      return Error{Errc::topic_exists, parts_->data->root().path() + " has a topic '" + topic.name +
                                           "' already, and nothing is written over it; give another name with --as, or "
                                           "delete it first"};
  return {};
}

Status RestoreTarget::publish(const TopicRecord& record) {
  LOGCASK_TRY(parts_->metadata->put_topic(record));
  for (std::uint32_t p = 0; p < record.partitions; ++p)
    LOGCASK_TRY(parts_->data->unmark_deleted(
        DataDirectory::partition_directory_name(record.name, PartitionId(static_cast<std::int32_t>(p)), record.id)));
  parts_->topics.push_back(record);
  return {};
}

Result<std::shared_ptr<PartitionRunner>> RestoreTarget::offsets_partition() {
  Parts& parts = *parts_;
  if (parts.offsets) return parts.offsets;
  PartitionSpec spec;
  spec.topic = std::string(kOffsetsTopic);
  spec.partition = PartitionId(0);
  spec.internal = true;
  const auto known = std::find_if(parts.topics.begin(), parts.topics.end(),
                                  [](const TopicRecord& topic) { return topic.name == kOffsetsTopic; });
  TopicRecord record;
  spec.create = known == parts.topics.end();
  if (spec.create) {
    record.name = spec.topic;
    secure_random_bytes(record.id.bytes.data(), record.id.bytes.size());
    record.partitions = 1;
    record.settings = offsets_topic_settings();
    record.created = parts.clock.wall_ms();
  } else {
    record = *known;
  }
  spec.topic_id = record.id;
  LOGCASK_ASSIGN(spec.config, make_topic_config(record.settings));
  LOGCASK_ASSIGN(auto opened, parts.factory.open(spec));
  if (opened->marks().state == PartitionMarks::State::offline)
    return Error{Errc::partition_offline, opened->snapshot().reason};
  if (spec.create) {
    LOGCASK_TRY(parts.metadata->put_topic(record));
    parts.topics.push_back(std::move(record));
  }
  parts.offsets = std::move(opened);
  return parts.offsets;
}

Status RestoreTarget::append_group_records(const std::vector<InternalRecord>& records) {
  LOGCASK_ASSIGN(const auto partition, offsets_partition());
  LOGCASK_TRY(append_internal(*partition, records, parts_->clock.wall_ms(), parts_->hasher));
  return {};
}

// After a run that did not stop in order the next start is to recover as it would have.
Status RestoreTarget::close() {
  const DataDirectory::StartFacts& facts = parts_->data->start_facts();
  parts_->shut();
  return facts.first_start || facts.clean_stop ? parts_->data->set_clean() : Status();
}

}  // namespace logcask::cli
