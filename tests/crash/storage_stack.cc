#include "tests/crash/storage_stack.h"

#include <algorithm>
#include <set>

#include "broker/topics/topic_name.h"
#include "compactor/compactor.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

const Error kStopping{Errc::shutting_down, "the storage is stopping"};

}  // namespace

// Partitions of the disk's factory, pumped.
class StorageStack::Factory final : public PartitionFactory {
 public:
  Factory(PartitionFactory& inner, std::function<void()> pump) : inner_(inner), pump_(std::move(pump)) {}
  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec& spec) override {
    LOGCASK_ASSIGN(auto opened, inner_.open(spec));
    return std::shared_ptr<PartitionRunner>(std::make_shared<PumpedRunner>(std::move(opened), pump_));
  }
  PartitionConfig partition_config(const TopicConfig& config) const override { return inner_.partition_config(config); }
  void settings_changed(const TopicId& topic, const TopicConfig& config) override {
    inner_.settings_changed(topic, config);
  }
  Result<std::size_t> directories_of(const TopicId& topic) override { return inner_.directories_of(topic); }
  Status mark_deleted(const PartitionSpec& spec) override { return inner_.mark_deleted(spec); }
  Status unmark_deleted(const PartitionSpec& spec) override { return inner_.unmark_deleted(spec); }
  Status remove(const PartitionSpec& spec) override { return inner_.remove(spec); }
  Status discard(const PartitionSpec& spec) override { return inner_.discard(spec); }

 private:
  PartitionFactory& inner_;
  const std::function<void()> pump_;
};

void StorageStack::pump() {
  while (flush_.run_one() || background_.run_one()) {
  }
}

Status StorageStack::open(const std::string& boot_id) {
  notes_.clear();
  parts_ = std::make_unique<Parts>();
  parts_->config.keydir_total_max_bytes = 1 << 20;
  parts_->config.tail_buffer_bytes = 1 << 20;
  parts_->config.pending_records_max = 1 << 10;
  parts_->config.lookup_cache_bytes = 1 << 16;
  LOGCASK_ASSIGN(parts_->data, DataDirectory::open(disk_.root(), boot_id));
  parts_->hasher = std::make_unique<KeyHasher>(parts_->data->secret());
  const auto note = [this](const std::string& text) { notes_ += text + "\n"; };
  parts_->disk_factory = std::make_unique<DiskPartitionFactory>(DiskPartitionParts{
      *parts_->data, parts_->config, *parts_->hasher, clock_, flush_, background_, 1024, note, note, [] {}});
  parts_->factory = std::make_unique<Factory>(*parts_->disk_factory, [this] { pump(); });
  LOGCASK_TRY(open_metadata());
  LOGCASK_TRY(open_topics());
  if (parts_->data->machine_reset()) LOGCASK_TRY(parts_->data->set_recovered());
  pump();
  return {};
}

Status StorageStack::open_metadata() {
  PartitionSpec spec;
  spec.topic = std::string(kMetadataTopic);
  spec.topic_id = LocalMetadataStore::kTopicId;
  spec.partition = PartitionId(0);
  spec.internal = true;
  LOGCASK_ASSIGN(const auto entries, parts_->data->list_partitions());
  const std::string name = DataDirectory::partition_directory_name(spec.topic, spec.partition, spec.topic_id);
  spec.create = std::none_of(entries.begin(), entries.end(), [&](const auto& e) { return e.directory_name == name; });
  if (spec.create && !entries.empty()) return Error{Errc::not_found, "partitions without the metadata topic"};
  spec.finish_creation = !spec.create && entries.size() == 1;
  LOGCASK_ASSIGN(spec.config, make_topic_config({{"cleanup.policy", "compact"}, {"segment.bytes", "16777216"}}));
  LOGCASK_ASSIGN(parts_->metadata_partition, parts_->factory->open(spec));
  const PartitionSnapshot state = parts_->metadata_partition->snapshot();
  if (state.state == PartitionSnapshot::State::offline)
    return Error{Errc::partition_offline, "the metadata topic cannot be opened: " + state.reason};
  parts_->metadata = std::make_unique<LocalMetadataStore>(parts_->metadata_partition, *parts_->hasher, clock_);
  return {};
}

Status StorageStack::open_topics() {
  Topics::Limits limits;
  limits.partitions_max = 100;
  parts_->topics = std::make_unique<Topics>(*parts_->metadata, *parts_->factory, clock_, limits);
  LOGCASK_ASSIGN(const auto entries, parts_->data->list_partitions());
  std::vector<TopicId> marked;
  for (const auto& entry : entries)
    if (entry.deletion_marked) marked.push_back(entry.topic_id);
  LOGCASK_ASSIGN(const TopicsReport report, parts_->topics->load(parts_->metadata_partition, 1, marked));
  for (const std::string& line : report.offline) notes_ += "offline: " + line + "\n";
  for (const MetadataProblem& problem : parts_->metadata->problems())
    notes_ += "problem: " + problem.key + ": " + problem.reason + "\n";
  // Loading has marked what a deletion had not come to.
  LOGCASK_ASSIGN(const auto left, parts_->data->list_partitions());
  std::set<TopicId> known = {LocalMetadataStore::kTopicId};
  for (const auto all = parts_->topics->snapshot(); const auto& [name, topic] : *all) known.insert(topic->record.id);
  for (const auto& entry : left)
    if (!known.contains(entry.topic_id) && entry.deletion_marked)
      background_.post([this, name = entry.directory_name] { (void)parts_->data->remove_partition(name); });
  return {};
}

Status StorageStack::stop() {
  pump();
  parts_->topics->close(kStopping, 1);
  pump();
  const Status marked = parts_->data->set_clean();
  kill();
  return marked;
}

void StorageStack::kill() {
  flush_.drop_all();
  background_.drop_all();
  parts_.reset();
  // What the partitions' ends have posted.
  flush_.drop_all();
  background_.drop_all();
}

Result<TopicPtr> StorageStack::create(const std::string& name, std::int64_t partitions) {
  LOGCASK_ASSIGN(auto created, topics().create(name, partitions, {{"cleanup.policy", "compact"}}, false));
  pump();
  return created.topic;
}

Status StorageStack::remove(const std::string& name) {
  LOGCASK_TRY(topics().remove(name, [this](std::function<void()> work) { background_.post(std::move(work)); }));
  pump();
  return {};
}

AppendResult StorageStack::append(const std::string& topic, int partition, const std::string& key,
                                  const std::optional<std::string>& value, Acks acks) {
  AppendResult answer;
  const TopicPtr found = topics().find(topic);
  PartitionRunner* runner = found ? found->partition(PartitionId(partition)) : nullptr;
  if (!runner) {
    answer.error = unknown_topic(topic);
    return answer;
  }
  const std::string bytes = make_batch({{key, value, {}}});
  Result<PreparedBatch> prepared = prepare_batch(bytes, PartitionConfig(), *parts_->hasher, {});
  REQUIRE_OK(prepared);
  bool answered = false;
  PartitionRunner& door = acks == Acks::all ? *runner : local(*runner);
  door.append(*std::move(prepared), acks, [&](AppendResult result) {
    answer = std::move(result);
    answered = true;
  });
  REQUIRE(answered);
  return answer;
}

LocalPartitionRunner& StorageStack::local(PartitionRunner& partition) {
  return dynamic_cast<LocalPartitionRunner&>(dynamic_cast<PumpedRunner&>(partition).inner());
}

Status StorageStack::compact(PartitionRunner& partition) {
  LOGCASK_TRY(partition.roll());
  pump();
  Compactor compactor(local(partition), {0, 0, 32 * 1024, 0});
  const auto done =
      compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; });
  pump();
  return done.ok() ? Status() : done.error();
}

}  // namespace logcask::testing
