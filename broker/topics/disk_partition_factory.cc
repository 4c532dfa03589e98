#include "broker/topics/disk_partition_factory.h"

#include <algorithm>
#include <utility>

#include "broker/door/local_partition_runner.h"
#include "broker/topics/topic_name.h"
#include "segment/segment.h"

namespace logcask {
namespace {

static_assert(kDataMetadataTopic == kMetadataTopic);

std::string directory_name(const PartitionSpec& spec) {
  return DataDirectory::partition_directory_name(spec.topic, spec.partition, spec.topic_id);
}

std::shared_ptr<SegmentEnvironment> make_segments(const DiskPartitionParts& parts) {
  SegmentEnvironment::Limits limits;
  limits.files.open_files = parts.open_files_max;
  limits.record_cache_bytes = static_cast<std::size_t>(parts.config.lookup_cache_bytes);
  auto segments = std::make_shared<SegmentEnvironment>(limits);
  // Unlinking a GiB takes tens of milliseconds; whoever drops the last reader should not pay.
  segments->remove_files = [&background = parts.background](FileRemoval removal) {
    // What stays behind is a leftover that the next recovery removes.
    background.post([removal = std::move(removal)] { (void)removal.run().ok(); });
  };
  return segments;
}

}  // namespace

DiskPartitionFactory::DiskPartitionFactory(DiskPartitionParts parts)
    : parts_(std::move(parts)),
      segments_(make_segments(parts_)),
      budgets_(parts_.config.keydir_total_max_bytes, parts_.clock) {}

DiskPartitionFactory::~DiskPartitionFactory() = default;

void DiskPartitionFactory::add_cache_numbers(std::vector<std::pair<std::string, double>>& numbers) const {
  const RecordCache::Stats stats = segments_->records.stats();
  numbers.emplace_back("lookup_cache.blocks", static_cast<double>(stats.blocks));
  numbers.emplace_back("lookup_cache.bytes", static_cast<double>(stats.bytes));
  numbers.emplace_back("lookup_cache.hits", static_cast<double>(stats.hits));
  numbers.emplace_back("lookup_cache.misses", static_cast<double>(stats.misses));
  numbers.emplace_back("lookup.file_reads", static_cast<double>(segments_->lookup_reads.reads.load()));
  numbers.emplace_back("lookup.file_read_bytes", static_cast<double>(segments_->lookup_reads.bytes.load()));
}

void DiskPartitionFactory::settings_changed(const TopicId& topic, const TopicConfig& config) {
  budgets_.set_limit(topic, config);
}

PartitionConfig DiskPartitionFactory::partition_config(const TopicConfig& config) const {
  PartitionConfig partition = config.partition;
  partition.tail_buffer_bytes = static_cast<std::size_t>(parts_.config.tail_buffer_bytes);
  partition.pending_records_max = static_cast<std::size_t>(parts_.config.pending_records_max);
  return partition;
}

Result<std::shared_ptr<PartitionRunner>> DiskPartitionFactory::open(const PartitionSpec& spec) {
  const std::string name = directory_name(spec);
  auto directory = spec.create ? parts_.data.create_partition(name) : parts_.data.open_partition(name);
  if (directory.code() == Errc::not_found)
    return Error{Errc::partition_offline, "directory " + parts_.data.root().path() + "/" + name +
                                              " is missing; restore it from a backup, then 'logcask reopen'"};
  if (!directory.ok()) return std::move(directory).error();
  RunnerEnvironment environment;
  environment.name = spec.label();
  environment.partition.segments = segments_;
  environment.partition.directory = std::move(directory).value();
  environment.partition.clock = &parts_.clock;
  environment.partition.hasher = &parts_.hasher;
  environment.partition.arena = &arena_;
  environment.partition.budget =
      spec.internal ? &budgets_.internal() : &budgets_.of_topic(spec.topic_id, spec.topic, spec.config);
  environment.recovery.owner = {spec.topic_id, spec.partition};
  environment.recovery.create = spec.create || spec.finish_creation;
  environment.recovery.machine_reset = parts_.data.machine_reset() && !spec.create;
  environment.flush = &parts_.flush;
  environment.background = &parts_.background;
  environment.alarm = parts_.alarm;
  environment.compaction_wanted = parts_.compaction_wanted;
  std::string report;
  auto runner = LocalPartitionRunner::open(std::move(environment), partition_config(spec.config), report);
  if (spec.create && !runner->opening().ok()) {
    runner->close(runner->opening().error());
    return runner->opening().error();
  }
  if (!spec.create && !report.empty()) parts_.note(spec.label() + ": " + report);
  return std::shared_ptr<PartitionRunner>(std::move(runner));
}

Result<std::size_t> DiskPartitionFactory::directories_of(const TopicId& topic) {
  LOGCASK_ASSIGN(const auto entries, parts_.data.root().list());
  std::size_t count = 0;
  for (const auto& entry : entries)
    if (const auto found = DataDirectory::parse_partition_directory_name(entry.name); found && found->topic_id == topic)
      count = std::max(count, static_cast<std::size_t>(found->partition.value()) + 1);
  return count;
}

Status DiskPartitionFactory::mark_deleted(const PartitionSpec& spec) {
  budgets_.set_gone(spec.topic_id, true);
  return parts_.data.mark_deleted(directory_name(spec));
}

Status DiskPartitionFactory::unmark_deleted(const PartitionSpec& spec) {
  budgets_.set_gone(spec.topic_id, false);
  return parts_.data.unmark_deleted(directory_name(spec));
}

Status DiskPartitionFactory::remove(const PartitionSpec& spec) {
  return parts_.data.remove_partition(directory_name(spec));
}

Status DiskPartitionFactory::discard(const PartitionSpec& spec) {
  return parts_.data.discard_partition(directory_name(spec));
}

Status DiskPartitionFactory::take_back(const PartitionSpec& spec) {
  return parts_.data.remove_unmarked_partition(directory_name(spec));
}

}  // namespace logcask
